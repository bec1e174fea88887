/* SPDX-License-Identifier: MIT */
/*
 * The pool's promises, checked from outside after each step: by walking its structures, by what
 * the fake servers counted, and by a book of every acquire kept here. Numbers as in docs/pool.md.
 */
#ifndef INVARIANTS_H
#define INVARIANTS_H

#include "fake.h"
#include "pool.h"

#define BOOK_WAITERS_MAX 512

/* One acquire, from start to release. */
struct entry {
    struct waiter waiter; /* first: complete casts back */
    enum { ENTRY_FREE, ENTRY_WAITING, ENTRY_HELD } state;
    uint64_t order;
    unsigned completions;
};

struct book {
    struct weir_registry *registry;
    struct entry entries[BOOK_WAITERS_MAX];
    uint64_t order, granted, failed, bad_releases;
    bool closed;
};

extern struct book book;

/* A new book for a new registry. */
void book_open(struct weir_registry *registry);

/* A free entry, ready for waiter_start; NULL if the book is full. */
struct entry *book_entry(int64_t deadline);

/* After each step. */
void invariants_check(void);

/* When everything has been let go. */
void invariants_check_drained(void);

#endif
