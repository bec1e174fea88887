/* SPDX-License-Identifier: MIT */
/*
 * Owns: waiting on a condition by the monotonic clock. Never does: look at what is waited for.
 * Lock: the caller's.
 */
#include "cond.h"

#include "clock.h"

void cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline)
{
    struct timespec at = clock_timespec(deadline);

    if (deadline == CLOCK_NEVER)
        return pthread_cond_wait(cond, mutex) == 0;
    return pthread_cond_timedwait(cond, mutex, &at) == 0;
}
