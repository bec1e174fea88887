/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the daemon says about itself in JSON.
 * Never does: quote a backend. Lock: none; it looks at snapshots.
 */
#include "status.h"

#include <jansson.h>
#include <string.h>

#include "clock.h"
#include "config.h"
#include "gateway.h"
#include "reload.h"

/*
 * A failed write counts against readiness for this long, unless one succeeds: who then gets no more
 * webhooks must become ready again by itself.
 */
#define STUCK_MEMORY (10 * CLOCK_SECOND)

/* What is failing is not healthy, whichever way it fails. */
static bool is_failing(const struct weir_version_view *version)
{
    return version->last_error.status != 0;
}

static bool is_down(const struct weir_version_view *version)
{
    return is_failing(version) && version->state == WEIR_VERSION_ACTIVE &&
           version->counts.idle + version->counts.leased == 0;
}

/* The pool may be well while nothing can be written: a full disk, a privilege, a lost table. */
static bool is_stuck(const struct dispatch_view *view)
{
    return view->trouble != WEIR_ECONFLICT && weir_remedy(view->trouble) != WEIR_REMEDY_NONE &&
           clock_now() - view->troubled_at < STUCK_MEMORY;
}

/* From microseconds since 1970. */
static json_t *stamp(int64_t wall_us)
{
    char text[CLOCK_STAMP_MAX];

    clock_stamp(wall_us, 3, text);
    return json_string(text);
}

/* The same from a monotonic time, by what both clocks say now; null for 0. */
static json_t *stamp_of(int64_t monotonic)
{
    if (monotonic == 0)
        return json_null();
    return stamp(clock_wall_us() + (monotonic - clock_now()) / 1000);
}

static json_t *error_of(const struct weir_version_view *version)
{
    if (!is_failing(version))
        return json_null();
    return json_pack("{s:s,s:s,s:o}", "code", weir_status_name(version->last_error.status),
                     "message", weir_strerror(version->last_error.status), "at",
                     stamp_of(version->last_error_at));
}

static json_t *trouble_of(const struct dispatch_view *view)
{
    if (view->trouble == 0)
        return json_null();
    return json_pack("{s:s,s:s,s:o}", "code", weir_status_name(view->trouble), "message",
                     weir_strerror(view->trouble), "at", stamp_of(view->troubled_at));
}

static unsigned writing_on(const struct dispatch_view *view, uint32_t version)
{
    for (size_t i = 0; i < view->versions_count; i++)
        if (view->versions[i].version == version)
            return view->versions[i].writing;
    return 0;
}

static json_t *size_of(const struct weir_version_view *version)
{
    const struct weir_counts *counts = &version->counts;
    unsigned open = counts->idle + counts->leased;

    return json_pack("{s:i,s:i,s:i,s:i,s:i,s:i,s:i}", "min", version->min, "max", version->max,
                     "open", open, "idle", counts->idle, "leased", counts->leased, "opening",
                     counts->opening, "closing", counts->closing);
}

static json_t *totals_of(const struct weir_totals *totals)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "acquired",
                     (json_int_t)totals->acquired, "timeouts", (json_int_t)totals->timeouts,
                     "opened", (json_int_t)totals->opened, "closed", (json_int_t)totals->closed,
                     "open_failures", (json_int_t)totals->open_failures, "refused",
                     (json_int_t)totals->refused, "unavailable", (json_int_t)totals->unavailable,
                     "shed", (json_int_t)totals->shed, "recycled", (json_int_t)totals->recycled);
}

/* Only the active version is waited for. */
static json_t *version_of(const struct weir_version_view *version, const char *type,
                          const struct dispatch_view *view)
{
    bool active = version->state == WEIR_VERSION_ACTIVE;
    json_t *object = json_pack(
        "{s:i,s:s,s:s,s:o,s:s,s:i,s:i,s:o,s:o,s:o}", "version", version->version, "type", type,
        "state", weir_version_state_name(version->state), "created_at",
        stamp_of(version->created_at), "config_sha256", version->config_sha256, "active_requests",
        writing_on(view, version->version) + (active ? view->waiting : 0), "waiting",
        active ? view->waiting : 0, "size", size_of(version), "totals", totals_of(&version->totals),
        "last_error", error_of(version));

    if (version->state == WEIR_VERSION_STAGING) {
        json_object_set_new(object, "probes", json_integer(version->probes));
        json_object_set_new(object, "reason",
                            is_failing(version)
                                ? json_string(weir_strerror(version->last_error.status))
                                : json_string("not proven yet"));
    }
    if (version->deprecated_at != 0) {
        json_object_set_new(object, "deprecated_at", stamp_of(version->deprecated_at));
        json_object_set_new(object, "closes_by", stamp_of(version->closes_by));
    }
    return object;
}

static json_t *queue_of(const struct dispatch_view *view)
{
    return json_pack("{s:i,s:I,s:i,s:i,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "waiting", view->waiting,
                     "waiting_bytes", (json_int_t)view->waiting_bytes, "writing", view->writing,
                     "lanes", view->lanes, "batches", (json_int_t)view->batches, "stored",
                     (json_int_t)view->stored, "rejected", (json_int_t)view->rejected, "retried",
                     (json_int_t)view->retried, "failed", (json_int_t)view->failed, "expired",
                     (json_int_t)view->expired, "last_error", trouble_of(view));
}

static json_t *connection_of(struct gateway *gateway, const struct weir_connection_view *connection)
{
    struct dispatch_view view;
    json_t *versions = json_array();

    dispatch_look(gateway->dispatch, connection->name, connection->type, &view);
    for (size_t i = 0; i < connection->versions_count; i++)
        json_array_append_new(versions,
                              version_of(&connection->versions[i], connection->type, &view));
    return json_pack("{s:s,s:i,s:i,s:b,s:b,s:b,s:b,s:b,s:o,s:o,s:o}", "type", connection->type,
                     "version", connection->version, "active_requests", view.waiting + view.writing,
                     "removed", connection->removed, "paused", connection->paused, "recycling",
                     connection->recycling, "breaker_open", connection->breaker_open, "shedding",
                     connection->shedding, "queue", queue_of(&view), "totals",
                     totals_of(&connection->totals), "versions", versions);
}

/* Each number of `more` onto the one of the same name. */
static void sum_up(json_t *sums, json_t *more)
{
    const char *key;
    json_t *value;

    json_object_foreach(more, key, value)
    {
        json_t *sum = json_object_get(sums, key);
        if (json_is_integer(sum))
            json_integer_set(sum, json_integer_value(sum) + json_integer_value(value));
    }
}

/* A name that has changed its type shows what is left of the old one among its versions. */
static void show(json_t *connections, const char *name, json_t *connection)
{
    json_t *other = json_object_get(connections, name);
    bool first = other == NULL || json_is_true(json_object_get(other, "removed"));
    json_t *face = first ? connection : other, *rest = first ? other : connection;

    if (rest != NULL) {
        json_array_extend(json_object_get(face, "versions"), json_object_get(rest, "versions"));
        sum_up(json_object_get(face, "queue"), json_object_get(rest, "queue"));
        sum_up(json_object_get(face, "totals"), json_object_get(rest, "totals"));
        json_integer_set(json_object_get(face, "active_requests"),
                         json_integer_value(json_object_get(face, "active_requests")) +
                             json_integer_value(json_object_get(rest, "active_requests")));
    }
    json_object_set(connections, name, face);
    json_decref(connection);
}

static bool cannot_store(struct gateway *gateway, const struct weir_connection_view *connection)
{
    struct dispatch_view view;
    bool down = false;

    dispatch_look(gateway->dispatch, connection->name, connection->type, &view);
    for (size_t i = 0; i < connection->versions_count; i++)
        down = down || is_down(&connection->versions[i]);
    return down || (!connection->removed && is_stuck(&view));
}

static void count_pools(struct gateway *gateway, const struct weir_snapshot *snapshot,
                        unsigned counts[], bool *degraded)
{
    for (size_t i = 0; i < snapshot->connections_count; i++) {
        const struct weir_connection_view *connection = &snapshot->connections[i];
        for (size_t j = 0; j < connection->versions_count; j++) {
            counts[connection->versions[j].state]++;
            *degraded = *degraded || is_failing(&connection->versions[j]);
        }
        *degraded = *degraded || cannot_store(gateway, connection);
    }
}

static json_t *config_of(struct gateway *gateway, const struct config *config)
{
    struct reload_last last;

    reload_look(gateway->reload, &last);
    return json_pack("{s:I,s:o,s:{s:b,s:o,s:o}}", "generation", (json_int_t)config->generation,
                     "loaded_at", stamp(config->loaded_at), "last_reload", "ok", last.ok, "at",
                     last.at == 0 ? json_null() : stamp(last.at), "error",
                     last.error[0] == '\0' ? json_null() : json_string(last.error));
}

static char *dump(json_t *root, size_t *len)
{
    char *text = root == NULL ? NULL : json_dumps(root, JSON_INDENT(1));

    json_decref(root);
    *len = text == NULL ? 0 : strlen(text);
    return text;
}

char *status_text(struct gateway *gateway, const struct config *config, size_t *len)
{
    struct weir_snapshot *snapshot;
    unsigned counts[WEIR_VERSION_REJECTED + 1] = {0};
    bool degraded = false;
    json_t *connections = json_object();

    *len = 0;
    if (weir_snapshot_take(gateway->registry, &snapshot, NULL) != 0) {
        json_decref(connections);
        return NULL;
    }
    count_pools(gateway, snapshot, counts, &degraded);
    for (size_t i = 0; i < snapshot->connections_count; i++)
        show(connections, snapshot->connections[i].name,
             connection_of(gateway, &snapshot->connections[i]));
    weir_snapshot_free(&snapshot);
    double uptime = (double)(clock_now() - gateway->started_at) / (double)CLOCK_SECOND;
    return dump(
        json_pack("{s:s,s:f,s:o,s:{s:i,s:i,s:i},s:i,s:o}", "status", degraded ? "degraded" : "ok",
                  "uptime_seconds", uptime, "config", config_of(gateway, config), "pools", "active",
                  counts[WEIR_VERSION_ACTIVE], "deprecated", counts[WEIR_VERSION_DEPRECATED],
                  "staging", counts[WEIR_VERSION_STAGING], "active_requests",
                  (int)atomic_load(&gateway->metrics.active), "connections", connections),
        len);
}

char *status_ready(struct gateway *gateway, bool *ready, size_t *len)
{
    struct weir_snapshot *snapshot;
    json_t *failing = json_array();

    *ready = false;
    if (weir_snapshot_take(gateway->registry, &snapshot, NULL) != 0)
        return dump(json_pack("{s:s,s:o}", "status", "unknown", "failing", failing), len);
    for (size_t i = 0; i < snapshot->connections_count; i++) {
        const struct weir_connection_view *connection = &snapshot->connections[i];
        if (cannot_store(gateway, connection))
            json_array_append_new(failing, json_string(connection->name));
    }
    weir_snapshot_free(&snapshot);
    bool stopping = atomic_load(&gateway->stopping);
    *ready = !stopping && json_array_size(failing) == 0;
    const char *word = *ready ? "ready" : stopping ? "shutting-down" : "failing";
    return dump(json_pack("{s:s,s:o}", "status", word, "failing", failing), len);
}
