/* SPDX-License-Identifier: MIT */
/* What becomes of a delivery after a write, from the status it got. */
#ifndef GATEWAY_FATE_H
#define GATEWAY_FATE_H

#include <stddef.h>
#include <stdint.h>

#include "webhook.h"

enum fate { FATE_STORED, FATE_REJECTED, FATE_AGAIN, FATE_FAILED, FATE_BUG };

enum fate fate_of(const struct delivery *delivery, int status, int64_t now);

/* How long to wait before the next attempt; delivery->attempts counts the one that failed. */
int64_t fate_pause(const struct delivery *delivery, int status);

/*
 * In how large a batch it may be written next, after one of `count` failed; 0: of any size. The
 * first failure may be the connection's. After the second one row may be the cause, so the batch
 * is halved each time until that row stands alone, unless the server itself is in trouble.
 */
size_t fate_share(const struct delivery *delivery, int status, size_t count);

#endif
