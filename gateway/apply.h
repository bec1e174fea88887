/* SPDX-License-Identifier: MIT */
/*
 * Applying a configuration to the registry in one change, and what that did to each connection:
 * at once, and after the first probes of those that have to be proven.
 */
#ifndef GATEWAY_APPLY_H
#define GATEWAY_APPLY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/registry.h>

#include "config.h"

struct effect {
    const char *name; /* one of the configs' */
    enum weir_outcome outcome;
    uint32_t version; /* the active one; 0 before the first use */
    int reason;       /* of STAGING: why it has not taken over; 0: nothing is known yet */
    bool probed;      /* of STAGING: a probe has ended */
};

struct effects {
    size_t count;
    struct effect items[];
};

/* Room for what a change from old (may be NULL) to config can do. free() it; NULL: no memory. */
struct effects *effects_new(const struct config *config, const struct config *old);

/*
 * Fill the change with what leads from old (may be NULL) to config, and note in effects (may be
 * NULL) what its commit will do. On failure at least one problem tells why; abort the change then.
 */
/* Make the backends known to the registry, those of newly loaded plugins too. */
int apply_drivers(struct weir_registry *registry, struct weir_error *error);

int apply_fill(struct weir_change *change, const struct config *config, const struct config *old,
               struct effects *effects, struct problems *problems);

/* Look how far those that are staging have come; false while a first probe is awaited. */
bool effects_look(struct effects *effects, struct weir_registry *registry);

/* Is none of them staging? */
bool effects_proven(const struct effects *effects);

/* The longest connect_timeout of those that are staging. */
int64_t effects_patience(const struct effects *effects, const struct config *config);

/* A problem for each that is staging, with its reason. */
void effects_problems(const struct effects *effects, struct problems *problems);

/* {"name": {"outcome": "migrated", "version": 2}, ...}; "reason" and "code" beside "staging". */
json_t *effects_json(const struct effects *effects);

#endif
