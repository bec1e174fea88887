/* SPDX-License-Identifier: MIT */
/* The PostgreSQL backend: a driver for backend connections, a sink for webhooks. See README.md. */
#ifndef DRIVERS_POSTGRESQL_H
#define DRIVERS_POSTGRESQL_H

#include <weir/sink.h>

extern const struct weir_driver postgresql_driver;
extern const struct weir_sink postgresql_sink;

#endif
