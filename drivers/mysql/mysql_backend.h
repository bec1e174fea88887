/* SPDX-License-Identifier: MIT */
/* The MySQL and MariaDB backend: a driver for backend connections, a sink for webhooks. */
#ifndef DRIVERS_MYSQL_BACKEND_H
#define DRIVERS_MYSQL_BACKEND_H

#include <weir/sink.h>

extern const struct weir_driver mysql_driver;
extern const struct weir_sink mysql_sink;

#endif
