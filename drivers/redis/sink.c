/* SPDX-License-Identifier: MIT */
/*
 * Owns: writing webhooks into Redis: a stream entry, a list element or a message each, pipelined.
 * Never does: claim more than Redis said: each webhook is answered by its own reply.
 * Lock: none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "conn.h"
#include "envelope.h"
#include "target.h"

#define FLUSH_BYTES (1u << 20) /* in one exchange, unless one webhook is larger */

/* One call of write. */
struct write {
    const struct weir_target *target;
    struct redis_conn *conn;
    int64_t deadline;
    struct weir_error *error;
    struct pipeline pipeline;
    struct weir_item *sent[WEIR_BATCH_MAX]; /* whose replies are awaited */
    size_t stored;                          /* replies that were no errors, in all */
    int refused;                            /* a status that is not the item's own fault */
};

/* ---- Commands -------------------------------------------------------------------------------- */

struct command {
    const char *arguments[PIPELINE_ARGUMENTS_MAX];
    size_t lengths[PIPELINE_ARGUMENTS_MAX];
    int count;
};

static void push_bytes(struct command *command, const char *bytes, size_t len)
{
    command->arguments[command->count] = bytes;
    command->lengths[command->count++] = len;
}

static void push(struct command *command, const char *text)
{
    push_bytes(command, text, strlen(text));
}

static void make_entry(struct command *command, const struct weir_target *target,
                       const struct weir_item *item, const char *key, size_t key_len,
                       const char *stamp)
{
    push(command, "XADD");
    push_bytes(command, key, key_len);
    if (target->maxlen[0] != '\0') {
        push(command, "MAXLEN");
        push(command, "~");
        push(command, target->maxlen);
    }
    push(command, "*");
    push(command, "id");
    push(command, item->id);
    push(command, "webhook_id");
    push(command, item->webhook_id);
    push(command, "received_at");
    push(command, stamp);
    push(command, "headers");
    push_bytes(command, item->headers, item->headers_len);
    push(command, "body");
    push_bytes(command, item->body, item->body_len);
}

static void make_push(struct command *command, const struct weir_target *target, const char *key,
                      size_t key_len, const char *body, size_t body_len)
{
    static const char *const names[] = {[REDIS_LIST] = "RPUSH", [REDIS_PUBLISH] = "PUBLISH"};

    push(command, target->left ? "LPUSH" : names[target->mode]);
    push_bytes(command, key, key_len);
    push_bytes(command, body, body_len);
}

static int add_item(struct pipeline *pipeline, const struct weir_target *target,
                    const struct weir_item *item)
{
    struct command command = {.count = 0};
    char key[REDIS_KEY_MAX], stamp[CLOCK_STAMP_MAX];
    size_t key_len, len = item->body_len;
    char *envelope = NULL;

    if (!redis_target_key(target, item, key, &key_len))
        return WEIR_EREJECTED;
    if (target->mode == REDIS_STREAM) {
        clock_stamp(item->received_at, 6, stamp);
        make_entry(&command, target, item, key, key_len, stamp);
    } else {
        if (target->envelope && (envelope = envelope_new(item, true, &len)) == NULL)
            return WEIR_ENOMEM;
        make_push(&command, target, key, key_len, envelope == NULL ? item->body : envelope, len);
    }
    int status = pipeline_add(pipeline, command.count, command.arguments, command.lengths);
    free(envelope);
    return status;
}

/* ---- Replies --------------------------------------------------------------------------------- */

static void take(void *context, size_t number, const redisReply *reply)
{
    struct write *write = context;
    struct weir_item *item = write->sent[number];
    struct weir_error error;

    item->status = redis_verdict(reply, &error);
    if (item->status == 0) {
        write->stored++;
        if (write->target->mode == REDIS_PUBLISH)
            item->receivers = reply->integer;
    } else if (item->status != WEIR_EREJECTED) {
        write->refused = item->status;
        *write->error = error;
    }
}

/* ---- WAIT: the acknowledgement may mean more than "in the master's memory" ------------------- */

static int64_t wait_ms(const struct write *write)
{
    int64_t left = (write->deadline - clock_now()) / CLOCK_MS;

    return left < write->target->wait_ms ? (left < 1 ? 1 : left) : write->target->wait_ms;
}

/* WAIT answers with a number; WAITAOF with two, of which hiredis hands out an array. */
struct counts {
    long long local, replicas;
    int status;
    struct weir_error *error;
};

static void take_counts(void *context, size_t number, const redisReply *reply)
{
    struct counts *counts = context;

    (void)number;
    counts->status = redis_verdict(reply, counts->error);
    counts->replicas = reply->integer;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
        counts->local = reply->element[0]->integer;
        counts->replicas = reply->element[1]->integer;
    }
}

static int await_copies(struct write *write, struct counts *counts)
{
    const struct weir_target *target = write->target;
    char replicas[24], timeout[24];
    const char *wait[] = {"WAIT", replicas, timeout};
    const char *aof[] = {"WAITAOF", "1", replicas, timeout};
    size_t taken;

    snprintf(replicas, sizeof(replicas), "%lld", (long long)target->replicas);
    snprintf(timeout, sizeof(timeout), "%lld", (long long)wait_ms(write));
    pipeline_clear(&write->pipeline);
    int status = target->aof ? pipeline_add(&write->pipeline, 4, aof, NULL)
                             : pipeline_add(&write->pipeline, 3, wait, NULL);
    if (status != 0)
        return status;
    status = redis_exchange(write->conn, &write->pipeline, take_counts, counts, &taken,
                            write->deadline, write->error);
    return status != 0 ? status : counts->status;
}

/* What was stored but is not as safe as was asked for is not acknowledged, nor written again. */
static int make_sure(struct write *write, struct weir_item *items, size_t count)
{
    const struct weir_target *target = write->target;
    struct counts counts = {.error = write->error};

    if ((target->replicas == 0 && !target->aof) || write->stored == 0)
        return 0;
    int status = await_copies(write, &counts);
    if (status == 0 && counts.replicas >= target->replicas && (!target->aof || counts.local >= 1))
        return 0;
    if (status == 0)
        weir_fail(write->error, WEIR_EUNCONFIRMED, "%lld of %lld replicas have it", counts.replicas,
                  (long long)target->replicas);
    for (size_t i = 0; i < count; i++)
        if (items[i].status == 0)
            items[i].status = WEIR_EUNCONFIRMED;
    return status == 0 ? WEIR_EUNCONFIRMED : status;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static int flush(struct write *write)
{
    size_t taken;

    if (write->pipeline.commands == 0)
        return 0;
    int status = redis_exchange(write->conn, &write->pipeline, take, write, &taken, write->deadline,
                                write->error);
    pipeline_clear(&write->pipeline);
    return status;
}

/* An item's own trouble (a key that is too long) is its own; a lack of memory is everybody's. */
static int send_item(struct write *write, struct weir_item *item)
{
    if (write->pipeline.len > 0 && write->pipeline.len + item->body_len > FLUSH_BYTES) {
        int status = flush(write);
        if (status != 0)
            return status;
    }
    int status = add_item(&write->pipeline, write->target, item);
    if (status == 0)
        write->sent[write->pipeline.commands - 1] = item;
    else if (status == WEIR_EREJECTED)
        item->status = status;
    else
        return weir_fail(write->error, status, "out of memory for a webhook");
    return 0;
}

static int redis_write(const struct weir_target *target, void *bytes, struct weir_item *items,
                       size_t count, int64_t deadline, struct weir_error *error)
{
    struct weir_error own;
    struct write write = {.target = target,
                          .conn = bytes,
                          .deadline = deadline,
                          .error = error == NULL ? &own : error};
    int status = 0;

    for (size_t i = 0; i < count && status == 0; i++)
        status = send_item(&write, &items[i]);
    if (status == 0)
        status = flush(&write);
    if (status == 0)
        status = make_sure(&write, items, count);
    pipeline_fini(&write.pipeline);
    return status != 0 ? status : write.refused;
}

/* ---- Proving --------------------------------------------------------------------------------- */

static int check_type(const struct weir_target *target, struct redis_conn *conn, const char *key,
                      int64_t deadline, struct weir_error *error)
{
    static const char *const types[] = {[REDIS_STREAM] = "stream", [REDIS_LIST] = "list"};
    const char *arguments[] = {"TYPE", key};
    struct redis_answer answer;
    int status = redis_run(conn, 2, arguments, &answer, deadline, error);

    if (status == WEIR_EDENIED)
        return 0; /* may not look; the write will tell */
    if (status != 0 || strcmp(answer.text, "none") == 0 ||
        strcmp(answer.text, types[target->mode]) == 0)
        return status;
    return weir_fail(error, WEIR_ESCHEMA, "key %s holds a %s, not a %s", key, answer.text,
                     types[target->mode]);
}

/*
 * Within MULTI, Redis checks a command (privilege, memory, role) and keeps it back; DISCARD
 * forgets it. An account without MULTI cannot be tested this way.
 */
static int try_write(const struct weir_target *target, struct redis_conn *conn,
                     const struct weir_item *sample, int64_t deadline, struct weir_error *error)
{
    static const char *const multi[] = {"MULTI"}, *const discard[] = {"DISCARD"};
    struct write write = {.target = target, .conn = conn, .deadline = deadline, .error = error};
    struct weir_item item = *sample;
    struct weir_error ignored;

    if (error == NULL)
        write.error = &ignored;
    int status = redis_run(conn, 1, multi, NULL, deadline, error);
    if (status != 0)
        return status == WEIR_EDENIED ? 0 : status;
    status = send_item(&write, &item);
    if (status == 0)
        status = flush(&write);
    pipeline_fini(&write.pipeline);
    if (status != 0)
        return status;
    status = redis_run(conn, 1, discard, NULL, deadline, NULL);
    return write.refused != 0 ? write.refused : status;
}

static int redis_prepare(const struct weir_target *target, void *bytes, int64_t deadline,
                         struct weir_error *error)
{
    struct weir_item sample = {.id = "00000000-0000-7000-8000-000000000000",
                               .webhook_id = "weir",
                               .path = "/weir",
                               .body = "{}",
                               .body_len = 2,
                               .headers = "{}",
                               .headers_len = 2};
    char key[REDIS_KEY_MAX];
    size_t len;

    /* With places in it, the key depends on what will come. */
    if (!template_is_literal(&target->key))
        return 0;
    if (target->mode != REDIS_PUBLISH && redis_target_key(target, &sample, key, &len)) {
        int status = check_type(target, bytes, key, deadline, error);
        if (status != 0)
            return status;
    }
    return try_write(target, bytes, &sample, deadline, error);
}

const struct weir_sink redis_sink = {.abi = WEIR_SINK_ABI,
                                     .name = "redis",
                                     .driver = &redis_driver,
                                     .options = redis_options,
                                     .target_new = redis_target_new,
                                     .target_free = redis_target_free,
                                     .prepare = redis_prepare,
                                     .write = redis_write};
