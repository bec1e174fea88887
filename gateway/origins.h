/* SPDX-License-Identifier: MIT */
/*
 * Where the parts of a configuration come from that was written in another form: a table from
 * places (JSON pointers) in what is read to places in what was written.
 */
#ifndef GATEWAY_ORIGINS_H
#define GATEWAY_ORIGINS_H

#include <stdbool.h>
#include <stddef.h>

#define ORIGINS_POINTER_MAX 1024 /* bytes of a pointer with its NUL */

struct origin {
    char *to, *from; /* in what is read, or words that say what becomes of it; and in the file */
    bool whole;      /* what stands inside is the same */
};

/* Zero-initialise it. */
struct origins {
    struct origin *items; /* as they were added */
    size_t count;
    bool failed; /* memory was short: something is missing */
};

void origins_add(struct origins *origins, const char *to, const char *from, bool whole);

/*
 * The place in the file of a place in what is read, or of the smallest known thing around it.
 * False: nothing is known of it.
 */
bool origins_find(const struct origins *origins, const char *to, char from[ORIGINS_POINTER_MAX]);

void origins_fini(struct origins *origins);

#endif
