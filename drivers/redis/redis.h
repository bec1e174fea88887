/* SPDX-License-Identifier: MIT */
/* The Redis backend: a driver for backend connections, a sink for webhooks. See README.md. */
#ifndef DRIVERS_REDIS_H
#define DRIVERS_REDIS_H

#include <weir/sink.h>

extern const struct weir_driver redis_driver;
extern const struct weir_sink redis_sink;

#endif
