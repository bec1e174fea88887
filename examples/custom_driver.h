/* SPDX-License-Identifier: MIT */
/* The driver of custom_driver.c: files that are appended to. */
#ifndef CUSTOM_DRIVER_H
#define CUSTOM_DRIVER_H

#include <weir/weir.h>

extern const struct weir_driver file_driver;

/* Append through a leased backend connection; the status to release it with. */
int file_write(void *conn, const char *line);

#endif
