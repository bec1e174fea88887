/* SPDX-License-Identifier: MIT */
/*
 * The pool's promises, checked from outside after each step: by walking its structures, by what
 * the fake servers counted, and by a book of every acquire kept here. Numbers as in docs/pool.md.
 */
#ifndef INVARIANTS_H
#define INVARIANTS_H

#include "fake.h"
#include "pool.h"
#include "request.h"

#define BOOK_WAITERS_MAX   512
#define BOOK_ENDPOINTS_MAX 16

/* One acquire, from start to release. */
struct entry {
    struct waiter *waiter; /* own, or its request's while there is one */
    struct waiter own;
    struct weir_request *request;            /* its handle; NULL unless it is asynchronous */
    void (*complete)(struct waiter *waiter); /* the request's, called after the book's */
    int status;
    struct weir_lease lease;
    enum { ENTRY_FREE, ENTRY_WAITING, ENTRY_HELD } state;
    uint64_t order;
    unsigned completions;
    bool taken;  /* without standing in line */
    bool nudged; /* its thread is to wake up and look */
};

struct book {
    struct weir_registry *registry;
    struct entry entries[BOOK_WAITERS_MAX];
    struct weir_completions *completions;
    struct {
        const struct endpoint *endpoint;
        uint32_t version;
        uint64_t opened;
        int64_t retry_at, paused_at;
        bool open;
    } breakers[BOOK_ENDPOINTS_MAX]; /* as they were after the last step */
    uint64_t order, granted, failed, bad_releases;
    struct weir_totals counted; /* failures by their status */
    bool closed;
};

extern struct book book;

/* A new book for a new registry. */
void book_open(struct weir_registry *registry);

/* A free entry, ready for waiter_start; NULL if the book is full. */
struct entry *book_entry(int64_t deadline);

/* Let it be woken to look for itself, as a thread is; else it is handed what it waits for. */
void book_may_look(struct entry *entry);

/* A free entry that has leased from the endpoint without standing in line; NULL if it could not. */
struct entry *book_take(struct endpoint *endpoint);

/* An asynchronous acquire, with its completion to be dispatched; NULL if the book is full. */
struct entry *book_async(const char *name, struct weir_pin *pin, int64_t deadline);

/* An acquire that does not wait: HELD or FREE when this returns; NULL if the book is full. */
struct entry *book_try(const char *name, struct weir_pin *pin);

/* Cancel what is not over for its caller; false if it is. */
bool book_cancel(struct entry *entry);

/* Dispatch until nothing is left; how many callbacks were called. */
unsigned book_dispatch(void);

/* No callback follows; what nobody was told of is given back. */
void book_close_completions(void);

/* After each step. */
void invariants_check(void);

/* When everything has been let go. */
void invariants_check_drained(void);

#endif
