/* SPDX-License-Identifier: MIT */
/*
 * Owns: the life of one version: made, enlisted, failing, deprecated, expired, buried.
 * Never does: choose between versions (endpoint.c, change.c).
 * Lock: the registry's, held by the caller, but for version_new and version_free.
 */
#include "pool.h"

#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "settings.h"

static int64_t span_of(const struct weir_settings *settings, const char *key, double fallback)
{
    return clock_from_seconds(weir_settings_seconds(settings, key, fallback));
}

static struct limits limits_of(const struct weir_settings *settings,
                               const struct weir_driver *driver)
{
    struct limits limits = {
        .min = (unsigned)weir_settings_integer(settings, "pool_min_size", driver->min_size),
        .max = (unsigned)weir_settings_integer(settings, "pool_max_size", driver->max_size),
        .max_waiters = (unsigned)weir_settings_integer(settings, "max_waiters", WEIR_WAITERS_MAX),
        .connect_timeout = span_of(settings, "connect_timeout", 5),
        .idle_timeout = span_of(settings, "idle_timeout", 600),
        .max_lifetime = span_of(settings, "max_lifetime", 1800),
        .keepalive_interval = span_of(settings, "keepalive_interval", 60),
    };

    if (limits.min > limits.max)
        limits.min = limits.max;
    return limits;
}

static void init_conn(struct version *version, struct conn *conn)
{
    conn->version = version;
    conn->state = CONN_FREE;
    conn->task.conn = conn->stop.conn = conn;
    list_init(&conn->leased);
    list_init(&conn->task.link);
    list_init(&conn->stop.link);
    list_push_back(&version->conns[CONN_FREE], &conn->link);
    version->counts[CONN_FREE]++;
}

struct version *version_new(struct endpoint *endpoint, struct weir_settings *settings)
{
    struct limits limits = limits_of(settings, endpoint->driver);
    struct version *version = calloc(1, sizeof(*version) + limits.max * sizeof(struct conn));
    uint8_t digest[SHA256_LEN];

    if (version == NULL)
        return NULL;
    version->endpoint = endpoint;
    version->settings = weir_settings_ref(settings);
    version->limits = limits;
    version->state = WEIR_VERSION_STAGING;
    list_init(&version->link);
    for (int state = 0; state < CONN_STATES; state++)
        list_init(&version->conns[state]);
    for (unsigned i = 0; i < limits.max; i++)
        init_conn(version, &version->memory[i]);
    settings_hash(settings, endpoint->registry->digest_key, SHA256_LEN, digest);
    sha256_hex(digest, version->digest);
    return version;
}

void version_free(struct version **at)
{
    struct version *version = *at;

    *at = NULL;
    if (version == NULL)
        return;
    weir_settings_unref(&version->settings);
    free(version);
}

void version_enlist(struct version *version, enum weir_version_state state, int64_t now)
{
    struct endpoint *endpoint = version->endpoint;

    endpoint->last_number = registry_next_number(endpoint->registry, endpoint->name);
    version->number = endpoint->last_number;
    version->state = state;
    version->created_at = now;
    list_push_front(&endpoint->versions, &version->link);
}

unsigned version_close_idle(struct version *version)
{
    unsigned count = 0;

    list_each_safe(link, &version->conns[CONN_IDLE]) {
        conn_close(list_entry(link, struct conn, link));
        count++;
    }
    return count;
}

void version_retire(struct version *version, const struct weir_error *error, int64_t now)
{
    unsigned count = version_close_idle(version);

    events_add(version->endpoint->registry, WEIR_EVENT_CONNECTIONS_RETIRED, version->endpoint,
               version->number, count, error, now);
}

/* An opening that has not begun is forgotten; one under way is compared when it arrives. */
static void forget_opening(struct version *version)
{
    list_each_safe(link, &version->conns[CONN_OPENING]) {
        struct conn *conn = list_entry(link, struct conn, link);
        if (conn->task.queued)
            conn_close(conn);
    }
}

static void end_all(struct version *version, enum weir_version_state state)
{
    version->state = state;
    forget_opening(version);
    version_close_idle(version);
    list_each_safe(link, &version->conns[CONN_CHECKING])
        conn_close(list_entry(link, struct conn, link));
}

void version_deprecate(struct version *version, int64_t closes_by, int64_t now)
{
    version->deprecated_at = now;
    version->closes_by = closes_by;
    end_all(version, WEIR_VERSION_DEPRECATED);
    events_add(version->endpoint->registry, WEIR_EVENT_VERSION_DEPRECATED, version->endpoint,
               version->number, 0, NULL, now);
}

void version_reject(struct version *version, int64_t now)
{
    end_all(version, WEIR_VERSION_REJECTED);
    events_add(version->endpoint->registry, WEIR_EVENT_VERSION_REJECTED, version->endpoint,
               version->number, 0, &version->last_error, now);
    version_bury(version, now);
}

static unsigned interrupt_all(struct version *version, enum conn_state state)
{
    unsigned count = 0;

    list_each(link, &version->conns[state]) {
        struct conn *conn = list_entry(link, struct conn, link);
        count += !conn->interrupted;
        conn_interrupt(conn);
    }
    return count;
}

void version_expire(struct version *version, int64_t now)
{
    if (version->expired)
        return;
    version->expired = true;
    interrupt_all(version, CONN_OPENING);
    unsigned count = interrupt_all(version, CONN_LEASED) + interrupt_all(version, CONN_RESETTING);
    if (count > 0)
        events_add(version->endpoint->registry, WEIR_EVENT_VERSION_EXPIRED, version->endpoint,
                   version->number, count, NULL, now);
}

void version_bury(struct version *version, int64_t now)
{
    struct endpoint *endpoint = version->endpoint;
    struct weir_registry *registry = endpoint->registry;
    bool ended =
        version->state == WEIR_VERSION_DEPRECATED || version->state == WEIR_VERSION_REJECTED;

    if (!ended || version->held > 0 || version == endpoint->legacy)
        return;
    if (version->state == WEIR_VERSION_DEPRECATED) {
        version->state = WEIR_VERSION_CLOSED;
        events_add(registry, WEIR_EVENT_VERSION_CLOSED, endpoint, version->number, 0, NULL, now);
    }
    list_remove(&version->link);
    list_push_back(&registry->garbage, &version->link);
}

/* ---- Failures and back-off ------------------------------------------------------------------- */

/* Decorrelated jitter: a random step between the minimum and three times the last one. */
static int64_t back_off(struct version *version, int64_t last)
{
    int64_t top = last > POOL_BACKOFF_MIN ? last : POOL_BACKOFF_MIN;
    int64_t step = random_between(&version->endpoint->registry->random, POOL_BACKOFF_MIN, 3 * top);

    return clock_min(step, POOL_BACKOFF_MAX);
}

/* A probe costs callers a slot while it lasts: pause many times as long as it took. */
static void probe_failed(struct version *version, int64_t now)
{
    struct probe *probe = &version->probe;
    int64_t cost = probe->started_at == 0 ? 0 : now - probe->started_at;

    probe->backoff = back_off(version, probe->backoff);
    int64_t pause = cost * POOL_PROBE_COST;
    probe->next_at = clock_add(now, pause > probe->backoff ? pause : probe->backoff);
    probe->started_at = 0;
    probe->claimed = false;
}

void version_open_failed(struct version *version, const struct weir_error *error, int64_t now)
{
    struct endpoint *endpoint = version->endpoint;
    bool first = !version->failing || version->last_error.status != error->status;

    version->totals.open_failures++;
    endpoint->totals.open_failures++;
    version->failing = true;
    version->last_error = *error;
    version->last_error_at = now;
    if (version == endpoint->staging) {
        probe_failed(version, now);
        events_add(endpoint->registry, WEIR_EVENT_PROBE_FAILED, endpoint, version->number, 0, error,
                   now);
        return;
    }
    version->backoff = back_off(version, version->backoff);
    version->retry_at = clock_add(now, version->backoff);
    if (first)
        events_add(endpoint->registry, WEIR_EVENT_OPEN_FAILED, endpoint, version->number, 0, error,
                   now);
    if (weir_remedy(error->status) == WEIR_REMEDY_RETIRE)
        version_retire(version, error, now);
}

void version_open_succeeded(struct version *version, int64_t now)
{
    struct endpoint *endpoint = version->endpoint;

    if (version->failing && version != endpoint->staging)
        events_add(endpoint->registry, WEIR_EVENT_OPEN_RECOVERED, endpoint, version->number, 0,
                   NULL, now);
    version->failing = false;
    version->robbed = false;
    version->retry_at = version->backoff = 0;
    version->last_error = (struct weir_error){.status = 0};
    version->last_error_at = 0;
}
