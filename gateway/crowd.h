/* SPDX-License-Identifier: MIT */
/*
 * How many clients there are of each address, so that one cannot have all places. IPv6 clients are
 * counted by their /64, which is what one site is given (RFC 6177). Any thread.
 */
#ifndef GATEWAY_CROWD_H
#define GATEWAY_CROWD_H

#include <stdbool.h>

#include "address.h"

struct crowd;

/* What clients of one site have in common: IPv4 as it is, IPv6 without its last 64 bits. */
struct address crowd_site(const struct address *address);

/* NULL without memory. */
struct crowd *crowd_new(void);

/* Nobody may be in it any more. Accepts NULL; leaves NULL. */
void crowd_free(struct crowd **crowd);

/* Count one more of this address; false, and not counted, if there are `most`, or without memory.
 */
bool crowd_enter(struct crowd *crowd, const struct address *address, unsigned most);

/* One that was counted has gone. */
void crowd_leave(struct crowd *crowd, const struct address *address);

#endif
