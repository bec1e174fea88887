/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a socket, until a deadline, or until another thread wants the wait to end.
 *
 * All zero bytes are a valid wake that has no descriptor yet; it may be raised before wake_init,
 * and stays raised.
 */
#ifndef BASE_WAKE_H
#define BASE_WAKE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <weir/error.h>

struct wake {
    atomic_bool raised;
    atomic_int fd; /* an eventfd, plus one; 0 before there is one */
};

/* WEIR_ERESOURCE if no descriptor can be had. Does not lower what has been raised. */
int wake_init(struct wake *wake, struct weir_error *error);

/* End all waits on it, now and later. Any thread, but never beside or after wake_fini. */
void wake_raise(struct wake *wake);

bool wake_raised(struct wake *wake);

/*
 * Wait until fd is ready for these events of poll(2): 0 (POLLERR and POLLHUP count as ready),
 * WEIR_EINTERRUPTED, WEIR_EDEADLINE, WEIR_ELOST.
 */
int wake_wait(struct wake *wake, int fd, short events, int64_t deadline, struct weir_error *error);

void wake_fini(struct wake *wake);

#endif
