/* SPDX-License-Identifier: MIT */
/*
 * Owns: the way from a configuration to a change of the registry, and telling what it did.
 * Never does: commit, or wait; reload.c does both. Lock: none.
 */
#include "apply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "source.h"

static const char connections_file[] = "connections.json";

struct effects *effects_new(const struct config *config, const struct config *old)
{
    size_t count = config->connections_count + (old == NULL ? 0 : old->connections_count);
    struct effects *effects = calloc(1, sizeof(struct effects) + count * sizeof(effects->items[0]));

    return effects;
}

/* ---- Filling --------------------------------------------------------------------------------- */

static int set_one(struct weir_change *change, const struct config_connection *connection,
                   struct problems *problems)
{
    struct weir_error error = {.status = 0};
    char base[SOURCE_POINTER_MAX], pointer[SOURCE_POINTER_MAX];
    int status = weir_change_set(change, connection->name, connection->settings, &error);

    if (status == 0)
        return 0;
    source_pointer(base, "", connection->name);
    source_pointer(pointer, base, error.key);
    problems_add(problems, connections_file, 0, error.key[0] == '\0' ? base : pointer,
                 error.key[0] == '\0' ? NULL : error.key, "%s", error.detail);
    return status;
}

static int drop_one(struct weir_change *change, const char *name, struct problems *problems)
{
    struct weir_error error = {.status = 0};
    char pointer[SOURCE_POINTER_MAX];
    int status = weir_change_drop(change, name, &error);

    if (status == 0)
        return 0;
    source_pointer(pointer, "", name);
    problems_add(problems, connections_file, 0, pointer, NULL, "%s", error.detail);
    return status;
}

static void note(struct effects *effects, struct weir_change *change, const char *name)
{
    if (effects != NULL)
        effects->items[effects->count++] =
            (struct effect){.name = name, .outcome = weir_change_outcome(change, name)};
}

int apply_drivers(struct weir_registry *registry, struct weir_error *error)
{
    const struct weir_driver *drivers[BACKENDS_MAX];
    size_t count = backends_all(drivers);
    int status = 0;

    for (size_t i = 0; i < count && status == 0; i++)
        if (weir_registry_driver(registry, drivers[i]->name) == NULL)
            status = weir_registry_add_driver(registry, drivers[i], error);
    return status;
}

int apply_fill(struct weir_change *change, const struct config *config, const struct config *old,
               struct effects *effects, struct problems *problems)
{
    for (size_t i = 0; i < config->connections_count; i++) {
        const struct config_connection *connection = &config->connections[i];
        int status = set_one(change, connection, problems);
        if (status != 0)
            return status;
        note(effects, change, connection->name);
    }
    for (size_t i = 0; old != NULL && i < old->connections_count; i++) {
        const char *name = old->connections[i].name;
        if (config_connection_find(config, name) != NULL)
            continue;
        int status = drop_one(change, name, problems);
        if (status != 0)
            return status;
        note(effects, change, name);
    }
    return 0;
}

/* ---- Looking --------------------------------------------------------------------------------- */

static void look_at(struct effect *effect, const struct weir_connection_view *view)
{
    bool staging = false;

    effect->version = view->version;
    for (size_t i = 0; i < view->versions_count; i++) {
        const struct weir_version_view *version = &view->versions[i];
        if (version->state != WEIR_VERSION_STAGING)
            continue;
        staging = true;
        effect->probed = version->probes > 0;
        effect->reason = version->last_error.status;
    }
    if (effect->outcome == WEIR_OUTCOME_STAGING && !staging)
        effect->outcome = WEIR_OUTCOME_MIGRATED;
}

/* The view of that name; a name may stand twice, once with its type of old, draining. */
static const struct weir_connection_view *view_of(const struct weir_snapshot *snapshot,
                                                  const struct effect *effect)
{
    bool removed = effect->outcome == WEIR_OUTCOME_REMOVED;

    for (size_t i = 0; i < snapshot->connections_count; i++) {
        const struct weir_connection_view *view = &snapshot->connections[i];
        if (view->removed == removed && strcmp(view->name, effect->name) == 0)
            return view;
    }
    return NULL;
}

bool effects_look(struct effects *effects, struct weir_registry *registry)
{
    struct weir_snapshot *snapshot;
    bool all = true;

    if (weir_snapshot_take(registry, &snapshot, NULL) != 0)
        return false;
    for (size_t i = 0; i < effects->count; i++) {
        struct effect *effect = &effects->items[i];
        const struct weir_connection_view *view = view_of(snapshot, effect);
        if (view != NULL)
            look_at(effect, view);
        all = all && (effect->outcome != WEIR_OUTCOME_STAGING || effect->probed);
    }
    weir_snapshot_free(&snapshot);
    return all;
}

bool effects_proven(const struct effects *effects)
{
    for (size_t i = 0; i < effects->count; i++)
        if (effects->items[i].outcome == WEIR_OUTCOME_STAGING)
            return false;
    return true;
}

int64_t effects_patience(const struct effects *effects, const struct config *config)
{
    int64_t longest = 0;

    for (size_t i = 0; i < effects->count; i++) {
        const struct effect *effect = &effects->items[i];
        if (effect->outcome != WEIR_OUTCOME_STAGING)
            continue;
        int64_t patience = config_connection_find(config, effect->name)->connect_timeout;
        longest = patience > longest ? patience : longest;
    }
    return longest;
}

/* ---- Telling --------------------------------------------------------------------------------- */

static const char *reason_of(const struct effect *effect)
{
    return effect->reason == 0 ? "not proven yet" : weir_strerror(effect->reason);
}

void effects_problems(const struct effects *effects, struct problems *problems)
{
    char pointer[SOURCE_POINTER_MAX];

    for (size_t i = 0; i < effects->count; i++) {
        const struct effect *effect = &effects->items[i];
        if (effect->outcome != WEIR_OUTCOME_STAGING)
            continue;
        source_pointer(pointer, "", effect->name);
        problems_add(problems, connections_file, 0, pointer, NULL,
                     "connection %s could not be proven: %s", effect->name, reason_of(effect));
    }
}

static json_t *effect_json(const struct effect *effect)
{
    static const char *const names[] = {
        [WEIR_OUTCOME_UNCHANGED] = "unchanged", [WEIR_OUTCOME_ADDED] = "added",
        [WEIR_OUTCOME_REMOVED] = "removed",     [WEIR_OUTCOME_MIGRATED] = "migrated",
        [WEIR_OUTCOME_RESIZED] = "resized",     [WEIR_OUTCOME_STAGING] = "staging"};
    json_t *one =
        json_pack("{s:s,s:i}", "outcome", names[effect->outcome], "version", effect->version);

    if (effect->outcome == WEIR_OUTCOME_STAGING)
        json_object_set_new(one, "reason", json_string(reason_of(effect)));
    if (effect->outcome == WEIR_OUTCOME_STAGING && effect->reason != 0)
        json_object_set_new(one, "code", json_string(weir_status_name(effect->reason)));
    return one;
}

json_t *effects_json(const struct effects *effects)
{
    json_t *object = json_object();

    for (size_t i = 0; i < effects->count; i++)
        json_object_set_new(object, effects->items[i].name, effect_json(&effects->items[i]));
    return object;
}
