/* SPDX-License-Identifier: MIT */
/*
 * Forks: whatever was made before one belongs to the parent. A child must not touch its sockets,
 * nor take a lock that a thread held which the child does not have; so every public function looks
 * here first, which costs one load.
 */
#ifndef POOL_FORK_H
#define POOL_FORK_H

#include <stdatomic.h>
#include <stdbool.h>

#include <weir/error.h>

/* How many forks this process is away from the one that loaded the library. */
extern atomic_uint fork_depth;

/* Count them from now on. WEIR_ENOMEM if that cannot be had. */
int fork_watch(void);

/* For whatever is made now. */
static inline unsigned fork_now(void)
{
    return atomic_load_explicit(&fork_depth, memory_order_relaxed);
}

/* Was it made before the last fork? */
static inline bool fork_left(unsigned made)
{
    return fork_now() != made;
}

/* WEIR_EFORKED, with its detail. */
int fork_refuse(struct weir_error *error);

#endif
