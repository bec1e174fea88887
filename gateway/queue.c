/* SPDX-License-Identifier: MIT */
/*
 * Owns: what waits for one connection, for how long, and how many lanes it is worth.
 * Never does: lease or write (lane.c); lose a delivery: each is settled once.
 * Lock: the queue's mutex; released before anything is settled.
 */
#include "queue.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "cond.h"
#include "fate.h"
#include "lane.h"
#include "log.h"

#define PAUSE_REFUSED INT64_C(20000000) /* after the pool would not even let a lane wait */
#define VERDICT_GRACE (100 * CLOCK_MS)  /* for a lane whose time is over, to say why */

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

static void enter(struct queue *queue, struct delivery *delivery)
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

static void leave(struct queue *queue, struct delivery *delivery)
{
    list_remove(&delivery->link);
    queue->count--;
    queue->bytes -= delivery->webhook->body_len;
}

/* It may wait this long for a backend connection, from now on. */
static void set_patience(struct delivery *delivery, int64_t now)
{
    int64_t by = clock_add(now, delivery->module->connection->acquisition_timeout);

    delivery->queued_at = now;
    delivery->acquire_by = clock_min(by, delivery->webhook->expires_at);
}

static void settle_all(struct list *list, enum outcome outcome)
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

/* With the mutex held. True if a new one is to be started, which is counted already. */
static bool call_lane(struct queue *queue, int64_t now)
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

/*
 * Without the mutex. If there is no thread to be had, the next tick tries again; who has no other
 * lane says so.
 */
static void start_lane(struct queue *queue)
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
        set_patience(delivery, now);
        list_push_back(&queue->waiting, &delivery->link);
        enter(queue, delivery);
        queue->lanes_max = lanes_for(queue, delivery);
        start = call_lane(queue, now);
    }
    pthread_mutex_unlock(&queue->mutex);
    if (start)
        start_lane(queue);
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

static void count_version(struct queue *queue, uint32_t version, int change)
{
    struct dispatch_view *totals = &queue->totals;
    size_t i = 0;

    while (i < totals->versions_count && totals->versions[i].version != version)
        i++;
    if (i == totals->versions_count && (i == DISPATCH_VERSIONS_MAX || change < 0))
        return;
    if (i == totals->versions_count)
        totals->versions[totals->versions_count++] = (struct dispatch_version){version, 0};
    totals->versions[i].writing = (unsigned)((int)totals->versions[i].writing + change);
    if (totals->versions[i].writing == 0)
        totals->versions[i] = totals->versions[--totals->versions_count];
}

static bool suits(const struct delivery *delivery, const struct batch *batch)
{
    if (delivery->share > 0 && batch->count >= delivery->share)
        return false;
    return batch->count == 0 || batch->items[0]->module->target == delivery->module->target;
}

/* The batch may be no larger than the smallest share in it. */
static void take_one(struct queue *queue, struct batch *batch, struct delivery *delivery,
                     size_t *most)
{
    size_t batch_max = delivery->webhook->config->server.batch_max;

    if (batch->count == 0 || batch_max < *most)
        *most = batch_max;
    if (delivery->share > 0 && delivery->share < *most)
        *most = delivery->share;
    leave(queue, delivery);
    batch->items[batch->count++] = delivery;
}

/* With the mutex held: into the batch, or onto the list of those that nobody waits for any more. */
static void take_all(struct queue *queue, struct batch *batch, struct list *abandoned)
{
    size_t most = WEIR_BATCH_MAX;

    list_each_safe(link, &queue->waiting) {
        struct delivery *delivery = list_entry(link, struct delivery, link);
        if (batch->count == most)
            return;
        if (atomic_load(&delivery->webhook->abandoned)) {
            leave(queue, delivery);
            list_push_back(abandoned, &delivery->link);
        } else if (suits(delivery, batch)) {
            take_one(queue, batch, delivery, &most);
        }
    }
}

void queue_take(struct queue *queue, struct batch *batch, const struct weir_lease *lease)
{
    struct list abandoned;
    int64_t now = clock_now();

    list_init(&abandoned);
    batch->count = 0;
    batch->version = lease->version;
    pthread_mutex_lock(&queue->mutex);
    take_all(queue, batch, &abandoned);
    queue->writing += (unsigned)batch->count;
    if (batch->count > 0) {
        queue->totals.batches++;
        count_version(queue, batch->version, (int)batch->count);
    }
    bool start = call_lane(queue, now);
    pthread_mutex_unlock(&queue->mutex);
    settle_all(&abandoned, OUTCOME_UNAVAILABLE);
    if (start)
        start_lane(queue);
}

/* ---- What became of a batch ------------------------------------------------------------------ */

/*
 * With the mutex held; from the last to the first, so that the order stays. What fails again is
 * written in ever smaller batches, and what fails alone waits aside, so that one row that never
 * succeeds holds up nobody else.
 */
static void put_back(struct queue *queue, struct delivery *delivery, int status, size_t count,
                     int64_t now)
{
    delivery->attempts++;
    delivery->share = fate_share(delivery, status, count);
    set_patience(delivery, now);
    int64_t pause = clock_add(now, fate_pause(delivery, status));
    queue->totals.retried++;
    enter(queue, delivery);
    if (count == 1 && delivery->share == 1) {
        delivery->retry_at = pause;
        list_push_back(&queue->aside, &delivery->link);
        queue->aside_count++;
        return;
    }
    list_push_front(&queue->waiting, &delivery->link);
    if (delivery->share == 0 && pause > queue->not_before)
        queue->not_before = pause;
}

/* With the mutex held: those aside whose pause is over join the line again, at its end. */
static void call_back(struct queue *queue, int64_t now)
{
    list_each_safe(link, &queue->aside) {
        struct delivery *delivery = list_entry(link, struct delivery, link);
        if (now < delivery->retry_at)
            continue;
        list_remove(link);
        queue->aside_count--;
        list_push_back(&queue->waiting, link);
    }
}

static void count_fate(struct queue *queue, enum fate fate)
{
    queue->totals.stored += fate == FATE_STORED;
    queue->totals.rejected += fate == FATE_REJECTED;
    queue->totals.failed += fate == FATE_FAILED || fate == FATE_BUG;
}

/* A batch's time, smoothed: an eighth of the news. */
static int64_t smooth(int64_t usual, int64_t took)
{
    return usual == 0 ? took : usual + (took - usual) / 8;
}

void queue_return(struct queue *queue, struct batch *batch, int64_t took, int64_t now)
{
    static const enum outcome outcomes[] = {[FATE_STORED] = OUTCOME_STORED,
                                            [FATE_REJECTED] = OUTCOME_REJECTED,
                                            [FATE_FAILED] = OUTCOME_UNAVAILABLE,
                                            [FATE_BUG] = OUTCOME_INTERNAL};
    enum fate fates[WEIR_BATCH_MAX];

    pthread_mutex_lock(&queue->mutex);
    for (size_t i = batch->count; i-- > 0;) {
        fates[i] = fate_of(batch->items[i], batch->statuses[i], now);
        count_fate(queue, fates[i]);
        if (fates[i] == FATE_AGAIN)
            put_back(queue, batch->items[i], batch->statuses[i], batch->count, now);
    }
    queue->usual = smooth(queue->usual, took);
    count_version(queue, batch->version, -(int)batch->count);
    pthread_mutex_unlock(&queue->mutex);
    for (size_t i = 0; i < batch->count; i++)
        if (fates[i] != FATE_AGAIN)
            webhook_settle(batch->items[i], outcomes[fates[i]]);
    pthread_mutex_lock(&queue->mutex);
    queue->writing -= (unsigned)batch->count;
    pthread_mutex_unlock(&queue->mutex);
}

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

/* ---- Time ------------------------------------------------------------------------------------ */

static enum outcome overdue_outcome(const struct queue *queue, const struct delivery *delivery,
                                    bool stopped)
{
    if (delivery->attempts > 0 || queue->down)
        return OUTCOME_UNAVAILABLE;
    return stopped ? OUTCOME_SHUTTING_DOWN : OUTCOME_EXHAUSTED;
}

/*
 * Is what the pool refused to a ticket refused to this delivery, too? It knows no such connection,
 * none can be opened, none becomes free before that deadline, or the wait was too long already.
 */
static bool is_refused(const struct delivery *delivery, const struct ticket *ticket, int status)
{
    switch (status) {
    case WEIR_EUNKNOWN: return delivery->webhook->config == ticket->config;
    case WEIR_EUNAVAILABLE: return true;
    case WEIR_ETIMEOUT: return delivery->acquire_by <= ticket->deadline;
    case WEIR_ESHED: return delivery->queued_at <= ticket->asked_at;
    default: return false;
    }
}

/* With the mutex held. */
static void pick_refused(struct queue *queue, const struct ticket *ticket, int status,
                         struct list lists[])
{
    list_each_safe(link, &queue->waiting) {
        struct delivery *delivery = list_entry(link, struct delivery, link);
        if (!is_refused(delivery, ticket, status))
            continue;
        enum outcome outcome =
            status == WEIR_EUNKNOWN ? OUTCOME_UNAVAILABLE : overdue_outcome(queue, delivery, false);
        leave(queue, delivery);
        list_push_back(&lists[outcome], &delivery->link);
        queue->totals.expired += status == WEIR_ETIMEOUT || status == WEIR_ESHED;
    }
}

void queue_acquired(struct queue *queue, const struct ticket *ticket, int status,
                    const struct weir_error *error, int64_t now)
{
    struct list lists[OUTCOME_INTERNAL + 1];

    for (int i = 0; i <= OUTCOME_INTERNAL; i++)
        list_init(&lists[i]);
    pthread_mutex_lock(&queue->mutex);
    queue->acquiring--;
    queue->down =
        status == WEIR_EUNAVAILABLE || (status == WEIR_ETIMEOUT && strcmp(error->key, "open") == 0);
    pick_refused(queue, ticket, status, lists);
    if (status != 0 && status != WEIR_ETIMEOUT && status != WEIR_EUNKNOWN)
        queue->not_before = clock_add(now, PAUSE_REFUSED);
    pthread_mutex_unlock(&queue->mutex);
    for (int i = 0; i <= OUTCOME_INTERNAL; i++)
        settle_all(&lists[i], (enum outcome)i);
    if (status != 0)
        queue_tick(queue, now);
}

/*
 * A lane that waits for a lease until the same moment is about to say why there was none: whether
 * all are in use, or none could be opened.
 */
static int64_t overdue_at(const struct queue *queue, const struct delivery *delivery)
{
    return clock_add(delivery->acquire_by, queue->acquiring > 0 ? VERDICT_GRACE : 0);
}

static void pick_from(struct queue *queue, struct list *from, int64_t now, struct list lists[])
{
    bool stopped = now >= queue->stop_by;

    list_each_safe(link, from) {
        struct delivery *delivery = list_entry(link, struct delivery, link);
        int64_t overdue = overdue_at(queue, delivery);
        if (now < overdue && !stopped) {
            queue->earliest = clock_min(queue->earliest, overdue);
            continue;
        }
        leave(queue, delivery);
        queue->aside_count -= from == &queue->aside;
        list_push_back(&lists[overdue_outcome(queue, delivery, stopped)], &delivery->link);
        queue->totals.expired++;
    }
}

/* With the mutex held: each overdue delivery onto the list of its outcome. */
static void pick_overdue(struct queue *queue, int64_t now, struct list lists[])
{
    if (now < queue->earliest && now < queue->stop_by)
        return;
    queue->earliest = CLOCK_NEVER;
    pick_from(queue, &queue->waiting, now, lists);
    pick_from(queue, &queue->aside, now, lists);
}

static void join_all(struct list *ended)
{
    for (struct list *link; (link = list_pop_front(ended)) != NULL;) {
        struct lane *lane = list_entry(link, struct lane, link);
        lane_join(&lane);
    }
}

void queue_tick(struct queue *queue, int64_t now)
{
    struct list lists[OUTCOME_INTERNAL + 1], ended;

    list_init(&ended);

    for (int i = 0; i <= OUTCOME_INTERNAL; i++)
        list_init(&lists[i]);
    pthread_mutex_lock(&queue->mutex);
    pick_overdue(queue, now, lists);
    call_back(queue, now);
    list_splice_back(&ended, &queue->ended);
    bool start = call_lane(queue, now);
    pthread_mutex_unlock(&queue->mutex);
    join_all(&ended);
    for (int i = 0; i <= OUTCOME_INTERNAL; i++)
        settle_all(&lists[i], (enum outcome)i);
    if (start)
        start_lane(queue);
}

/* ---- Looking and ending ---------------------------------------------------------------------- */

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
    join_all(&ended);
}
