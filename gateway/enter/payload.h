/* SPDX-License-Identifier: MIT */
/*
 * Bytes on their way from a request's body to what is stored, and the budget they were taken from:
 * it is asked before memory is, so that all bodies together keep within their bound.
 */
#ifndef ENTER_PAYLOAD_H
#define ENTER_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>

/* Where bytes are taken from before they are allocated, and given back once they are freed. */
struct purse {
    bool (*take)(void *context, size_t bytes);
    void (*give)(void *context, size_t bytes);
    void *context;
};

struct payload {
    char *bytes; /* malloc'd; NULL while room is 0 */
    size_t len;
    size_t room; /* allocated, and taken from the purse */
};

enum payload_verdict {
    PAYLOAD_OK,
    PAYLOAD_MALFORMED, /* not what it is said to be */
    PAYLOAD_TOO_LARGE,
    PAYLOAD_OVERLOADED /* the purse, or memory, does not suffice at the moment */
};

/* Room for exactly so many bytes, which is not less than len; false, and nothing changed. */
bool payload_resize(struct payload *payload, const struct purse *purse, size_t room);

/* Free it and give back what it took. */
void payload_drop(struct payload *payload, const struct purse *purse);

#endif
