/* SPDX-License-Identifier: MIT */
/*
 * Owns: publishing webhooks and waiting for the broker's confirms: each is answered by its own.
 * Never does: take a message that was returned, or not confirmed, for stored. Lock: none.
 */
#include <poll.h>
#include <string.h>
#include <sys/time.h>

#include "clock.h"
#include "declare.h"
#include "message.h"
#include "target.h"

#define DRAIN_EVERY 16          /* messages between looks at what the broker says meanwhile */
#define DRAIN_BYTES (64u << 10) /* or so many bytes */

/* One call of write. */
struct write {
    const struct weir_target *target;
    struct rabbit_conn *conn;
    struct weir_item *items;
    size_t count;
    int64_t deadline;
    struct weir_error *error;
    uint64_t tags[WEIR_BATCH_MAX]; /* of what was published on the present channel; 0: not */
    uint64_t last_tag;
    size_t awaited; /* published, not confirmed */
    int refused;    /* by the broker, though the connection is healthy: for the operator's log */
    size_t unread;  /* messages and bytes since the last look */
    size_t unread_bytes;
};

/* ---- What the broker says -------------------------------------------------------------------- */

static void settle(struct write *write, uint64_t tag, bool multiple, int status)
{
    for (size_t i = 0; i < write->count; i++) {
        bool meant = write->tags[i] == tag || (multiple && write->tags[i] < tag);
        if (write->tags[i] == 0 || !meant)
            continue;
        write->tags[i] = 0;
        write->awaited--;
        if (write->items[i].status == WEIR_PENDING)
            write->items[i].status = status;
    }
}

/* A negative acknowledgement: the broker could not take it, for now. */
static void nack(struct write *write, const amqp_basic_nack_t *nack)
{
    weir_fail(write->error, WEIR_ERESOURCE, "the broker refused a message (basic.nack)");
    write->refused = WEIR_ERESOURCE;
    settle(write, nack->delivery_tag, nack->multiple, WEIR_ERESOURCE);
}

/* No queue takes it: the message comes back whole, and its confirm after it. A queue of our own
 * has been deleted then, and can be made again. */
static int returned(struct write *write, const amqp_basic_return_t *method)
{
    amqp_message_t message;
    int status = rabbit_closed(method->reply_code, method->reply_text, write->error);
    amqp_rpc_reply_t reply = amqp_read_message(write->conn->state, RABBIT_CHANNEL, &message, 0);

    if (reply.reply_type != AMQP_RESPONSE_NORMAL)
        return rabbit_reply(&reply, write->error);
    if (write->target->exchange[0] == '\0')
        status = WEIR_EUNPREPARED;
    for (size_t i = 0; i < write->count; i++)
        if (message.properties.message_id.len == WEIR_ID_LEN &&
            memcmp(message.properties.message_id.bytes, write->items[i].id, WEIR_ID_LEN) == 0)
            write->items[i].status = write->refused = status;
    amqp_destroy_message(&message);
    return 0;
}

/*
 * The broker's channel.close ends everything that is not confirmed yet: not stored, or not known
 * to be.
 */
static int channel_closed(struct write *write, const amqp_channel_close_t *close)
{
    int status = rabbit_closed(close->reply_code, close->reply_text, write->error);

    settle(write, write->last_tag, true, status);
    rabbit_channel_lost(write->conn);
    return status;
}

static int take_method(struct write *write, const amqp_method_t *method)
{
    const amqp_basic_ack_t *ack = method->decoded;

    switch (method->id) {
    case AMQP_BASIC_ACK_METHOD: settle(write, ack->delivery_tag, ack->multiple, 0); return 0;
    case AMQP_BASIC_NACK_METHOD: nack(write, method->decoded); return 0;
    case AMQP_BASIC_RETURN_METHOD: return returned(write, method->decoded);
    case AMQP_CHANNEL_CLOSE_METHOD: return channel_closed(write, method->decoded);
    case AMQP_CONNECTION_CLOSE_METHOD:
        return rabbit_connection_closed(method->decoded, write->error);
    case AMQP_CONNECTION_BLOCKED_METHOD: write->conn->blocked = true; return 0;
    case AMQP_CONNECTION_UNBLOCKED_METHOD: write->conn->blocked = false; return 0;
    default: return 0;
    }
}

/* Take one thing the broker says; *none if it says nothing until `until`. */
static int take_frame(struct write *write, int64_t until, bool *none)
{
    int64_t left = until - clock_now();
    struct timeval span = {.tv_sec = 0};
    amqp_frame_t frame;

    if (left > 0)
        span = (struct timeval){.tv_sec = (time_t)(left / CLOCK_SECOND),
                                .tv_usec = (suseconds_t)(left % CLOCK_SECOND / 1000)};
    int code = amqp_simple_wait_frame_noblock(write->conn->state, &frame, &span);
    *none = code == AMQP_STATUS_TIMEOUT;
    if (*none)
        return 0;
    if (code != AMQP_STATUS_OK)
        return rabbit_library_fail(code, write->error);
    int status =
        frame.frame_type == AMQP_FRAME_METHOD ? take_method(write, &frame.payload.method) : 0;
    amqp_maybe_release_buffers(write->conn->state);
    return status;
}

/* Everything that has been said already. */
static int drain(struct write *write)
{
    bool none = false;
    int status = 0;

    write->unread = write->unread_bytes = 0;
    while (status == 0 && !none)
        status = take_frame(write, 0, &none);
    return status;
}

/* ---- Publishing ------------------------------------------------------------------------------ */

static int publish(struct write *write, size_t i)
{
    const struct weir_target *target = write->target;
    struct weir_item *item = &write->items[i];
    struct message message;
    char key[RABBIT_NAME_MAX];

    if (!rabbit_target_key(target, item, key)) {
        item->status = WEIR_EREJECTED;
        return 0;
    }
    if (message_init(&message, item, target->headers) != 0)
        return weir_fail(write->error, WEIR_ENOMEM, "out of memory for a message");
    amqp_bytes_t body = {.len = item->body_len, .bytes = (void *)item->body};
    int code = amqp_basic_publish(write->conn->state, RABBIT_CHANNEL,
                                  amqp_cstring_bytes(target->exchange), amqp_cstring_bytes(key),
                                  target->mandatory, 0, &message.properties, body);
    message_fini(&message);
    if (code == AMQP_STATUS_TABLE_TOO_BIG || code == AMQP_STATUS_INVALID_PARAMETER) {
        item->status = WEIR_EREJECTED; /* headers that no frame holds; nothing was sent */
        return 0;
    }
    if (code != AMQP_STATUS_OK)
        return rabbit_library_fail(code, write->error);
    write->tags[i] = write->last_tag = write->conn->next_tag++;
    write->awaited++;
    write->unread++;
    write->unread_bytes += item->body_len;
    return 0;
}

/* Pending ones only: after a channel was lost, the rest again. */
static int publish_all(struct write *write)
{
    int status = 0;

    for (size_t i = 0; i < write->count && status == 0; i++) {
        if (write->items[i].status != WEIR_PENDING)
            continue;
        status = publish(write, i);
        if (status == 0 && (write->unread >= DRAIN_EVERY || write->unread_bytes >= DRAIN_BYTES))
            status = drain(write);
    }
    return status;
}

static int await_confirms(struct write *write)
{
    bool none;
    int status = 0;

    while (status == 0 && write->awaited > 0) {
        status = take_frame(write, write->deadline, &none);
        if (status == 0 && none && clock_now() >= write->deadline)
            status = weir_fail(write->error, WEIR_EDEADLINE, "%zu messages not confirmed in time%s",
                               write->awaited,
                               write->conn->blocked ? ": the broker blocks publishers" : "");
    }
    return status;
}

/* An alarm at the broker (memory, disk): it would not read what is sent. */
static int check_blocked(struct write *write)
{
    int status = drain(write);

    if (status == 0 && write->conn->blocked)
        status = weir_fail(write->error, WEIR_ERESOURCE,
                           "the broker blocks publishers: it is short of memory or disk");
    return status;
}

static int write_all(struct write *write)
{
    int status = check_blocked(write);

    if (status == 0)
        status = declare(write->conn, write->target, write->error);
    if (status == 0)
        status = publish_all(write);
    if (status == 0)
        status = await_confirms(write);
    return status != 0 ? status : write->refused;
}

static bool is_lost(int status)
{
    enum weir_remedy remedy = weir_remedy(status);

    return remedy == WEIR_REMEDY_RECONNECT || remedy == WEIR_REMEDY_RETIRE;
}

/* The destination went away since it was declared: what was not stored goes once more. */
static int write_again(struct write *write)
{
    memset(write->conn->declared, 0, sizeof(write->conn->declared));
    write->refused = 0;
    for (size_t i = 0; i < write->count; i++)
        if (write->items[i].status == WEIR_EUNPREPARED)
            write->items[i].status = WEIR_PENDING;
    return write_all(write);
}

static int rabbit_write(const struct weir_target *target, void *bytes, struct weir_item *items,
                        size_t count, int64_t deadline, struct weir_error *error)
{
    struct weir_error own;
    struct write write = {.target = target,
                          .conn = bytes,
                          .items = items,
                          .count = count,
                          .deadline = deadline,
                          .error = error == NULL ? &own : error};
    struct rabbit_call call;
    int status = rabbit_call_begin(&call, write.conn, deadline, write.error);

    if (status != 0)
        return status;
    status = write_all(&write);
    if (status == WEIR_EUNPREPARED)
        status = write_again(&write);
    /* Unsettled confirms may not be mistaken for those of the next batch. */
    if (status != 0 && write.awaited > 0 && !is_lost(status))
        status = weir_fail(write.error, WEIR_ELOST, "given up with %zu confirms outstanding",
                           write.awaited);
    return rabbit_call_end(&call, status, write.error);
}

/* ---- Proving --------------------------------------------------------------------------------- */

static int rabbit_prepare(const struct weir_target *target, void *bytes, int64_t deadline,
                          struct weir_error *error)
{
    struct rabbit_conn *conn = bytes;
    struct rabbit_call call;
    int status = rabbit_call_begin(&call, conn, deadline, error);

    if (status != 0)
        return status;
    status = declare(conn, target, error);
    amqp_maybe_release_buffers(conn->state);
    return rabbit_call_end(&call, status, error);
}

const struct weir_sink rabbitmq_sink = {.abi = WEIR_SINK_ABI,
                                        .name = "rabbitmq",
                                        .aliases = (const char *const[]){"amqp", NULL},
                                        .driver = &rabbitmq_driver,
                                        .options = rabbit_options,
                                        .target_new = rabbit_target_new,
                                        .target_free = rabbit_target_free,
                                        .prepare = rabbit_prepare,
                                        .write = rabbit_write};
