/* SPDX-License-Identifier: MIT */
/*
 * Owns: the fake server that the C pools connect to.
 * Never does: know which pool asks.
 * Lock: none; counters are atomic.
 */
#include "backend.h"

#include <errno.h>
#include <time.h>

struct backend backend;

int64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

void sleep_until(int64_t until)
{
    struct timespec at = {.tv_sec = until / SECOND, .tv_nsec = until % SECOND};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
        continue;
}

static void see_one_more(void)
{
    unsigned seen = atomic_fetch_add(&backend.seen, 1) + 1;
    unsigned peak = atomic_load(&backend.peak);

    while (seen > peak && !atomic_compare_exchange_weak(&backend.peak, &peak, seen))
        continue;
}

static bool is_refused(void)
{
    unsigned fail = atomic_load(&backend.fail_next);

    while (fail > 0)
        if (atomic_compare_exchange_weak(&backend.fail_next, &fail, fail - 1))
            return true;
    return atomic_load(&backend.down);
}

bool backend_open(struct resource *resource, unsigned password)
{
    int64_t lag = atomic_load(&backend.lag);

    atomic_fetch_add(&backend.attempts, 1);
    see_one_more();
    if (lag > 0)
        sleep_until(clock_ns() + lag);
    if (is_refused()) {
        atomic_fetch_sub(&backend.seen, 1);
        return false;
    }
    resource->password = password;
    resource->up = true;
    return true;
}

void backend_close(struct resource *resource)
{
    if (resource->up)
        atomic_fetch_sub(&backend.seen, 1);
    resource->up = false;
}
