/* SPDX-License-Identifier: MIT */
/*
 * The fake server behind every pool written in C: opening costs what it is told to, fails when it
 * is told to, and every connection is counted from the start of its open to the end of its close.
 * May be used from any thread.
 */
#ifndef BENCH_BACKEND_H
#define BENCH_BACKEND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SECOND INT64_C(1000000000)
#define MS     INT64_C(1000000)

/* What is pooled. Its owner is written by whoever has leased it, so that two would be noticed. */
struct resource {
    atomic_uint owner; /* number of a thread, from 1; 0: nobody */
    unsigned password; /* it was opened with */
    bool up;
    char apart[120]; /* no two share a cache line */
};

struct backend {
    atomic_uint attempts;     /* opens started */
    atomic_uint seen, peak;   /* connections at this instant, and at most */
    atomic_uint fail_next;    /* so many of the next opens fail */
    atomic_int_least64_t lag; /* how long an open takes, in nanoseconds */
    atomic_bool down;         /* every open fails */
};

extern struct backend backend;

/* Zeroed memory becomes a connection. False if the server refuses. */
bool backend_open(struct resource *resource, unsigned password);

/* Accepts what was never opened. */
void backend_close(struct resource *resource);

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t clock_ns(void);

/* Not before `until`. */
void sleep_until(int64_t until);

#endif
