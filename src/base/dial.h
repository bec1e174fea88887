/* SPDX-License-Identifier: MIT */
/*
 * Reaching a server: names, TCP and Unix sockets, and seeing it let go; all within deadlines, and
 * nothing is connected to that may not be (outbound.h).
 */
#ifndef BASE_DIAL_H
#define BASE_DIAL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "outbound.h"
#include "wake.h"

#define DIAL_HOST_MAX      256 /* bytes in a host's name, with its NUL */
#define DIAL_NUMBER_MAX    64  /* bytes of an address as text, with its zone and NUL */
#define DIAL_ADDRESSES_MAX 16  /* tried for one name */
#define DIAL_REFUSED_MAX   256 /* bytes of the reasons why some are not, with their NUL */

/* The port is not set. */
struct dial_address {
    char number[DIAL_NUMBER_MAX]; /* the same as text */
    struct sockaddr_storage socket;
    socklen_t len;
};

/* What a name stands for, without what may not be connected to. */
struct dial_addresses {
    struct dial_address items[DIAL_ADDRESSES_MAX];
    size_t count;
    char refused[DIAL_REFUSED_MAX]; /* why, for a detail; "" if nothing was left out */
};

/* Is it the path of a Unix socket (or "@" and an abstract name) rather than a host? */
bool dial_is_path(const char *host);

/*
 * Look the name up on a spare thread, since that cannot be bounded; a number stands for itself.
 * 0 means that there is at least one address. WEIR_ERESOLVE, WEIR_EADDRESS (there are addresses,
 * but none that may be connected to), WEIR_ECONFIG (too long), WEIR_ENOMEM.
 */
int dial_resolve(struct dial_addresses *out, const char *host, const struct outbound *outbound,
                 int64_t deadline, struct weir_error *error);

/* May the Unix socket be connected to? 0 or WEIR_EADDRESS. */
int dial_permits_path(const char *path, const struct outbound *outbound, struct weir_error *error);

/* After all that were tried have failed: add to the detail which were not, and why. */
void dial_add_refused(const char *refused, struct weir_error *error);

/*
 * A connected stream socket in *fd, non-blocking, close-on-exec, without Nagle's delay, with
 * keep-alives; the caller's to close. Each address gets a fair share of the time that is left.
 * WEIR_ECONNECT, WEIR_EDEADLINE, WEIR_EINTERRUPTED and what dial_resolve answers; *fd is -1 then.
 */
int dial_connect(int *fd, const char *host, unsigned port, const struct outbound *outbound,
                 struct wake *wake, int64_t deadline, struct weir_error *error);

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
