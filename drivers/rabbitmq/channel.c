/* SPDX-License-Identifier: MIT */
/*
 * Owns: the one channel, in confirm mode; a broker closes it with each error.
 * Never does: use a second one. Lock: none.
 */
#include <string.h>
#include <sys/time.h>

#include "conn.h"

void rabbit_channel_lost(struct rabbit_conn *conn)
{
    amqp_channel_close_ok_t ok = {.dummy = 0};

    amqp_send_method(conn->state, RABBIT_CHANNEL, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
    conn->channel_open = false;
    memset(conn->declared, 0, sizeof(conn->declared));
}

int rabbit_channel_reply(struct rabbit_conn *conn, struct weir_error *error)
{
    amqp_rpc_reply_t reply = amqp_get_rpc_reply(conn->state);
    int status = rabbit_reply(&reply, error);

    if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION &&
        reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD)
        rabbit_channel_lost(conn);
    return status;
}

/*
 * What came before the channel's end, and was put aside by the library, would be taken for the new
 * channel's: a confirm above all. Only what is said of the whole connection counts still.
 */
static int drop_frames(struct rabbit_conn *conn, struct weir_error *error)
{
    while (amqp_frames_enqueued(conn->state)) {
        struct timeval none = {.tv_sec = 0};
        amqp_frame_t frame;
        int code = amqp_simple_wait_frame_noblock(conn->state, &frame, &none);
        if (code != AMQP_STATUS_OK)
            return rabbit_library_fail(code, error);
        if (frame.frame_type != AMQP_FRAME_METHOD)
            continue;
        amqp_method_number_t id = frame.payload.method.id;
        if (id == AMQP_CONNECTION_BLOCKED_METHOD || id == AMQP_CONNECTION_UNBLOCKED_METHOD)
            conn->blocked = id == AMQP_CONNECTION_BLOCKED_METHOD;
    }
    return 0;
}

int rabbit_channel_renew(struct rabbit_conn *conn, struct weir_error *error)
{
    if (!conn->channel_open)
        return rabbit_channel(conn, error);
    amqp_rpc_reply_t reply = amqp_channel_close(conn->state, RABBIT_CHANNEL, AMQP_REPLY_SUCCESS);
    int status = rabbit_reply(&reply, error);
    if (status != 0)
        return status;
    conn->channel_open = false;
    memset(conn->declared, 0, sizeof(conn->declared));
    status = drop_frames(conn, error);
    return status != 0 ? status : rabbit_channel(conn, error);
}

int rabbit_channel(struct rabbit_conn *conn, struct weir_error *error)
{
    if (conn->channel_open)
        return 0;
    amqp_channel_open(conn->state, RABBIT_CHANNEL);
    int status = rabbit_channel_reply(conn, error);
    if (status != 0)
        return status;
    amqp_confirm_select(conn->state, RABBIT_CHANNEL);
    status = rabbit_channel_reply(conn, error);
    conn->channel_open = status == 0;
    conn->next_tag = 1;
    return status;
}
