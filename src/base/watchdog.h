/* SPDX-License-Identifier: MIT */
/*
 * A deadline for libraries that know none: when it passes, the socket that somebody is blocked on
 * is shut down, so that the blocked call fails. One thread serves all, and leaves when idle.
 */
#ifndef BASE_WATCHDOG_H
#define BASE_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#include "list.h"

/* The caller's; from watchdog_set to watchdog_clear the watchdog's. */
struct watchdog {
    struct list link;
    int64_t deadline;
    int fd;
    bool bitten;
};

/* Shut fd down once the deadline has passed. WEIR_ENOMEM without a thread. */
int watchdog_set(struct watchdog *watchdog, int fd, int64_t deadline);

/* Not needed any more. True if it was too late: the socket has been shut down. */
bool watchdog_clear(struct watchdog *watchdog);

#endif
