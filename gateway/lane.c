/* SPDX-License-Identifier: MIT */
/*
 * Owns: the way of a batch: lease first, then take what waits, write, settle, release.
 * Never does: keep a lease between batches, or a delivery while it waits for one.
 * Lock: none of its own.
 */
#include "lane.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "queue.h"

/* ---- Writing: a batch that is refused is split, so that only the bad row fails -------------- */

struct writer {
    const struct config_module *module;
    struct weir_lease *lease;
    int64_t operation_timeout;
    struct weir_item items[WEIR_BATCH_MAX];
    int *statuses;
    struct weir_error error; /* of the last failure */
    int verdict;             /* what the backend connection is released with */
};

static void fill(struct writer *writer, const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct webhook *webhook = batch->items[i]->webhook;
        writer->items[i] = (struct weir_item){.id = webhook->id,
                                              .webhook_id = webhook->entry->id,
                                              .path = webhook->entry->path,
                                              .received_at = webhook->received_at,
                                              .body = webhook->body,
                                              .body_len = webhook->body_len,
                                              .headers = webhook->headers,
                                              .headers_len = webhook->headers_len,
                                              .receivers = -1};
    }
}

static bool is_splittable(int status)
{
    return weir_remedy(status) == WEIR_REMEDY_REJECT || status == WEIR_ELIMIT;
}

static bool is_lost(int status)
{
    enum weir_remedy remedy = weir_remedy(status);

    return remedy == WEIR_REMEDY_RECONNECT || remedy == WEIR_REMEDY_RETIRE;
}

static void mark(struct writer *writer, size_t from, size_t to, int status)
{
    for (size_t i = from; i < to; i++)
        writer->statuses[i] = status;
}

/* A sink that says nothing of an item has not stored it. */
static int verdict_on(const struct weir_item *item, int status)
{
    if (item->status != WEIR_PENDING)
        return item->status;
    return status != 0 ? status : WEIR_EINTERNAL;
}

static int write_once(struct writer *writer, size_t from, size_t to)
{
    int64_t deadline = clock_add(clock_now(), writer->operation_timeout);

    for (size_t i = from; i < to; i++)
        writer->items[i].status = WEIR_PENDING;
    int status =
        writer->module->sink->write(writer->module->target, writer->lease->conn,
                                    writer->items + from, to - from, deadline, &writer->error);

    for (size_t i = from; i < to; i++)
        writer->statuses[i] = verdict_on(&writer->items[i], status);
    return status;
}

/* Halves, quarters ... on the same lease, for as long as it lives. */
static void write_range(struct writer *writer, size_t from, size_t to)
{
    if (is_lost(writer->verdict)) {
        mark(writer, from, to, writer->verdict);
        return;
    }
    int status = write_once(writer, from, to);
    if (status != 0 && to - from > 1 && is_splittable(status)) {
        size_t middle = from + (to - from) / 2;
        write_range(writer, from, middle);
        write_range(writer, middle, to);
    } else if (status != 0) {
        writer->verdict = status;
    }
}

/* What the answer tells beside the outcome. */
static void note(struct delivery *delivery, const struct weir_item *item)
{
    delivery->receivers = item->receivers;
    delivery->field = item->field;
}

static int write_batch(struct batch *batch, struct weir_lease *lease, const struct ticket *ticket,
                       struct weir_error *error)
{
    struct writer writer; /* not all zeros: the items are filled as far as they are used */

    writer.module = batch->items[0]->module;
    writer.lease = lease;
    writer.operation_timeout = ticket->operation_timeout;
    writer.statuses = batch->statuses;
    writer.verdict = 0;
    writer.error.status = 0;
    writer.error.key[0] = writer.error.native[0] = writer.error.detail[0] = '\0';
    fill(&writer, batch);
    write_range(&writer, 0, batch->count);
    for (size_t i = 0; i < batch->count; i++)
        note(batch->items[i], &writer.items[i]);
    *error = writer.error;
    return writer.verdict;
}

/* ---- Delivering ------------------------------------------------------------------------------ */

static void deliver_batch(struct queue *queue, struct weir_lease *lease,
                          const struct ticket *ticket)
{
    struct batch batch;
    struct weir_error error = {.status = 0};
    int64_t begun = clock_now();
    int status = 0;

    queue_take(queue, &batch, lease);
    if (batch.count > 0) {
        status = write_batch(&batch, lease, ticket, &error);
        queue_complain(queue, is_splittable(status) ? 0 : status, &error);
    }
    weir_release(queue->registry, lease, status);
    if (batch.count > 0) {
        int64_t now = clock_now();
        queue_return(queue, &batch, now - begun, now);
    }
}

static void deliver(struct queue *queue, struct ticket *ticket)
{
    struct weir_lease lease;
    struct weir_error error = {.status = 0};
    int status = weir_acquire(queue->registry, queue->name, ticket->config->pin, ticket->deadline,
                              &lease, &error);

    queue_acquired(queue, ticket, status, &error, clock_now());
    if (status == 0)
        deliver_batch(queue, &lease, ticket);
    else if (status != WEIR_ECLOSED)
        queue_complain(queue, status, &error);
}

static void *run(void *argument)
{
    struct lane *lane = argument;
    struct ticket ticket;

    while (queue_await(lane->queue, lane, &ticket)) {
        deliver(lane->queue, &ticket);
        config_unref(&ticket.config);
    }
    return NULL;
}

bool lane_start(struct queue *queue)
{
    struct lane *lane = calloc(1, sizeof(*lane));

    if (lane == NULL)
        return false;
    lane->queue = queue;
    if (pthread_create(&lane->thread, NULL, run, lane) == 0)
        return true;
    free(lane);
    return false;
}

void lane_join(struct lane **at)
{
    struct lane *lane = *at;

    *at = NULL;
    pthread_join(lane->thread, NULL);
    free(lane);
}
