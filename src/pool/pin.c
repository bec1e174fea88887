/* SPDX-License-Identifier: MIT */
/*
 * Owns: pins: counted references to a generation of the configuration.
 * Never does: keep a version by itself; let_go in endpoint.c asks whether a pin is left.
 * Lock: the registry's.
 */
#include "pool.h"

#include <stdlib.h>

int weir_pin_new(struct weir_registry *registry, struct weir_pin **out, struct weir_error *error)
{
    *out = NULL;
    if (fork_left(registry->made))
        return fork_refuse(error);
    struct weir_pin *pin = calloc(1, sizeof(*pin));
    *out = pin;
    if (pin == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    pin->registry = registry;
    pin->refs = 1;
    registry_lock(registry);
    pin->generation = atomic_load(&registry->generation);
    list_push_back(&registry->pins, &pin->link);
    registry_unlock(registry);
    return 0;
}

struct weir_pin *weir_pin_ref(struct weir_pin *pin)
{
    if (fork_left(pin->registry->made))
        return pin;
    registry_lock(pin->registry);
    pin->refs++;
    registry_unlock(pin->registry);
    return pin;
}

/* What was removed may be free to go, now that nobody can ask for it any more. */
static void settle_removed(struct weir_registry *registry, int64_t now)
{
    for (size_t i = 0; i < registry->endpoints_count; i++) {
        struct endpoint *endpoint = registry->endpoints[i];
        if (endpoint->legacy != NULL || (endpoint->removed && endpoint->unused != NULL))
            endpoint_settle(endpoint, now);
    }
}

void weir_pin_unref(struct weir_pin **at)
{
    struct weir_pin *pin = *at;

    *at = NULL;
    if (pin == NULL || fork_left(pin->registry->made))
        return;
    struct weir_registry *registry = pin->registry;
    int64_t now = registry_now(registry);
    registry_lock(registry);
    bool last = --pin->refs == 0;
    if (last) {
        list_remove(&pin->link);
        settle_removed(registry, now);
    }
    registry_unlock(registry);
    if (last)
        free(pin);
}

uint64_t weir_pin_generation(const struct weir_pin *pin)
{
    return pin->generation;
}
