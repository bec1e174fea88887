/* SPDX-License-Identifier: MIT */
/*
 * Owns: whose time in the queue is over, and to whom what the pool has refused applies.
 * Never does: take what may still be written. Lock: the queue's mutex; released before anything is
 * settled.
 */
#include <string.h>

#include "clock.h"
#include "lane.h"
#include "queue_parts.h"

#define PAUSE_REFUSED INT64_C(20000000) /* after the pool would not even let a lane wait */
#define VERDICT_GRACE (100 * CLOCK_MS)  /* for a lane whose time is over, to say why */

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
        queue_leave(queue, delivery);
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
        queue_settle_all(&lists[i], (enum outcome)i);
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
        queue_leave(queue, delivery);
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

void queue_tick(struct queue *queue, int64_t now)
{
    struct list lists[OUTCOME_INTERNAL + 1], ended;

    list_init(&ended);

    for (int i = 0; i <= OUTCOME_INTERNAL; i++)
        list_init(&lists[i]);
    pthread_mutex_lock(&queue->mutex);
    pick_overdue(queue, now, lists);
    queue_call_back(queue, now);
    list_splice_back(&ended, &queue->ended);
    bool start = queue_call_lane(queue, now);
    pthread_mutex_unlock(&queue->mutex);
    queue_join_all(&ended);
    for (int i = 0; i <= OUTCOME_INTERNAL; i++)
        queue_settle_all(&lists[i], (enum outcome)i);
    if (start)
        queue_start_lane(queue);
}
