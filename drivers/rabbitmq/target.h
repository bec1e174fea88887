/* SPDX-License-Identifier: MIT */
/* What a RabbitMQ module of the configuration asks for, checked. */
#ifndef DRIVERS_RABBITMQ_TARGET_H
#define DRIVERS_RABBITMQ_TARGET_H

#include <stdbool.h>
#include <weir/sink.h>

#include "conn.h"
#include "template.h"

struct weir_target {
    char queue[RABBIT_NAME_MAX];    /* "" with an exchange */
    char exchange[RABBIT_NAME_MAX]; /* "": the default one, which routes by the queue's name */
    struct template routing_key;
    bool quorum;    /* a queue that is made is one of these */
    bool passive;   /* never make a queue */
    bool mandatory; /* unroutable is a failure */
    bool headers;   /* HTTP headers become AMQP headers */
};

extern const struct weir_setting rabbit_options[];

int rabbit_target_new(struct weir_target **out, const struct weir_settings *options,
                      struct weir_error *error);
void rabbit_target_free(struct weir_target **target);

/* The routing key for an item; false if it is too long. */
bool rabbit_target_key(const struct weir_target *target, const struct weir_item *item,
                       char key[RABBIT_NAME_MAX]);

#endif
