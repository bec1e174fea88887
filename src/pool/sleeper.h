/* SPDX-License-Identifier: MIT */
/* A waiter and the thread that sleeps for it. */
#ifndef POOL_SLEEPER_H
#define POOL_SLEEPER_H

#include "pool.h"

struct sleeper {
    struct waiter waiter;
    pthread_mutex_t mutex;
    pthread_cond_t woken;
    bool done;
    unsigned nudges; /* that have arrived */
    unsigned heard;  /* of these */
};

void sleeper_init(struct sleeper *sleeper, int64_t deadline, const char *site);
void sleeper_fini(struct sleeper *sleeper);

/* After waiter_start: until it is completed; cancels it at the deadline. Its status. */
int sleeper_wait(struct sleeper *sleeper, struct weir_registry *registry, int64_t deadline);

#endif
