/* SPDX-License-Identifier: MIT */
/*
 * Owns: an asynchronous acquire, from its start until its callback or its cancellation.
 * Never does: call a callback (completions.c does); allocate once it has begun.
 * Lock: its queue's mutex for its state; the registry's only through waiter.c and lease.c.
 */
#include "request.h"

#include <stdlib.h>

void request_unref(struct weir_request *request)
{
    struct weir_completions *completions = request->completions;

    pthread_mutex_lock(&completions->mutex);
    if (--request->refs > 0) {
        pthread_mutex_unlock(&completions->mutex);
        return;
    }
    completions_unref(completions);
    free(request);
}

/* Nobody wants it any more: what it was granted goes to the next in line. */
static void abandon(struct weir_request *request)
{
    if (request->waiter.status == 0)
        lease_decline(&request->waiter.lease);
    completions_forget(request->completions);
    request_unref(request);
}

/* The registry is done with it. */
static void complete(struct waiter *waiter)
{
    struct weir_request *request = list_entry(waiter, struct weir_request, waiter);
    struct weir_completions *completions = request->completions;

    pthread_mutex_lock(&completions->mutex);
    if (request->state == REQUEST_PENDING) {
        completions_push(completions, request);
        return;
    }
    pthread_mutex_unlock(&completions->mutex);
    abandon(request);
}

/*
 * A pending one is taken out of the line; if the registry is completing it just now, complete
 * finds it dropped and gives back what was granted.
 */
bool request_drop(struct weir_request *request)
{
    struct weir_completions *completions = request->completions;

    pthread_mutex_lock(&completions->mutex);
    enum request_state before = request->state;
    if (before == REQUEST_PENDING || before == REQUEST_DONE) {
        list_remove(&request->link);
        request->state = REQUEST_DROPPED;
    }
    pthread_mutex_unlock(&completions->mutex);
    if (before == REQUEST_PENDING)
        waiter_cancel(request->registry, &request->waiter, WEIR_ECANCELED);
    if (before == REQUEST_DONE)
        abandon(request);
    return before == REQUEST_PENDING || before == REQUEST_DONE;
}

bool weir_request_cancel(struct weir_request **at)
{
    struct weir_request *request = *at;

    *at = NULL;
    if (request == NULL)
        return false;
    if (fork_left(request->completions->made))
        return true;
    request_drop(request);
    bool dropped = request->state == REQUEST_DROPPED;
    request_unref(request);
    return dropped;
}

int weir_acquire_async(struct weir_registry *registry, const char *name, struct weir_pin *pin,
                       int64_t deadline, struct weir_completions *completions,
                       weir_acquired *callback, void *context, struct weir_request **out,
                       struct weir_error *error)
{
    if (out != NULL)
        *out = NULL;
    if (fork_left(registry->made) || fork_left(completions->made))
        return fork_refuse(error);
    struct weir_request *request = calloc(1, sizeof(*request));
    if (request == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    *request = (struct weir_request){
        .waiter = {.deadline = deadline, .until = deadline, .complete = complete},
        .registry = registry,
        .completions = completions,
        .callback = callback,
        .context = context,
        .refs = out == NULL ? 1 : 2};
    pthread_mutex_lock(&completions->mutex);
    bool admitted = completions_admit(completions, request);
    pthread_mutex_unlock(&completions->mutex);
    if (!admitted) {
        free(request);
        return weir_fail(error, WEIR_ELIMIT, "%d requests are not over yet", WEIR_REQUESTS_MAX);
    }
    if (out != NULL)
        *out = request;
    waiter_start(registry, name, pin, &request->waiter);
    return 0;
}
