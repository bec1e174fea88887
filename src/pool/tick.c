/* SPDX-License-Identifier: MIT */
/*
 * Owns: time: which endpoints are due, and when to come again.
 * Never does: block, or call a driver.
 * Lock: the registry's, released before events are told.
 */
#include "pool.h"

static int64_t tick_locked(struct weir_registry *registry, int64_t now)
{
    int64_t next = CLOCK_NEVER;

    for (size_t i = 0; i < registry->endpoints_count; i++) {
        struct endpoint *endpoint = registry->endpoints[i];
        if (now >= endpoint->due)
            endpoint_tick(endpoint, now);
        next = clock_min(next, endpoint->due);
    }
    return next;
}

int64_t weir_registry_tick(struct weir_registry *registry, int64_t now)
{
    if (fork_left(registry->made))
        return WEIR_NEVER;
    registry_lock(registry);
    int64_t next = tick_locked(registry, now);
    registry->announced = next;
    registry_unlock(registry);
    if (registry->options.observe != NULL)
        events_tell(registry);
    return next;
}
