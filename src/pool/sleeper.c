/* SPDX-License-Identifier: MIT */
/*
 * Owns: the sleep of a thread that stands in line: it wakes when it is served, when it is asked to
 * look for itself, and at its deadline.
 * Never does: return while somebody is still about to wake it, as its memory is on that stack.
 * Lock: a mutex of its own; the registry's is taken by waiter.c, never with it.
 */
#include "sleeper.h"

#include "cond.h"

static void wake(struct waiter *waiter)
{
    struct sleeper *sleeper = list_entry(waiter, struct sleeper, waiter);

    pthread_mutex_lock(&sleeper->mutex);
    sleeper->done = true;
    pthread_cond_signal(&sleeper->woken);
    pthread_mutex_unlock(&sleeper->mutex);
}

static void nudge(struct waiter *waiter)
{
    struct sleeper *sleeper = list_entry(waiter, struct sleeper, waiter);

    pthread_mutex_lock(&sleeper->mutex);
    sleeper->nudges++;
    pthread_cond_signal(&sleeper->woken);
    pthread_mutex_unlock(&sleeper->mutex);
}

void sleeper_init(struct sleeper *sleeper, int64_t deadline, const char *site)
{
    cond_init(&sleeper->woken);
    pthread_mutex_init(&sleeper->mutex, NULL);
    sleeper->done = false;
    sleeper->nudges = sleeper->heard = 0;
    sleeper->waiter = (struct waiter){.deadline = CLOCK_NEVER, /* kept here, not by tick */
                                      .until = deadline,
                                      .complete = wake,
                                      .nudge = nudge,
                                      .site = site};
}

void sleeper_fini(struct sleeper *sleeper)
{
    pthread_cond_destroy(&sleeper->woken);
    pthread_mutex_destroy(&sleeper->mutex);
}

/* Until something has happened, or the deadline; false if that has passed. */
static bool sleep_until(struct sleeper *sleeper, int64_t deadline)
{
    bool in_time = true;

    pthread_mutex_lock(&sleeper->mutex);
    while (!sleeper->done && sleeper->nudges == sleeper->heard && in_time)
        in_time = cond_wait_until(&sleeper->woken, &sleeper->mutex, deadline);
    in_time = sleeper->done || sleeper->nudges != sleeper->heard;
    sleeper->heard = sleeper->nudges;
    pthread_mutex_unlock(&sleeper->mutex);
    return in_time;
}

static bool is_done(struct sleeper *sleeper)
{
    pthread_mutex_lock(&sleeper->mutex);
    bool done = sleeper->done;
    pthread_mutex_unlock(&sleeper->mutex);
    return done;
}

/* Completed it is never nudged again, but a nudge may still be on its way. */
static void await_nudges(struct sleeper *sleeper)
{
    pthread_mutex_lock(&sleeper->mutex);
    while (!sleeper->done || sleeper->nudges != sleeper->waiter.nudges)
        pthread_cond_wait(&sleeper->woken, &sleeper->mutex);
    pthread_mutex_unlock(&sleeper->mutex);
}

int sleeper_wait(struct sleeper *sleeper, struct weir_registry *registry, int64_t deadline)
{
    while (!is_done(sleeper)) {
        if (sleep_until(sleeper, deadline)) {
            if (!is_done(sleeper))
                waiter_retry(registry, &sleeper->waiter);
        } else {
            waiter_cancel(registry, &sleeper->waiter, WEIR_ETIMEOUT);
            break; /* it was granted meanwhile, or is failed now */
        }
    }
    await_nudges(sleeper);
    return sleeper->waiter.status;
}
