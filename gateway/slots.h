/* SPDX-License-Identifier: MIT */
/* Numbered places for the clients of a door, so that a request's id leads to its client at once. */
#ifndef GATEWAY_SLOTS_H
#define GATEWAY_SLOTS_H

#include <stddef.h>
#include <stdint.h>

#define SLOTS_BITS 20 /* of an id; the rest is a count */
#define SLOTS_MAX  (1u << SLOTS_BITS)
#define SLOTS_NONE UINT32_MAX

struct client;

/* Zero-initialise. */
struct slots {
    struct client **clients;
    uint32_t *vacant; /* slots given back, a stack */
    uint32_t room, used, vacant_count;
};

/* The client's slot; SLOTS_NONE without memory or when there are SLOTS_MAX. */
uint32_t slots_take(struct slots *slots, struct client *client);

void slots_give(struct slots *slots, uint32_t slot);

/* An id for a request of this slot's client; no other door or time gives the same one. */
uint64_t slots_id(uint32_t slot);

/* The client whose slot is in the id; NULL if the slot is vacant. */
struct client *slots_find(const struct slots *slots, uint64_t id);

void slots_fini(struct slots *slots);

#endif
