/* SPDX-License-Identifier: MIT */
/* What the driver and the sink share: standard output, whole lines at a time. */
#ifndef DRIVERS_LOG_CONN_H
#define DRIVERS_LOG_CONN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "log_backend.h"

struct log_conn {
    atomic_bool interrupted;
    int fd;      /* where to write, without waiting if that can be had */
    bool own;    /* it is not standard output's own, and to be closed */
    bool socket; /* it is one */
};

/* A weir status for an errno, and the operator's detail. */
int log_fail(int number, struct weir_error *error);

/*
 * Write the text, which is whole lines, not mixed with what others write here; by the deadline.
 * What could not be written as a whole is followed by a line's end before anything else is.
 */
int log_put(const struct log_conn *conn, const char *text, size_t len, int64_t deadline,
            struct weir_error *error);

#endif
