/* SPDX-License-Identifier: MIT */
/* A webhook's properties as an AMQP message. */
#ifndef DRIVERS_RABBITMQ_MESSAGE_H
#define DRIVERS_RABBITMQ_MESSAGE_H

#include <amqp.h>
#include <amqp_framing.h>
#include <jansson.h>
#include <stdbool.h>
#include <weir/sink.h>

struct message {
    amqp_basic_properties_t properties; /* borrows from the item and from what follows */
    json_t *headers;
    amqp_table_entry_t *entries;
};

/*
 * Persistent; message id: the id the sender is told; type: the webhook's id; time stamp, content
 * type, and the HTTP headers as AMQP headers if those are wanted. WEIR_ENOMEM.
 */
int message_init(struct message *message, const struct weir_item *item, bool with_headers);
void message_fini(struct message *message);

#endif
