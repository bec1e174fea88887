/* SPDX-License-Identifier: MIT */
/* Seeing to it that a destination is there. */
#ifndef DRIVERS_RABBITMQ_DECLARE_H
#define DRIVERS_RABBITMQ_DECLARE_H

#include "target.h"

/*
 * Look for the queue or exchange, once for each backend connection, and make a queue that is
 * absent. Within a call, with an open channel; opens it again where the broker closed it.
 */
int declare(struct rabbit_conn *conn, const struct weir_target *target, struct weir_error *error);

#endif
