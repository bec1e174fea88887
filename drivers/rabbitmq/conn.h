/* SPDX-License-Identifier: MIT */
/*
 * One RabbitMQ connection with its one channel, as driver and sink share it. rabbitmq-c blocks
 * without a deadline when it sends; a watchdog shuts the socket down then, and so does interrupt.
 */
#ifndef DRIVERS_RABBITMQ_CONN_H
#define DRIVERS_RABBITMQ_CONN_H

#include <amqp.h>
#include <amqp_framing.h>
#include <stdbool.h>
#include <stdint.h>

#include "rabbitmq.h"
#include "wake.h"
#include "watchdog.h"

#define RABBIT_CHANNEL      1
#define RABBIT_NAME_MAX     256 /* of a queue, exchange or routing key, with the NUL: AMQP's 255 */
#define RABBIT_DECLARED_MAX 16  /* destinations a connection remembers to have seen */

struct rabbit_conn {
    struct wake wake; /* for interrupt, from any thread */
    atomic_int fd;    /* a duplicate of the socket, plus one, to shut it down and to see its end */

    amqp_connection_state_t state;
    bool lent; /* its borrower has had the native handle */
    bool tls;
    bool channel_open;
    bool blocked;      /* the broker has an alarm and takes nothing */
    uint64_t next_tag; /* of the next message that is published */
    char declared[RABBIT_DECLARED_MAX][RABBIT_NAME_MAX + 2]; /* "q" or "x" and the name */
    unsigned next_declared;
};

/* A call into rabbitmq-c that ends by the deadline. */
struct rabbit_call {
    struct rabbit_conn *conn;
    struct watchdog watchdog;
    int64_t deadline;
};

/* ---- conn.c ---- */
/* WEIR_EINTERRUPTED, WEIR_ENOMEM. Every call that was begun must be ended. */
int rabbit_call_begin(struct rabbit_call *call, struct rabbit_conn *conn, int64_t deadline,
                      struct weir_error *error);
/* What came of it: status, unless the call failed because its time was over or it was interrupted.
 */
int rabbit_call_end(struct rabbit_call *call, int status, struct weir_error *error);

/* The status of what a broker's method or the library answered. */
int rabbit_reply(const amqp_rpc_reply_t *reply, struct weir_error *error);
int rabbit_library_fail(int code, struct weir_error *error);
/* Of a code and text of the broker's; of its connection.close. */
int rabbit_closed(uint16_t code, amqp_bytes_t text, struct weir_error *error);
int rabbit_connection_closed(const amqp_connection_close_t *close, struct weir_error *error);

/* ---- channel.c ---- */
/* Open the channel, if it is not, in confirm mode. Within a call. */
int rabbit_channel(struct rabbit_conn *conn, struct weir_error *error);
/* Answer the broker's channel.close, so that the channel can be opened again. */
void rabbit_channel_lost(struct rabbit_conn *conn);
/* Close the channel and open another in its place: nothing of the old one is left. Within a call.
 */
int rabbit_channel_renew(struct rabbit_conn *conn, struct weir_error *error);
/* Like rabbit_reply, for what was asked on the channel: a closed channel is taken note of. */
int rabbit_channel_reply(struct rabbit_conn *conn, struct weir_error *error);

/* ---- dial.c ---- */
int rabbit_dial(struct rabbit_conn *conn, const struct weir_settings *settings, int64_t deadline,
                struct weir_error *error);
int rabbit_dial_validate(const struct weir_settings *settings, struct weir_error *error);

/* ---- classify.c ---- */
/* AMQP's reply code ("320") or, negative, rabbitmq-c's status ("-7"). */
int rabbit_classify(const char *native);

#endif
