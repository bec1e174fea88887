/* SPDX-License-Identifier: MIT */
/* Reaching a server: names, TCP and Unix sockets, and seeing it let go; all within deadlines. */
#ifndef BASE_DIAL_H
#define BASE_DIAL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wake.h"

#define DIAL_HOST_MAX      256 /* bytes in a host's name, with its NUL */
#define DIAL_ADDRESSES_MAX 16  /* tried for one name */

/* What a name stands for, as numbers. */
struct dial_addresses {
    char numbers[DIAL_ADDRESSES_MAX][INET6_ADDRSTRLEN];
    size_t count;
};

/* Is it the path of a Unix socket (or "@" and an abstract name) rather than a host? */
bool dial_is_path(const char *host);

/*
 * Look the name up on a spare thread, since that cannot be bounded; a number stands for itself.
 * WEIR_ERESOLVE, WEIR_ECONFIG (too long), WEIR_ENOMEM.
 */
int dial_resolve(struct dial_addresses *out, const char *host, int64_t deadline,
                 struct weir_error *error);

/*
 * A connected stream socket in *fd, non-blocking, close-on-exec, without Nagle's delay, with
 * keep-alives; the caller's to close. Each address gets a fair share of the time that is left.
 * WEIR_ECONNECT, WEIR_EDEADLINE, WEIR_EINTERRUPTED and what dial_resolve answers; *fd is -1 then.
 */
int dial_connect(int *fd, const char *host, unsigned port, struct wake *wake, int64_t deadline,
                 struct weir_error *error);

/*
 * Has the other side ended the connection? Looks without waiting and takes nothing from it: 0, or
 * WEIR_ELOST. Bytes that have arrived are no end.
 */
int dial_peek(int fd);

/*
 * Read and forget until the server closes its end, which shows that it has let go of the
 * connection: 0, or WEIR_EDEADLINE. Ends our own sending first. Does not close fd.
 */
int dial_linger(int fd, int64_t deadline);

#endif
