/* SPDX-License-Identifier: MIT */
/*
 * Owns: calls that may hang for ever, each on a detached thread that can be left behind.
 * Never does: cancel a thread, or wait past the deadline.
 * Lock: one for each call, shared by both sides; the last of them frees it.
 */
#include "spare.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include <weir/error.h>

#include "cond.h"

struct spare {
    pthread_mutex_t mutex;
    pthread_cond_t finished;
    bool done, left; /* left: nobody waits any more */
    void (*work)(void *job);
    void (*discard)(void *job);
    void *job;
};

static atomic_uint threads; /* of this process */

static struct spare *spare_new(void (*work)(void *), void (*discard)(void *), void *job)
{
    struct spare *spare = calloc(1, sizeof(*spare));

    if (spare == NULL)
        return NULL;
    cond_init(&spare->finished);
    pthread_mutex_init(&spare->mutex, NULL);
    spare->work = work;
    spare->discard = discard;
    spare->job = job;
    return spare;
}

static void spare_free(struct spare *spare)
{
    pthread_cond_destroy(&spare->finished);
    pthread_mutex_destroy(&spare->mutex);
    free(spare);
}

static void *run(void *argument)
{
    struct spare *spare = argument;

    spare->work(spare->job);
    pthread_mutex_lock(&spare->mutex);
    spare->done = true;
    bool left = spare->left;
    pthread_cond_signal(&spare->finished);
    pthread_mutex_unlock(&spare->mutex);
    if (left) {
        spare->discard(spare->job);
        spare_free(spare);
    }
    atomic_fetch_sub(&threads, 1);
    return NULL;
}

static bool start(struct spare *spare)
{
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    bool started = pthread_create(&thread, &attributes, run, spare) == 0;
    pthread_attr_destroy(&attributes);
    return started;
}

/* True if the work was done in time; else the thread has it from here on. */
static bool wait(struct spare *spare, int64_t deadline)
{
    bool in_time = true;

    pthread_mutex_lock(&spare->mutex);
    while (!spare->done && in_time)
        in_time = cond_wait_until(&spare->finished, &spare->mutex, deadline);
    bool done = spare->done;
    spare->left = !done;
    pthread_mutex_unlock(&spare->mutex);
    return done;
}

int spare_run(void (*work)(void *job), void (*discard)(void *job), void *job, int64_t deadline)
{
    struct spare *spare = NULL;
    int status = 0;

    if (atomic_fetch_add(&threads, 1) >= SPARE_THREADS_MAX)
        status = WEIR_ELIMIT;
    else if ((spare = spare_new(work, discard, job)) == NULL || !start(spare))
        status = WEIR_ENOMEM;
    if (status != 0) {
        atomic_fetch_sub(&threads, 1);
        if (spare != NULL)
            spare_free(spare);
        discard(job);
        return status;
    }
    if (!wait(spare, deadline))
        return WEIR_EDEADLINE;
    spare_free(spare);
    return 0;
}
