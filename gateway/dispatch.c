/* SPDX-License-Identifier: MIT */
/*
 * Owns: the queues, one for each connection name and type that a webhook was ever accepted for.
 * Never does: block; or let one connection's trouble reach another.
 * Lock: a read-write lock over the table of queues; each queue has its own mutex.
 */
#include "dispatch.h"

#include <stdlib.h>
#include <string.h>

#include "queue.h"

#define BUCKETS 256

struct dispatch {
    struct weir_registry *registry;
    pthread_rwlock_t lock;
    struct queue *buckets[BUCKETS];
    bool stopping;
    int64_t stop_by;
};

int dispatch_new(struct dispatch **out, struct weir_registry *registry)
{
    struct dispatch *dispatch = calloc(1, sizeof(*dispatch));

    *out = dispatch;
    if (dispatch == NULL)
        return WEIR_ENOMEM;
    dispatch->registry = registry;
    pthread_rwlock_init(&dispatch->lock, NULL);
    return 0;
}

/* ---- Finding --------------------------------------------------------------------------------- */

/* FNV-1a. */
static size_t bucket_of(const char *name)
{
    uint32_t hash = 2166136261u;

    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash % BUCKETS;
}

static bool is_for(const struct queue *queue, const char *name, const char *type)
{
    return strcmp(queue->name, name) == 0 && strcmp(queue->driver->name, type) == 0;
}

static struct queue *find(const struct dispatch *dispatch, const char *name, const char *type)
{
    struct queue *queue = dispatch->buckets[bucket_of(name)];

    while (queue != NULL && !is_for(queue, name, type))
        queue = queue->next;
    return queue;
}

static struct queue *find_locked(struct dispatch *dispatch, const char *name, const char *type)
{
    pthread_rwlock_rdlock(&dispatch->lock);
    struct queue *queue = find(dispatch, name, type);
    pthread_rwlock_unlock(&dispatch->lock);
    return queue;
}

static struct queue *make(struct dispatch *dispatch, const char *name,
                          const struct weir_driver *driver)
{
    size_t bucket = bucket_of(name);

    pthread_rwlock_wrlock(&dispatch->lock);
    struct queue *queue = find(dispatch, name, driver->name);
    if (queue == NULL && (queue = queue_new(dispatch->registry, name, driver)) != NULL) {
        if (dispatch->stopping)
            queue_stop(queue, dispatch->stop_by);
        queue->next = dispatch->buckets[bucket];
        dispatch->buckets[bucket] = queue;
    }
    pthread_rwlock_unlock(&dispatch->lock);
    return queue;
}

/* ---- Posting --------------------------------------------------------------------------------- */

static void post(struct dispatch *dispatch, struct delivery *delivery, int64_t now)
{
    const struct config_connection *connection = delivery->module->connection;

    if (delivery->stored_before) {
        webhook_settle(delivery, OUTCOME_STORED);
        return;
    }
    struct queue *queue = find_locked(dispatch, connection->name, connection->driver->name);
    if (queue == NULL)
        queue = make(dispatch, connection->name, connection->driver);
    enum outcome outcome = queue == NULL ? OUTCOME_OVERLOADED : queue_push(queue, delivery, now);
    if (outcome != OUTCOME_STORED)
        webhook_settle(delivery, outcome);
}

void dispatch_post(struct dispatch *dispatch, struct webhook *webhook)
{
    int64_t now = webhook->accepted_at;
    size_t count = webhook->entry->modules_count;

    for (size_t i = 0; i < count; i++)
        post(dispatch, &webhook->deliveries[i], now);
}

/* ---- All queues ------------------------------------------------------------------------------ */

static struct queue *first_from(const struct dispatch *dispatch, size_t bucket)
{
    while (bucket < BUCKETS && dispatch->buckets[bucket] == NULL)
        bucket++;
    return bucket == BUCKETS ? NULL : dispatch->buckets[bucket];
}

static struct queue *next_of(const struct dispatch *dispatch, const struct queue *queue)
{
    if (queue->next != NULL)
        return queue->next;
    return first_from(dispatch, bucket_of(queue->name) + 1);
}

#define each_queue(queue, dispatch)                                    \
    for (struct queue *queue = first_from(dispatch, 0); queue != NULL; \
         queue = next_of(dispatch, queue))

void dispatch_tick(struct dispatch *dispatch, int64_t now)
{
    pthread_rwlock_rdlock(&dispatch->lock);
    each_queue(queue, dispatch) queue_tick(queue, now);
    pthread_rwlock_unlock(&dispatch->lock);
}

void dispatch_look(struct dispatch *dispatch, const char *name, const char *type,
                   struct dispatch_view *view)
{
    struct queue *queue = find_locked(dispatch, name, type);

    if (queue != NULL)
        queue_look(queue, view);
    else
        memset(view, 0, sizeof(*view));
}

int dispatch_resize(struct dispatch *dispatch, const char *name, const struct weir_driver *driver,
                    uint64_t generation, unsigned max)
{
    struct queue *queue = make(dispatch, name, driver);

    if (queue == NULL)
        return WEIR_ENOMEM;
    queue_resize(queue, generation, max);
    return 0;
}

void dispatch_stop(struct dispatch *dispatch, int64_t deadline)
{
    pthread_rwlock_wrlock(&dispatch->lock);
    if (!dispatch->stopping || deadline < dispatch->stop_by)
        dispatch->stop_by = deadline;
    dispatch->stopping = true;
    each_queue(queue, dispatch) queue_stop(queue, deadline);
    pthread_rwlock_unlock(&dispatch->lock);
}

bool dispatch_idle(struct dispatch *dispatch)
{
    bool idle = true;

    pthread_rwlock_rdlock(&dispatch->lock);
    each_queue(queue, dispatch) idle = idle && queue_is_empty(queue);
    pthread_rwlock_unlock(&dispatch->lock);
    return idle;
}

void dispatch_quit(struct dispatch *dispatch)
{
    if (dispatch == NULL)
        return;
    pthread_rwlock_rdlock(&dispatch->lock);
    each_queue(queue, dispatch) queue_quit(queue);
    pthread_rwlock_unlock(&dispatch->lock);
}

void dispatch_free(struct dispatch **at)
{
    struct dispatch *dispatch = *at;

    *at = NULL;
    if (dispatch == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct queue *queue = dispatch->buckets[i], *next; queue != NULL; queue = next) {
            next = queue->next;
            queue_free(&queue);
        }
    pthread_rwlock_destroy(&dispatch->lock);
    free(dispatch);
}
