/* SPDX-License-Identifier: MIT */
/*
 * Owns: the numbering of clients and requests.
 * Never does: shrink, or look into a client.
 * Lock: none for the slots; the count of requests is atomic, all doors share it.
 */
#include "slots.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#define SLOTS_FIRST 64

static bool grow(struct slots *slots)
{
    uint32_t room = slots->room == 0 ? SLOTS_FIRST : 2 * slots->room;

    if (room > SLOTS_MAX)
        return false;
    struct client **clients = reallocarray(slots->clients, room, sizeof(struct client *));
    if (clients == NULL)
        return false;
    slots->clients = clients;
    uint32_t *vacant = reallocarray(slots->vacant, room, sizeof(*vacant));
    if (vacant == NULL)
        return false;
    slots->vacant = vacant;
    slots->room = room;
    return true;
}

uint32_t slots_take(struct slots *slots, struct client *client)
{
    uint32_t slot;

    if (slots->vacant_count > 0)
        slot = slots->vacant[--slots->vacant_count];
    else if (slots->used < slots->room || grow(slots))
        slot = slots->used++;
    else
        return SLOTS_NONE;
    slots->clients[slot] = client;
    return slot;
}

void slots_give(struct slots *slots, uint32_t slot)
{
    slots->clients[slot] = NULL;
    slots->vacant[slots->vacant_count++] = slot;
}

uint64_t slots_id(uint32_t slot)
{
    static atomic_uint_least64_t count;
    uint64_t stamp = atomic_fetch_add_explicit(&count, 1, memory_order_relaxed) + 1;

    return stamp << SLOTS_BITS | slot;
}

struct client *slots_find(const struct slots *slots, uint64_t id)
{
    uint64_t slot = id & (SLOTS_MAX - 1);

    return slot < slots->used ? slots->clients[slot] : NULL;
}

void slots_fini(struct slots *slots)
{
    free(slots->clients);
    free(slots->vacant);
    *slots = (struct slots){0};
}
