/* SPDX-License-Identifier: MIT */
/*
 * Owns: the queue of asynchronous acquires that are over, its bell, and the calls of their
 * callbacks.
 * Never does: call back while it holds its mutex, or ring while it does.
 * Lock: its own mutex.
 */
#include "request.h"

#include <stdlib.h>

int weir_completions_new(struct weir_completions **out, struct weir_error *error)
{
    struct weir_completions *completions =
        fork_watch() != 0 ? NULL : calloc(1, sizeof(*completions));

    *out = NULL;
    if (completions == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    int status = bell_init(&completions->bell, error);
    if (status != 0) {
        free(completions);
        return status;
    }
    pthread_mutex_init(&completions->mutex, NULL);
    pthread_cond_init(&completions->quiet, NULL);
    list_init(&completions->pending);
    list_init(&completions->done);
    completions->refs = 1;
    completions->made = fork_now();
    *out = completions;
    return 0;
}

int weir_completions_fd(const struct weir_completions *completions)
{
    return completions->bell.fd;
}

void completions_unref(struct weir_completions *completions)
{
    bool last = --completions->refs == 0;

    pthread_mutex_unlock(&completions->mutex);
    if (!last)
        return;
    pthread_cond_destroy(&completions->quiet);
    pthread_mutex_destroy(&completions->mutex);
    free(completions);
}

/* ---- Coming and going ------------------------------------------------------------------------ */

bool completions_admit(struct weir_completions *completions, struct weir_request *request)
{
    if (completions->count == WEIR_REQUESTS_MAX)
        return false;
    completions->count++;
    completions->refs++;
    list_push_back(&completions->pending, &request->link);
    return true;
}

/* With the mutex held, which is released meanwhile: the queue stays until the ring is over. */
static void ring(struct weir_completions *completions)
{
    completions->rung = true;
    completions->ringing++;
    pthread_mutex_unlock(&completions->mutex);
    bell_ring(&completions->bell);
    pthread_mutex_lock(&completions->mutex);
    completions->ringing--;
    pthread_cond_signal(&completions->quiet);
}

void completions_push(struct weir_completions *completions, struct weir_request *request)
{
    request->state = REQUEST_DONE;
    list_remove(&request->link);
    list_push_back(&completions->done, &request->link);
    if (!completions->rung)
        ring(completions);
    pthread_mutex_unlock(&completions->mutex);
}

void completions_forget(struct weir_completions *completions)
{
    pthread_mutex_lock(&completions->mutex);
    completions->count--;
    pthread_cond_signal(&completions->quiet);
    pthread_mutex_unlock(&completions->mutex);
}

/* ---- Dispatching ----------------------------------------------------------------------------- */

static struct weir_request *take(struct weir_completions *completions)
{
    struct list *link = list_pop_front(&completions->done);

    if (link == NULL)
        return NULL;
    struct weir_request *request = list_entry(link, struct weir_request, link);
    request->state = REQUEST_CALLED;
    completions->count--;
    return request;
}

static void call_back(struct weir_request *request)
{
    const struct waiter *waiter = &request->waiter;
    bool granted = waiter->status == 0;

    request->callback(request->context, waiter->status, granted ? &waiter->lease : NULL,
                      &waiter->error);
    request_unref(request);
}

/*
 * The bell is silenced before the queue is looked at: a ring that comes later is for what came
 * later, or for nothing, which does no harm.
 */
unsigned weir_completions_dispatch(struct weir_completions *completions)
{
    unsigned count = 0;

    if (fork_left(completions->made))
        return 0;
    bell_silence(&completions->bell);
    pthread_mutex_lock(&completions->mutex);
    completions->rung = false;
    while (count < WEIR_DISPATCH_MAX) {
        struct weir_request *request = take(completions);
        if (request == NULL)
            break;
        pthread_mutex_unlock(&completions->mutex);
        call_back(request);
        pthread_mutex_lock(&completions->mutex);
        count++;
    }
    if (!list_empty(&completions->done) && !completions->rung)
        ring(completions);
    pthread_mutex_unlock(&completions->mutex);
    return count;
}

/* ---- The end --------------------------------------------------------------------------------- */

/* One at a time; the reference keeps it while the mutex is released. */
static void drop_all(struct weir_completions *completions, struct list *requests)
{
    for (struct list *link; (link = list_first(requests)) != NULL;) {
        struct weir_request *request = list_entry(link, struct weir_request, link);
        request->refs++;
        pthread_mutex_unlock(&completions->mutex);
        request_drop(request);
        request_unref(request);
        pthread_mutex_lock(&completions->mutex);
    }
}

void weir_completions_free(struct weir_completions **at)
{
    struct weir_completions *completions = *at;

    *at = NULL;
    if (completions == NULL || fork_left(completions->made))
        return;
    pthread_mutex_lock(&completions->mutex);
    while (completions->count > 0 || completions->ringing > 0) {
        drop_all(completions, &completions->pending);
        drop_all(completions, &completions->done);
        if (completions->count > 0 || completions->ringing > 0)
            pthread_cond_wait(&completions->quiet, &completions->mutex);
    }
    pthread_mutex_unlock(&completions->mutex);
    bell_fini(&completions->bell);
    pthread_mutex_lock(&completions->mutex);
    completions_unref(completions);
}
