/* SPDX-License-Identifier: MIT */
/*
 * Refusals in the log, once for a storm. The first of a kind is told at once; then its kind is
 * quiet for STORM_QUIET, and how many came meanwhile is told at the end of that. A kind is a code
 * of one webhook, or of none. Past STORMS_MAX kinds at a time the others are one kind.
 *
 * One table for each loop, for the loop's thread.
 */
#ifndef GATEWAY_STORM_H
#define GATEWAY_STORM_H

#include <stdint.h>

#include <weir/error.h>

#include "address.h"
#include "clock.h"

#define STORMS_MAX  64
#define STORM_QUIET (10 * CLOCK_SECOND)

struct event;
struct event_base;

/* One refusal; borrowed for the call. */
struct storm_case {
    const char *webhook; /* its id; NULL: it was not for one */
    const char *code;    /* static: "unauthorized" */
    const struct address *client;
    const char *detail; /* for the operator */
};

struct storm {
    uint64_t kind; /* 0: free */
    int64_t quiet_until;
    uint64_t untold;
    char webhook[257];
    const char *code;
    struct address client; /* of the last one */
    char detail[WEIR_ERROR_DETAIL_MAX];
};

struct storms {
    struct storm items[STORMS_MAX];
    struct storm others;
    struct event *timer; /* while something is untold */
};

/* 0 or WEIR_ENOMEM. */
int storms_init(struct storms *storms, struct event_base *base);

/* Tell it, or count it. `now` is monotonic. */
void storms_add(struct storms *storms, const struct storm_case *one, int64_t now);

/* Tell what was counted and whose quiet time has ended; with CLOCK_NEVER, whatever was counted. */
void storms_tell(struct storms *storms, int64_t now);

/* Tells the rest. May be called again. */
void storms_fini(struct storms *storms);

#endif
