/* SPDX-License-Identifier: MIT */
/*
 * Owns: what AMQP's reply codes and rabbitmq-c's statuses mean for a backend connection and for a
 * webhook. (AMQP 0-9-1, section 1.2 "reply codes"; RabbitMQ "Channels"; rabbitmq-c's amqp.h.)
 * Never does: look at a text. Lock: none.
 */
#include <stdlib.h>

#include "conn.h"

static const struct {
    int code, status;
} codes[] = {
    {311, WEIR_EREJECTED},   /* content too large */
    {312, WEIR_ESCHEMA},     /* no route: mandatory, and no queue takes it */
    {313, WEIR_ESCHEMA},     /* no consumers */
    {320, WEIR_EDOWN},       /* connection forced: closed by an operator, or shutting down */
    {402, WEIR_ECONFIG},     /* invalid path */
    {403, WEIR_EDENIED},     /* access refused */
    {404, WEIR_EUNPREPARED}, /* no such queue or exchange */
    {405, WEIR_ECONFLICT},   /* resource locked */
    {406, WEIR_ESCHEMA},     /* precondition failed: declared otherwise */
    {501, WEIR_ELOST},       /* frame error */
    {502, WEIR_ELOST},       /* syntax error */
    {503, WEIR_ELOST},       /* command invalid */
    {504, WEIR_ELOST},       /* channel error */
    {505, WEIR_ELOST},       /* unexpected frame */
    {506, WEIR_ERESOURCE},   /* resource error */
    {530, WEIR_ECONFIG},     /* not allowed: no such vhost, or no access to it */
    {540, WEIR_ESCHEMA},     /* not implemented */
    {541, WEIR_EDOWN},       /* internal error */
    {AMQP_STATUS_NO_MEMORY, WEIR_ENOMEM},
    {AMQP_STATUS_BAD_AMQP_DATA, WEIR_ELOST},
    {AMQP_STATUS_UNKNOWN_CLASS, WEIR_ELOST},
    {AMQP_STATUS_UNKNOWN_METHOD, WEIR_ELOST},
    {AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED, WEIR_ERESOLVE},
    {AMQP_STATUS_INCOMPATIBLE_AMQP_VERSION, WEIR_ECONNECT},
    {AMQP_STATUS_CONNECTION_CLOSED, WEIR_ELOST},
    {AMQP_STATUS_SOCKET_ERROR, WEIR_ELOST},
    {AMQP_STATUS_TABLE_TOO_BIG, WEIR_EREJECTED},
    {AMQP_STATUS_WRONG_METHOD, WEIR_ELOST},
    {AMQP_STATUS_TIMEOUT, WEIR_EDEADLINE},
    {AMQP_STATUS_HEARTBEAT_TIMEOUT, WEIR_ELOST},
    {AMQP_STATUS_UNEXPECTED_STATE, WEIR_ELOST},
    {AMQP_STATUS_SOCKET_CLOSED, WEIR_ELOST},
    {AMQP_STATUS_BROKER_UNSUPPORTED_SASL_METHOD, WEIR_EAUTH},
    {AMQP_STATUS_TCP_ERROR, WEIR_ELOST},
    {AMQP_STATUS_SSL_ERROR, WEIR_ETLS},
    {AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED, WEIR_ETLS},
    {AMQP_STATUS_SSL_PEER_VERIFY_FAILED, WEIR_ETLS},
    {AMQP_STATUS_SSL_CONNECTION_FAILED, WEIR_ETLS},
};

int rabbit_classify(const char *native)
{
    long code = strtol(native, NULL, 10);

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (codes[i].code == code)
            return codes[i].status;
    return WEIR_EINTERNAL;
}
