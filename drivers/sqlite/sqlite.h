/* SPDX-License-Identifier: MIT */
/* The SQLite backend: a driver for backend connections, a sink for webhooks. See README.md. */
#ifndef DRIVERS_SQLITE_H
#define DRIVERS_SQLITE_H

#include <weir/sink.h>

extern const struct weir_driver sqlite_driver;
extern const struct weir_sink sqlite_sink;

#endif
