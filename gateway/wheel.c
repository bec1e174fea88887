/* SPDX-License-Identifier: MIT */
/*
 * Owns: which deadlines have passed.
 * Never does: read a clock, allocate, move an entry whose deadline became later.
 * Lock: none; a wheel belongs to one thread.
 */
#include "wheel.h"

void wheel_init(struct wheel *wheel, int64_t now)
{
    wheel->tick = now / WHEEL_TICK;
    for (unsigned i = 0; i < WHEEL_SLOTS; i++)
        list_init(&wheel->slots[i]);
}

void wheel_entry_init(struct wheel_entry *entry)
{
    list_init(&entry->link);
    entry->deadline = entry->tick = INT64_MAX;
}

/* The tick at whose end the deadline has passed, or the last of this turn. */
static int64_t tick_for(const struct wheel *wheel, int64_t deadline)
{
    int64_t tick = deadline / WHEEL_TICK + 1;
    int64_t last = wheel->tick + WHEEL_SLOTS - 1;

    if (tick <= wheel->tick)
        tick = wheel->tick + 1;
    return tick < last ? tick : last;
}

void wheel_set(struct wheel *wheel, struct wheel_entry *entry, int64_t deadline)
{
    int64_t tick = tick_for(wheel, deadline);

    entry->deadline = deadline;
    if (!list_empty(&entry->link) && entry->tick <= tick)
        return; /* it is looked at early enough, and goes on from there */
    list_remove(&entry->link);
    entry->tick = tick;
    list_push_back(&wheel->slots[tick % WHEEL_SLOTS], &entry->link);
}

void wheel_remove(struct wheel_entry *entry)
{
    list_remove(&entry->link);
}

void wheel_turn(struct wheel *wheel, int64_t now, void (*expired)(struct wheel_entry *entry))
{
    int64_t until = now / WHEEL_TICK;
    struct list due, *link;

    /* After a long pause, one look at every slot is enough. */
    if (until - wheel->tick > WHEEL_SLOTS)
        wheel->tick = until - WHEEL_SLOTS;
    while (wheel->tick < until) {
        list_init(&due);
        wheel->tick++;
        list_splice_back(&due, &wheel->slots[wheel->tick % WHEEL_SLOTS]);
        while ((link = list_pop_front(&due)) != NULL) {
            struct wheel_entry *entry = list_entry(link, struct wheel_entry, link);
            if (entry->deadline > now)
                wheel_set(wheel, entry, entry->deadline);
            else
                expired(entry);
        }
    }
}
