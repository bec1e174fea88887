/* SPDX-License-Identifier: MIT */
/* Condition variables with absolute deadlines of CLOCK_MONOTONIC, as everything here has them. */
#ifndef BASE_COND_H
#define BASE_COND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* End it with pthread_cond_destroy. */
void cond_init(pthread_cond_t *cond);

/*
 * Wait once, with the mutex held, until woken (maybe for nothing) or the deadline, which may be
 * CLOCK_NEVER. False if it has passed.
 */
bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline);

#endif
