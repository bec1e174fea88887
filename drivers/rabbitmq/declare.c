/* SPDX-License-Identifier: MIT */
/*
 * Owns: looking for queues and exchanges, and making queues.
 * Never does: make an exchange, whose type and bindings only its owner knows. Lock: none.
 */
#include "declare.h"

#include <stdio.h>
#include <string.h>

static void name_of(const struct weir_target *target, char name[RABBIT_NAME_MAX + 2])
{
    bool is_queue = target->exchange[0] == '\0';

    snprintf(name, RABBIT_NAME_MAX + 2, "%c%s", is_queue ? 'q' : 'x',
             is_queue ? target->queue : target->exchange);
}

static bool is_known(const struct rabbit_conn *conn, const char *name)
{
    for (int i = 0; i < RABBIT_DECLARED_MAX; i++)
        if (strcmp(conn->declared[i], name) == 0)
            return true;
    return false;
}

static int look(struct rabbit_conn *conn, const struct weir_target *target,
                struct weir_error *error)
{
    if (target->exchange[0] != '\0')
        amqp_exchange_declare(conn->state, RABBIT_CHANNEL, amqp_cstring_bytes(target->exchange),
                              amqp_cstring_bytes("direct"), 1, 0, 0, 0, amqp_empty_table);
    else
        amqp_queue_declare(conn->state, RABBIT_CHANNEL, amqp_cstring_bytes(target->queue), 1, 0, 0,
                           0, amqp_empty_table);
    return rabbit_channel_reply(conn, error);
}

/* Durable, so that a persistent message outlives the broker. */
static int make_queue(struct rabbit_conn *conn, const struct weir_target *target,
                      struct weir_error *error)
{
    amqp_table_entry_t type = {
        .key = amqp_cstring_bytes("x-queue-type"),
        .value = {.kind = AMQP_FIELD_KIND_UTF8,
                  .value.bytes = amqp_cstring_bytes(target->quorum ? "quorum" : "classic")}};
    amqp_table_t arguments = {.num_entries = 1, .entries = &type};

    amqp_queue_declare(conn->state, RABBIT_CHANNEL, amqp_cstring_bytes(target->queue), 0, 1, 0, 0,
                       arguments);
    return rabbit_channel_reply(conn, error);
}

/* Nobody but a person can mend an absent destination that is not ours to make. */
static int absent(const struct weir_target *target, struct weir_error *error)
{
    bool is_queue = target->exchange[0] == '\0';

    return weir_fail(error, WEIR_ESCHEMA, "there is no %s %s", is_queue ? "queue" : "exchange",
                     is_queue ? target->queue : target->exchange);
}

int declare(struct rabbit_conn *conn, const struct weir_target *target, struct weir_error *error)
{
    char name[RABBIT_NAME_MAX + 2];
    int status = rabbit_channel(conn, error);

    name_of(target, name);
    if (status != 0 || is_known(conn, name))
        return status;
    status = look(conn, target, error);
    if (status == WEIR_EUNPREPARED) {
        int again = rabbit_channel(conn, error);
        if (again != 0)
            return again;
        if (target->passive || target->exchange[0] != '\0')
            return absent(target, error);
        status = make_queue(conn, target, error);
    }
    if (status == 0)
        memcpy(conn->declared[conn->next_declared++ % RABBIT_DECLARED_MAX], name, sizeof(name));
    return status;
}
