/* SPDX-License-Identifier: MIT */
/*
 * Owns: the one channel, in confirm mode; a broker closes it with each error.
 * Never does: use a second one. Lock: none.
 */
#include <string.h>

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
    return rabbit_channel(conn, error);
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
