/* SPDX-License-Identifier: MIT */
/*
 * What users write around a pool that cannot change its configuration: make a new one, send new
 * callers there, and free the old one when its last lease is back.
 */
#ifndef BENCH_REPLACE_H
#define BENCH_REPLACE_H

#include <stdbool.h>

struct generation {
    void *pool;
    unsigned password;
    unsigned leases; /* callers inside it, waiting ones included */
    bool replaced;
};

/* Frees a generation's pool; called once, without the lock. */
typedef void generation_free(void *pool);

/* The one for new callers. The previous one goes when nobody is in it any more. */
void generation_set(void *pool, unsigned password, generation_free *free_pool);

/* Enter the present one; leave it with generation_leave. */
struct generation *generation_enter(void);
void generation_leave(struct generation *generation);

/* Free the present one, too; nobody is in it. */
void generation_end(void);

#endif
