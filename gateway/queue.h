/* SPDX-License-Identifier: MIT */
/*
 * The queue of one connection: deliveries that wait, oldest first, bounded in number and bytes,
 * and the lanes that empty it. Everything in it is guarded by its mutex, which is never held
 * while something is settled, leased, written or logged.
 */
#ifndef GATEWAY_QUEUE_H
#define GATEWAY_QUEUE_H

#include <pthread.h>
#include <stdbool.h>

#include "dispatch.h"

#define QUEUE_PATIENCE  INT64_C(10000000)   /* a wait that always justifies another lane */
#define QUEUE_LANE_IDLE INT64_C(5000000000) /* a lane without work goes after this */

struct queue {
    struct weir_registry *registry;
    struct queue *next; /* in the dispatch's table */
    char name[WEIR_NAME_MAX + 1];
    const struct weir_driver *driver; /* of all that is queued here */

    pthread_mutex_t mutex;
    pthread_cond_t work; /* for lanes */
    pthread_cond_t gone; /* a lane has ended */
    struct list waiting;
    struct list aside;    /* failed alone; each waits until its retry_at */
    unsigned aside_count; /* of count */
    unsigned count;
    size_t bytes;
    int64_t not_before; /* a pause after something failed */
    int64_t earliest;   /* no waiting delivery's time ends before this */
    unsigned lanes, lanes_max, idle, acquiring;
    uint64_t resized_in;  /* the generation in which an operator has resized the pool; or 0 */
    unsigned resized_max; /* to this size */
    unsigned woken;       /* of the idle lanes */
    struct list ended;    /* lanes to be joined */
    int64_t usual;        /* what a batch takes, a moving average */
    bool down;            /* no backend connection is open, because opens fail */
    int trouble;          /* the status last complained about; 0: all is well */
    int64_t troubled_at;
    bool stopping, quitting;
    int64_t stop_by;
    unsigned writing;
    struct dispatch_view totals; /* the counters of it, and versions */
};

/* What a lane needs to lease for the delivery that is first in line. */
struct ticket {
    struct config *config; /* a reference */
    int64_t asked_at, deadline;
    int64_t operation_timeout;
};

/* Up to WEIR_BATCH_MAX deliveries for one target, off the queue. */
struct batch {
    struct delivery *items[WEIR_BATCH_MAX];
    int statuses[WEIR_BATCH_MAX];
    size_t count;
    uint32_t version;
};

struct queue *queue_new(struct weir_registry *registry, const char *name,
                        const struct weir_driver *driver);
/* After queue_quit; nothing waits. *queue becomes NULL. */
void queue_free(struct queue **queue);

/* 0, or the outcome to settle the delivery with: overloaded, shutting down. */
enum outcome queue_push(struct queue *queue, struct delivery *delivery, int64_t now);

/* Until the next generation, so many lanes at most. */
void queue_resize(struct queue *queue, uint64_t generation, unsigned max);

/* For a lane: wait for work. False: there was none for long, or the queue quits; the lane ends. */
struct lane;
bool queue_await(struct queue *queue, struct lane *lane, struct ticket *ticket);
/* The lane has its lease, or not: then what the refusal is true of, too, is settled. */
void queue_acquired(struct queue *queue, const struct ticket *ticket, int status,
                    const struct weir_error *error, int64_t now);
/* Take what suits the lease. What nobody waits for any more is settled instead. */
void queue_take(struct queue *queue, struct batch *batch, const struct weir_lease *lease);
/* Settle the batch by its statuses; what may still succeed goes back to the front. */
void queue_return(struct queue *queue, struct batch *batch, int64_t took, int64_t now);
/* Write to the log what has changed for better or worse. */
void queue_complain(struct queue *queue, int status, const struct weir_error *error);

/* Settle what is overdue, start a lane where one is missing. */
void queue_tick(struct queue *queue, int64_t now);
void queue_look(struct queue *queue, struct dispatch_view *view);
void queue_stop(struct queue *queue, int64_t deadline);
bool queue_is_empty(struct queue *queue);
/* End the lanes and wait for them. */
void queue_quit(struct queue *queue);

#endif
