/* SPDX-License-Identifier: MIT */
/*
 * Owns: the events that have happened and were not told yet, in a ring of fixed size.
 * Never does: call the observer with the lock held, or from two threads at once.
 * Lock: the registry's; released around each call of the observer.
 */
#include "pool.h"

#include <stdlib.h>

static const char *const names[] = {
#define NAME(name, text) [WEIR_EVENT_##name] = text,
    WEIR_EVENTS(NAME)
#undef NAME
};

const char *weir_event_name(enum weir_event_type type)
{
    return (size_t)type < sizeof(names) / sizeof(names[0]) ? names[type] : "unknown";
}

int events_init(struct weir_registry *registry)
{
    registry->events = calloc(POOL_EVENTS_MAX, sizeof(*registry->events));
    return registry->events == NULL ? WEIR_ENOMEM : 0;
}

void events_fini(struct weir_registry *registry)
{
    free(registry->events);
    registry->events = NULL;
}

void events_add(struct weir_registry *registry, enum weir_event_type type,
                struct endpoint *endpoint, uint32_t version, uint64_t count,
                const struct weir_error *error, int64_t now)
{
    if (registry->options.observe == NULL)
        return;
    registry->notify = true;
    if (registry->events_count == POOL_EVENTS_MAX) {
        registry->events_lost++;
        return;
    }
    size_t at = (registry->events_first + registry->events_count++) % POOL_EVENTS_MAX;
    struct weir_event *event = &registry->events[at];
    *event = (struct weir_event){.type = type,
                                 .at = now,
                                 .connection = endpoint == NULL ? NULL : endpoint->name,
                                 .version = version,
                                 .count = count};
    if (error != NULL)
        event->error = *error;
}

/* The next to tell; lost ones are told after those that came before them. */
static bool take(struct weir_registry *registry, struct weir_event *event)
{
    if (registry->events_count > 0) {
        *event = registry->events[registry->events_first];
        registry->events_first = (registry->events_first + 1) % POOL_EVENTS_MAX;
        registry->events_count--;
        return true;
    }
    if (registry->events_lost > 0) {
        *event = (struct weir_event){.type = WEIR_EVENT_EVENTS_LOST,
                                     .at = registry_now(registry),
                                     .count = registry->events_lost};
        registry->events_lost = 0;
        return true;
    }
    return false;
}

void events_tell(struct weir_registry *registry)
{
    struct weir_event event;

    registry_lock(registry);
    if (registry->telling) {
        registry_unlock(registry);
        return;
    }
    registry->telling = true;
    while (take(registry, &event)) {
        registry_unlock(registry);
        registry->options.observe(registry->options.observe_context, &event);
        registry_lock(registry);
    }
    registry->telling = false;
    registry_unlock(registry);
}
