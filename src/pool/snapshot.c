/* SPDX-License-Identifier: MIT */
/*
 * Owns: consistent pictures of the registry for whoever wants to look.
 * Never does: allocate with the lock held; it counts, allocates, and looks again.
 * Lock: the registry's, while counting and while copying.
 */
#include "pool.h"

#include <stdlib.h>
#include <string.h>

static const char *const state_names[] = {[WEIR_VERSION_STAGING] = "staging",
                                          [WEIR_VERSION_ACTIVE] = "active",
                                          [WEIR_VERSION_DEPRECATED] = "deprecated",
                                          [WEIR_VERSION_CLOSED] = "closed",
                                          [WEIR_VERSION_REJECTED] = "rejected"};

const char *weir_version_state_name(enum weir_version_state state)
{
    return (size_t)state < sizeof(state_names) / sizeof(state_names[0]) ? state_names[state]
                                                                        : "unknown";
}

/* A removed one is shown for as long as something of it is left. */
static bool is_shown(const struct endpoint *endpoint)
{
    return !endpoint->removed || !list_empty(&endpoint->versions);
}

static void count(const struct weir_registry *registry, size_t *connections, size_t *versions)
{
    *connections = *versions = 0;
    for (size_t i = 0; i < registry->endpoints_count; i++) {
        const struct endpoint *endpoint = registry->endpoints[i];
        if (!is_shown(endpoint))
            continue;
        (*connections)++;
        list_each(link, &endpoint->versions)
            (*versions)++;
    }
}

static void copy_version(struct weir_version_view *view, const struct version *version)
{
    *view = (struct weir_version_view){
        .version = version->number,
        .state = version->state,
        .created_at = version->created_at,
        .deprecated_at = version->deprecated_at,
        .closes_by = version->closes_by,
        .min = version->limits.min,
        .max = version->limits.max,
        .counts = version_counts(version),
        .totals = version->totals,
        .probes = version->probe.finished,
        .last_error = version->last_error,
        .last_error_at = version->last_error_at,
    };
    view->totals.acquired = version->totals.acquired + version_unfolded(version);
    memcpy(view->config_sha256, version->digest, sizeof(view->config_sha256));
}

static size_t copy_connection(struct weir_connection_view *view, const struct endpoint *endpoint,
                              struct weir_version_view *versions)
{
    size_t n = 0;

    *view = (struct weir_connection_view){
        .name = endpoint->name,
        .type = endpoint->driver->name,
        .removed = endpoint->removed,
        .version = endpoint->active == NULL ? 0 : endpoint->active->number,
        .waiting = endpoint->waiting,
        .paused = endpoint->paused,
        .recycling = endpoint->recycle.running,
        .breaker_open = endpoint->breaker.opened_at != 0,
        .shedding = endpoint->shed.overloaded,
        .totals = endpoint->totals,
        .versions = versions,
    };
    list_each(link, &endpoint->versions) {
        const struct version *version = list_entry(link, struct version, link);
        view->totals.acquired += version_unfolded(version);
        copy_version(&versions[n++], version);
    }
    view->versions_count = n;
    return n;
}

static void copy(struct weir_snapshot *snapshot, const struct weir_registry *registry,
                 struct weir_version_view *versions, int64_t now)
{
    size_t n = 0;

    snapshot->generation = atomic_load(&registry->generation);
    snapshot->taken_at = now;
    snapshot->bad_releases = registry->bad_releases;
    for (size_t i = 0; i < registry->endpoints_count; i++) {
        const struct endpoint *endpoint = registry->endpoints[i];
        if (!is_shown(endpoint))
            continue;
        struct weir_connection_view *view = &snapshot->connections[n++];
        versions += copy_connection(view, endpoint, versions);
    }
    snapshot->connections_count = n;
}

/* One piece of memory: the snapshot, its connections, their versions. */
static struct weir_snapshot *allocate(size_t connections, size_t versions,
                                      struct weir_version_view **first)
{
    size_t size = sizeof(struct weir_snapshot) + connections * sizeof(struct weir_connection_view) +
                  versions * sizeof(struct weir_version_view);
    struct weir_snapshot *snapshot = calloc(1, size);

    if (snapshot == NULL)
        return NULL;
    snapshot->connections = (struct weir_connection_view *)(void *)(snapshot + 1);
    *first = (struct weir_version_view *)(void *)(snapshot->connections + connections);
    return snapshot;
}

int weir_snapshot_take(struct weir_registry *registry, struct weir_snapshot **out,
                       struct weir_error *error)
{
    size_t connections = 0, versions = 0, room = 0, versions_room = 0;
    struct weir_version_view *first = NULL;
    struct weir_snapshot *snapshot = NULL;
    int64_t now = registry_now(registry);

    *out = NULL;
    if (fork_left(registry->made))
        return fork_refuse(error);
    for (;;) {
        registry_lock(registry);
        count(registry, &connections, &versions);
        if (snapshot != NULL && connections <= room && versions <= versions_room) {
            copy(snapshot, registry, first, now);
            registry_unlock(registry);
            *out = snapshot;
            return 0;
        }
        registry_unlock(registry);
        free(snapshot);
        room = connections + 4;
        versions_room = versions + 8;
        snapshot = allocate(room, versions_room, &first);
        if (snapshot == NULL)
            return weir_fail(error, WEIR_ENOMEM, "out of memory");
    }
}

void weir_snapshot_free(struct weir_snapshot **snapshot)
{
    free(*snapshot);
    *snapshot = NULL;
}
