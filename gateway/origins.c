/* SPDX-License-Identifier: MIT */
/*
 * Owns: the table of where things were written. Never does: look into a file. Lock: none.
 */
#include "origins.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void origins_add(struct origins *origins, const char *to, const char *from, bool whole)
{
    struct origin *items = realloc(origins->items, (origins->count + 1) * sizeof(*items));
    struct origin one = {.to = strdup(to), .from = strdup(from), .whole = whole};

    if (items != NULL)
        origins->items = items;
    if (items == NULL || one.to == NULL || one.from == NULL) {
        free(one.to);
        free(one.from);
        origins->failed = true;
        return;
    }
    origins->items[origins->count++] = one;
}

/* Is it the place, or one inside? */
static bool holds(const char *place, const char *to)
{
    size_t len = strlen(place);

    return len > 0 && strncmp(place, to, len) == 0 && (to[len] == '\0' || to[len] == '/');
}

bool origins_find(const struct origins *origins, const char *to, char from[ORIGINS_POINTER_MAX])
{
    const struct origin *best = NULL;

    for (size_t i = 0; i < origins->count; i++) {
        const struct origin *one = &origins->items[i];
        if (holds(one->to, to) && (best == NULL || strlen(one->to) > strlen(best->to)))
            best = one;
    }
    if (best == NULL)
        return false;
    snprintf(from, ORIGINS_POINTER_MAX, "%s%s", best->from,
             best->whole ? to + strlen(best->to) : "");
    return true;
}

void origins_fini(struct origins *origins)
{
    for (size_t i = 0; i < origins->count; i++) {
        free(origins->items[i].to);
        free(origins->items[i].from);
    }
    free(origins->items);
    *origins = (struct origins){.items = NULL};
}
