/* SPDX-License-Identifier: MIT */
/*
 * Watching the configuration directory. What counts is a fingerprint of the three files (which
 * file, its size, its times), following symbolic links; inotify only says when to look, and where
 * it cannot, looking every WATCH_POLL does. A change is reported once, after the files have been
 * left alone for WATCH_SETTLE. A file that has vanished is no change; one that comes back is, and
 * so is another owner or mode: what could not be read may be readable now.
 *
 *     poll(watch_fd, until next); if (watch_check(watch, now, &next)) reload();
 */
#ifndef GATEWAY_WATCH_H
#define GATEWAY_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#define WATCH_SETTLE INT64_C(200000000) /* nanoseconds */
#define WATCH_POLL   INT64_C(2000000000)

struct watch;

/* The files as they are now are what changes are measured against. 0 or WEIR_ENOMEM. */
int watch_open(struct watch **out, const char *directory);

/* Readable when it is worth looking; -1 if there is no inotify. */
int watch_fd(const struct watch *watch);

/* Look. True: something changed and has settled. *next: when to look again at the latest. */
bool watch_check(struct watch *watch, int64_t now, int64_t *next);

/* *watch becomes NULL; NULL is accepted. */
void watch_close(struct watch **watch);

#endif
