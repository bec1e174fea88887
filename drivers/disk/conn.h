/* SPDX-License-Identifier: MIT */
/* What the driver and the sink share: a directory that is open. */
#ifndef DRIVERS_DISK_CONN_H
#define DRIVERS_DISK_CONN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "disk_backend.h"

#define DISK_UNFINISHED ".weir-" /* how the name of a file begins that is not whole yet */

struct disk_conn {
    atomic_bool interrupted;
    bool opened;
    int fd;
    const char *path; /* the settings' */
};

/* A weir status for an errno, and the operator's detail. */
int disk_fail(const struct disk_conn *conn, int number, const char *what, struct weir_error *error);

/* Has the call's time passed, or was it interrupted? */
bool disk_is_over(const struct disk_conn *conn, int64_t deadline);

#endif
