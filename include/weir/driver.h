/* SPDX-License-Identifier: MIT */
/*
 * Drivers: how libweir opens, checks, resets, interrupts and closes one kind of backend connection.
 *
 * The pool allocates conn_size zeroed bytes for every backend connection and hands them to each
 * call; they are the driver's to use until close returns. All functions may block, up to their
 * deadline: the pool never holds a lock while it calls one. For one backend connection the pool
 * makes one call at a time, with a single exception: interrupt may run while another call runs,
 * or while the borrower of the connection uses it. close never runs beside any other call.
 *
 * Deadlines are absolute, in nanoseconds of CLOCK_MONOTONIC; WEIR_NEVER means none.
 */
#ifndef WEIR_DRIVER_H
#define WEIR_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/settings.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_DRIVER_ABI 1u
#define WEIR_NEVER      INT64_MAX

struct weir_driver {
    uint32_t abi; /* WEIR_DRIVER_ABI */

    /* The type it serves, as configurations spell it, and other spellings (NULL-terminated). */
    const char *name;
    const char *const *aliases;

    size_t conn_size;

    /* Keys it understands beside the pool's own; ends with a NULL name. */
    const struct weir_setting *settings;

    /* Defaults for pool_min_size and pool_max_size. */
    unsigned min_size, max_size;

    /* What a key table cannot say (combinations of keys); NULL if nothing. No I/O. */
    int (*validate)(const struct weir_settings *settings, struct weir_error *error);

    /*
     * Connect and log in. The deadline covers everything, name resolution included. On failure
     * the pool calls close all the same, once. settings outlive the backend connection.
     */
    int (*open)(void *conn, const struct weir_settings *settings, int64_t deadline,
                struct weir_error *error);

    /* Is it still alive and usable? One round trip where the protocol has one. */
    int (*check)(void *conn, int64_t deadline, struct weir_error *error);

    /*
     * Bring it back into the state it had after open (no open transaction, nothing pending);
     * called when a lease comes back healthy. NULL if there is never anything to do. A failure
     * closes the connection.
     */
    int (*reset)(void *conn, int64_t deadline, struct weir_error *error);

    /*
     * Make whatever runs on it stop soon, from any thread: ask the server first (so that a
     * statement waiting for a lock does not commit later), then make sure the blocked caller
     * returns with a failure. At most once per connection and never beside or after close, but
     * maybe so early that an open just begun has not written to the bytes yet: they are zero then,
     * and open must fail soon all the same. Returns when both have been done or the deadline has
     * passed.
     */
    void (*interrupt)(void *conn, int64_t deadline);

    /*
     * Called exactly once for each open, failed ones included. Say good-bye, wait until the server
     * has let go (end of file on the socket) but not past the deadline, free everything.
     * 0: the server has let go. WEIR_EDEADLINE: it has not been seen to.
     */
    int (*close)(void *conn, int64_t deadline);

    /*
     * The status for one of the server's own codes, as it stands in weir_error.native. Pure; the
     * driver and its sink use the same function. Unknown codes answer WEIR_EINTERNAL.
     */
    int (*classify)(const char *native);

    /*
     * Has an idle one been given up by the other side? Looks at the socket without a round trip
     * and without waiting: 0 if nothing speaks against it, WEIR_ELOST if its end can be seen. NULL
     * if that cannot be told.
     */
    int (*peek)(void *conn);
};

#ifdef __cplusplus
}
#endif

#endif
