/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous acquires: a request is a waiter that nobody sleeps for, and the queue of completions
 * is where it waits for its callback once it is over.
 *
 * The mutex of the queue guards everything here but the waiter, which is the registry's. It is
 * never held together with the registry's, nor during a callback.
 */
#ifndef POOL_REQUEST_H
#define POOL_REQUEST_H

#include <weir/async.h>

#include "bell.h"
#include "pool.h"

enum request_state {
    REQUEST_PENDING, /* in the registry's hands */
    REQUEST_DONE,    /* over, in completions->done until its callback is called */
    REQUEST_DROPPED, /* cancelled: there will be no callback */
    REQUEST_CALLED   /* its callback was called, or runs */
};

struct weir_request {
    struct waiter waiter;
    struct list link; /* in completions->pending or ->done */
    struct weir_registry *registry;
    struct weir_completions *completions;
    weir_acquired *callback;
    void *context;
    enum request_state state;
    unsigned refs; /* the queue's, and the handle's */
};

struct weir_completions {
    pthread_mutex_t mutex;
    pthread_cond_t quiet; /* a request is over, or a ring */
    struct bell bell;
    bool rung; /* readable, or about to be */
    struct list pending, done;
    unsigned count;   /* requests that are not over */
    unsigned ringing; /* threads between the decision to ring and its end */
    unsigned refs;    /* the owner's, and one for each request there still is */
    unsigned made;    /* fork_now at that time */
};

/* ---- request.c ---- */
/* Queue lock inside. Cancel one that is pending or done; false if it was called or dropped. */
bool request_drop(struct weir_request *request);
/* Queue lock inside. One reference less. */
void request_unref(struct weir_request *request);

/* ---- completions.c ---- */
/* Queue lock held. Take in a new request; false if there are too many. */
bool completions_admit(struct weir_completions *completions, struct weir_request *request);
/* Queue lock held, and released. A pending request is over: to be dispatched. */
void completions_push(struct weir_completions *completions, struct weir_request *request);
/* Queue lock inside. A dropped request is over, its lease given back. */
void completions_forget(struct weir_completions *completions);
/* Queue lock held, and released. One reference less. */
void completions_unref(struct weir_completions *completions);

#endif
