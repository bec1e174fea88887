/* SPDX-License-Identifier: MIT */
/*
 * Owns: which deliveries are written together, and what becomes of each when that is over.
 * Never does: write (lane.c). Lock: the queue's mutex; released before anything is settled.
 */
#include "clock.h"
#include "fate.h"
#include "queue_parts.h"

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
    queue_leave(queue, delivery);
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
            queue_leave(queue, delivery);
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
    bool start = queue_call_lane(queue, now);
    pthread_mutex_unlock(&queue->mutex);
    queue_settle_all(&abandoned, OUTCOME_UNAVAILABLE);
    if (start)
        queue_start_lane(queue);
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
    queue_set_patience(delivery, now);
    int64_t pause = clock_add(now, fate_pause(delivery, status));
    queue->totals.retried++;
    queue_enter(queue, delivery);
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

void queue_call_back(struct queue *queue, int64_t now)
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
