/* SPDX-License-Identifier: MIT */
/*
 * How many clients there are of each address, and how many bytes they hold, so that one cannot have
 * all there is. IPv6 clients are counted by their /64, which is what one site is given (RFC 6177).
 * Any thread.
 */
#ifndef GATEWAY_CROWD_H
#define GATEWAY_CROWD_H

#include <stdbool.h>
#include <stddef.h>

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

/*
 * For one that was counted: its address holds so many bytes more. False, and nothing taken, if they
 * would be more than `most`.
 */
bool crowd_take(struct crowd *crowd, const struct address *address, size_t bytes, size_t most);
void crowd_give(struct crowd *crowd, const struct address *address, size_t bytes);

/* One that was counted has gone; it has given all back. */
void crowd_leave(struct crowd *crowd, const struct address *address);

#endif
