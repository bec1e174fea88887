/* SPDX-License-Identifier: MIT */
/* Providers as data: configurations of the signature check that are shipped with weir. */
#ifndef GUARD_PRESETS_H
#define GUARD_PRESETS_H

#include <jansson.h>
#include <stddef.h>

#include <weir/error.h>

struct preset {
    const char *name, *about;
    const char *json; /* what an entry of "auth" holds, but for its type and secrets */
};

/* All of them, in order of name. */
const struct preset *presets_all(size_t *count);

/* Its keys, the caller's. NULL: there is none of that name (NULL included), and error says so. */
json_t *preset_load(const char *name, struct weir_error *error);

#endif
