/* SPDX-License-Identifier: MIT */
/* The log backend: a line on standard output for each webhook. See README.md. */
#ifndef DRIVERS_LOG_BACKEND_H
#define DRIVERS_LOG_BACKEND_H

#include <weir/sink.h>

extern const struct weir_driver log_driver;
extern const struct weir_sink log_sink;

#endif
