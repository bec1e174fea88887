/* SPDX-License-Identifier: MIT */
/*
 * Owns: the number that tells a child from its parent.
 * Never does: touch a registry: in a child, half of one may be in the middle of a change.
 * Lock: none; the handler runs in a child that has one thread only.
 */
#include "fork.h"

#include <pthread.h>

atomic_uint fork_depth;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool watching;

static void in_child(void)
{
    atomic_fetch_add_explicit(&fork_depth, 1, memory_order_relaxed);
}

static void begin(void)
{
    watching = pthread_atfork(NULL, NULL, in_child) == 0;
}

int fork_watch(void)
{
    pthread_once(&once, begin);
    return watching ? 0 : WEIR_ENOMEM;
}

int fork_refuse(struct weir_error *error)
{
    return weir_fail(error, WEIR_EFORKED, "made before a fork; a child makes its own");
}
