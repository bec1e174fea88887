/* SPDX-License-Identifier: MIT */
/*
 * Owns: the present and the replaced pools of a peer that cannot be reconfigured in place.
 * Never does: know what a pool is.
 * Lock: one mutex, not held while a pool is freed.
 */
#include "replace.h"

#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct generation *present;
static generation_free *free_pool;

static void end_of(struct generation *generation)
{
    free_pool(generation->pool);
    free(generation);
}

void generation_set(void *pool, unsigned password, generation_free *how)
{
    struct generation *next = calloc(1, sizeof(*next));

    if (next == NULL)
        abort();
    next->pool = pool;
    next->password = password;
    pthread_mutex_lock(&mutex);
    struct generation *last = present;
    present = next;
    free_pool = how;
    bool over = last != NULL && last->leases == 0;
    if (last != NULL)
        last->replaced = true;
    pthread_mutex_unlock(&mutex);
    if (over)
        end_of(last);
}

struct generation *generation_enter(void)
{
    pthread_mutex_lock(&mutex);
    struct generation *generation = present;
    generation->leases++;
    pthread_mutex_unlock(&mutex);
    return generation;
}

void generation_leave(struct generation *generation)
{
    pthread_mutex_lock(&mutex);
    bool over = --generation->leases == 0 && generation->replaced;
    pthread_mutex_unlock(&mutex);
    if (over)
        end_of(generation);
}

void generation_end(void)
{
    end_of(present);
    present = NULL;
}
