/* SPDX-License-Identifier: MIT */
/*
 * Owns: what waits for one connection, and how many lanes it is worth.
 * Never does: lease or write (lane.c); lose a delivery: each is settled once.
 * Lock: the queue's mutex; released before anything is settled.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "cond.h"
#include "lane.h"
#include "log.h"
#include "queue_parts.h"

struct queue *queue_new(struct weir_registry *registry, const char *name,
                        const struct weir_driver *driver)
{
    struct queue *queue = calloc(1, sizeof(*queue));

    if (queue == NULL)
        return NULL;
    queue->registry = registry;
    queue->driver = driver;
    queue->earliest = queue->stop_by = CLOCK_NEVER;
    memcpy(queue->name, name, strnlen(name, WEIR_NAME_MAX));
    list_init(&queue->waiting);
    list_init(&queue->aside);
    list_init(&queue->ended);
    pthread_mutex_init(&queue->mutex, NULL);
    cond_init(&queue->work);
    cond_init(&queue->gone);
    return queue;
}

void queue_free(struct queue **at)
{
    struct queue *queue = *at;

    *at = NULL;
    pthread_cond_destroy(&queue->work);
    pthread_cond_destroy(&queue->gone);
    pthread_mutex_destroy(&queue->mutex);
    free(queue);
}

/* ---- The line -------------------------------------------------------------------------------- */

void queue_enter(struct queue *queue, struct delivery *delivery)
{
    queue->count++;
    queue->bytes += delivery->webhook->body_len;
    queue->earliest = clock_min(queue->earliest, delivery->acquire_by);
}

/* How many could be written now. */
static unsigned ready(const struct queue *queue)
{
    return queue->count - queue->aside_count;
}

void queue_leave(struct queue *queue, struct delivery *delivery)
{
    list_remove(&delivery->link);
    queue->count--;
    queue->bytes -= delivery->webhook->body_len;
}

void queue_set_patience(struct delivery *delivery, int64_t now)
{
    int64_t by = clock_add(now, delivery->module->connection->acquisition_timeout);

    delivery->queued_at = now;
    delivery->acquire_by = clock_min(by, delivery->webhook->expires_at);
}

void queue_settle_all(struct list *list, enum outcome outcome)
{
    for (struct list *link; (link = list_pop_front(list)) != NULL;)
        webhook_settle(list_entry(link, struct delivery, link), outcome);
}

/* ---- Lanes: when one more is worth it -------------------------------------------------------- */

/*
 * With the mutex held. One lane at a time leases, and takes all there is when it has its lease.
 * While others write, a further one is worth it only if something has waited for longer than a
 * usual batch takes: until then it is better off in the next batch.
 */
static bool wants_lane(const struct queue *queue, int64_t now)
{
    if (ready(queue) == 0 || queue->acquiring > 0 || now < queue->not_before || queue->quitting)
        return false;
    if (queue->lanes == queue->idle - queue->woken)
        return true;
    const struct delivery *oldest = list_entry(list_first(&queue->waiting), struct delivery, link);
    return now - oldest->queued_at > clock_min(queue->usual, QUEUE_PATIENCE);
}

bool queue_call_lane(struct queue *queue, int64_t now)
{
    if (!wants_lane(queue, now))
        return false;
    if (queue->idle > queue->woken) {
        queue->woken++;
        pthread_cond_signal(&queue->work);
        return false;
    }
    if (queue->lanes >= queue->lanes_max)
        return false;
    queue->lanes++;
    queue->acquiring++; /* it is on its way to do so */
    return true;
}

void queue_start_lane(struct queue *queue)
{
    struct weir_error error;

    if (lane_start(queue))
        return;
    pthread_mutex_lock(&queue->mutex);
    bool alone = --queue->lanes == 0;
    queue->acquiring--;
    pthread_mutex_unlock(&queue->mutex);
    if (alone)
        queue_complain(queue, weir_fail(&error, WEIR_ERESOURCE, "no thread could be had"), &error);
}

/* ---- Coming in ------------------------------------------------------------------------------- */

static bool is_full(const struct queue *queue, const struct delivery *delivery)
{
    const struct config_server *server = &delivery->webhook->config->server;

    return queue->count >= server->queue_max ||
           queue->bytes + delivery->webhook->body_len > server->queue_bytes_max;
}

static unsigned lanes_for(const struct queue *queue, const struct delivery *delivery)
{
    bool resized = delivery->webhook->config->generation == queue->resized_in;

    return resized ? queue->resized_max : delivery->module->connection->max_size;
}

void queue_resize(struct queue *queue, uint64_t generation, unsigned max)
{
    pthread_mutex_lock(&queue->mutex);
    queue->resized_in = generation;
    queue->resized_max = queue->lanes_max = max;
    pthread_mutex_unlock(&queue->mutex);
}

enum outcome queue_push(struct queue *queue, struct delivery *delivery, int64_t now)
{
    enum outcome outcome = OUTCOME_STORED;
    bool start = false;

    pthread_mutex_lock(&queue->mutex);
    if (queue->stopping) {
        outcome = OUTCOME_SHUTTING_DOWN;
    } else if (is_full(queue, delivery)) {
        outcome = OUTCOME_OVERLOADED;
    } else {
        queue_set_patience(delivery, now);
        list_push_back(&queue->waiting, &delivery->link);
        queue_enter(queue, delivery);
        queue->lanes_max = lanes_for(queue, delivery);
        start = queue_call_lane(queue, now);
    }
    pthread_mutex_unlock(&queue->mutex);
    if (start)
        queue_start_lane(queue);
    return outcome;
}

/* ---- For lanes ------------------------------------------------------------------------------- */

/* The first that is still wanted decides what is leased. */
static void make_ticket(const struct queue *queue, struct ticket *ticket)
{
    const struct delivery *first = list_entry(list_first(&queue->waiting), struct delivery, link);

    *ticket = (struct ticket){.config = config_ref(first->webhook->config),
                              .asked_at = clock_now(),
                              .deadline = first->acquire_by,
                              .operation_timeout = first->module->connection->operation_timeout};
}

/* False if it was not woken within the time that a lane may be idle. */
static bool be_idle(struct queue *queue, int64_t until)
{
    bool in_time = true;

    queue->idle++;
    while (queue->woken == 0 && !queue->quitting && in_time)
        in_time = cond_wait_until(&queue->work, &queue->mutex, until);
    queue->idle--;
    if (queue->woken > 0) {
        queue->woken--;
        return true;
    }
    return false;
}

static bool has_work(const struct queue *queue)
{
    return ready(queue) > 0 && queue->acquiring == 0 && clock_now() >= queue->not_before;
}

/*
 * A new lane arrives counted as acquiring already. One lane at a time leases: whoever has its
 * lease takes all that waits, so that a second one would find nothing.
 */
bool queue_await(struct queue *queue, struct lane *lane, struct ticket *ticket)
{
    bool alive = true;

    pthread_mutex_lock(&queue->mutex);
    if (!lane->arrived) {
        lane->arrived = true;
        queue->acquiring--;
    }
    while (alive && !queue->quitting && !has_work(queue))
        alive = be_idle(queue, clock_add(clock_now(), QUEUE_LANE_IDLE));
    if (queue->quitting || !has_work(queue)) {
        queue->lanes--;
        list_push_back(&queue->ended, &lane->link);
        pthread_cond_broadcast(&queue->gone);
        pthread_mutex_unlock(&queue->mutex);
        return false;
    }
    queue->acquiring++;
    make_ticket(queue, ticket);
    pthread_mutex_unlock(&queue->mutex);
    return true;
}

/* ---- Looking and ending ---------------------------------------------------------------------- */

void queue_complain(struct queue *queue, int status, const struct weir_error *error)
{
    pthread_mutex_lock(&queue->mutex);
    int before = queue->trouble;
    queue->trouble = status;
    queue->troubled_at = clock_now();
    pthread_mutex_unlock(&queue->mutex);
    if (status == before)
        return;
    if (status == 0)
        log_event(LOG_INFO, "delivery-recovered", "connection", queue->name, NULL);
    else
        log_event(LOG_WARNING, "delivery-failing", "connection", queue->name, "status",
                  weir_status_name(status), "native", error->native[0] ? error->native : NULL,
                  "detail", error->detail, NULL);
}

void queue_look(struct queue *queue, struct dispatch_view *view)
{
    pthread_mutex_lock(&queue->mutex);
    *view = queue->totals;
    view->waiting = queue->count;
    view->waiting_bytes = queue->bytes;
    view->writing = queue->writing;
    view->lanes = queue->lanes;
    view->trouble = queue->trouble;
    view->troubled_at = queue->troubled_at;
    pthread_mutex_unlock(&queue->mutex);
}

void queue_stop(struct queue *queue, int64_t deadline)
{
    pthread_mutex_lock(&queue->mutex);
    queue->stopping = true;
    queue->stop_by = clock_min(queue->stop_by, deadline);
    pthread_mutex_unlock(&queue->mutex);
}

bool queue_is_empty(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    bool empty = queue->count == 0 && queue->writing == 0;
    pthread_mutex_unlock(&queue->mutex);
    return empty;
}

void queue_join_all(struct list *ended)
{
    for (struct list *link; (link = list_pop_front(ended)) != NULL;) {
        struct lane *lane = list_entry(link, struct lane, link);
        lane_join(&lane);
    }
}

void queue_quit(struct queue *queue)
{
    struct list ended;

    list_init(&ended);
    pthread_mutex_lock(&queue->mutex);
    queue->quitting = true;
    pthread_cond_broadcast(&queue->work);
    while (queue->lanes > 0)
        pthread_cond_wait(&queue->gone, &queue->mutex);
    list_splice_back(&ended, &queue->ended); /* a tick may take its share, too */
    pthread_mutex_unlock(&queue->mutex);
    queue_join_all(&ended);
}
