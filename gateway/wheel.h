/* SPDX-License-Identifier: MIT */
/*
 * A timing wheel: very many deadlines, kept to one tick, at next to no cost. Moving a deadline
 * back is one store; nothing is sorted. It has no clock: whoever owns it turns it.
 */
#ifndef GATEWAY_WHEEL_H
#define GATEWAY_WHEEL_H

#include <stdint.h>

#include "list.h"

#define WHEEL_TICK  (INT64_C(50) * 1000000) /* nanoseconds */
#define WHEEL_SLOTS 256                     /* ticks in one turn; later deadlines go round again */

struct wheel {
    int64_t tick; /* the last one that was looked at */
    struct list slots[WHEEL_SLOTS];
};

struct wheel_entry {
    struct list link;
    int64_t deadline; /* CLOCK_NEVER: none */
    int64_t tick;     /* when it will be looked at */
};

void wheel_init(struct wheel *wheel, int64_t now);

void wheel_entry_init(struct wheel_entry *entry);

/* Set an entry's deadline, earlier or later than before. */
void wheel_set(struct wheel *wheel, struct wheel_entry *entry, int64_t deadline);

/* The entry will not expire any more. */
void wheel_remove(struct wheel_entry *entry);

/*
 * Call `expired` for each entry whose deadline has passed; it is not in the wheel any more, and
 * may be set again, or freed.
 */
void wheel_turn(struct wheel *wheel, int64_t now, void (*expired)(struct wheel_entry *entry));

#endif
