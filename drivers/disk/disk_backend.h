/* SPDX-License-Identifier: MIT */
/* The disk backend: a file for each webhook, in a directory. See README.md. */
#ifndef DRIVERS_DISK_BACKEND_H
#define DRIVERS_DISK_BACKEND_H

#include <weir/sink.h>

extern const struct weir_driver disk_driver;
extern const struct weir_sink disk_sink;

#endif
