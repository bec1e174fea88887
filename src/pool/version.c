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
#include "word.h"

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
        .leak_timeout = span_of(settings, "leak_timeout", 60),
        .strict = weir_settings_boolean(settings, "strict", false),
        .breaker_after = span_of(settings, "breaker_after", 5),
        .shed_target = span_of(settings, "shed_target", 0),
        .shed_interval = span_of(settings, "shed_interval", 2),
    };

    if (limits.min > limits.max)
        limits.min = limits.max;
    return limits;
}

struct version *version_new(struct endpoint *endpoint, struct weir_settings *settings)
{
    struct limits limits = limits_of(settings, endpoint->driver);
    struct version *version = calloc(1, sizeof(*version));
    uint8_t digest[SHA256_LEN];

    if (version == NULL)
        return NULL;
    if (!slots_extend(endpoint, limits.max, &version->slots)) {
        free(version);
        return NULL;
    }
    version->endpoint = endpoint;
    version->settings = weir_settings_ref(settings);
    version->limits = limits;
    version->state = WEIR_VERSION_STAGING;
    list_init(&version->link);
    for (int state = 0; state < CONN_STATES; state++)
        list_init(&version->conns[state]);
    settings_hash(settings, endpoint->registry->digest_key, SHA256_LEN, digest);
    sha256_hex(digest, version->digest);
    return version;
}

bool version_same_kin(const struct version *a, const struct version *b)
{
    return a != NULL && b != NULL && settings_same_kin(a->settings, b->settings);
}

void version_resize(struct version *version, struct version *from)
{
    struct weir_settings *old = version->settings;

    version->settings = from->settings;
    from->settings = old;
    version->limits = from->limits;
    memcpy(version->digest, from->digest, sizeof(version->digest));
}

/* ---- Counting -------------------------------------------------------------------------------- */

unsigned version_idle(const struct version *version)
{
    unsigned idle = 0;

    list_each(link, &version->conns[CONN_LIVE]) {
        const struct conn *conn = list_entry(link, struct conn, link);
        idle += word_state(word_read(&conn->word)) == WORD_IDLE;
    }
    return idle;
}

struct weir_counts version_counts(const struct version *version)
{
    const unsigned *counts = version->counts;
    unsigned idle = version_idle(version);

    return (struct weir_counts){.idle = idle + counts[CONN_STALE] + counts[CONN_CHECKING],
                                .leased = counts[CONN_LIVE] - idle,
                                .opening = counts[CONN_OPENING],
                                .closing = counts[CONN_CLOSING]};
}

uint64_t version_unfolded(const struct version *version)
{
    uint64_t sum = 0;

    for (int state = 0; state < CONN_STATES; state++) {
        list_each(link, &version->conns[state])
            sum += conn_acquired(list_entry(link, struct conn, link));
    }
    return sum;
}

/* ---- Life ------------------------------------------------------------------------------------ */

void version_free(struct version **at)
{
    struct version *version = *at;

    *at = NULL;
    if (version == NULL)
        return;
    slots_free(&version->slots);
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
    unsigned count = version->counts[CONN_STALE];

    list_each_safe(link, &version->conns[CONN_STALE])
        conn_close(list_entry(link, struct conn, link));
    list_each_safe(link, &version->conns[CONN_LIVE]) {
        struct conn *conn = list_entry(link, struct conn, link);
        if (!conn_claim(conn))
            continue;
        conn_close(conn);
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

/* From here on none of it can be leased: what is idle closes, what is out comes back here. */
static void recall_all(struct version *version)
{
    list_each_safe(link, &version->conns[CONN_LIVE]) {
        struct conn *conn = list_entry(link, struct conn, link);
        if (conn_recall(conn))
            conn_close(conn);
    }
    version_close_idle(version);
}

static void end_all(struct version *version, enum weir_version_state state)
{
    version->state = state;
    forget_opening(version);
    recall_all(version);
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
    unsigned count = interrupt_all(version, CONN_LIVE);
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
