/* SPDX-License-Identifier: MIT */
/* The RabbitMQ backend: a driver for backend connections, a sink for webhooks. See README.md. */
#ifndef DRIVERS_RABBITMQ_H
#define DRIVERS_RABBITMQ_H

#include <weir/sink.h>

extern const struct weir_driver rabbitmq_driver;
extern const struct weir_sink rabbitmq_sink;

#endif
