/* SPDX-License-Identifier: MIT */
/*
 * Owns: which version of a connection serves, what is opened and for whom: endpoint_settle is the
 * one place that looks at the waiters, the probe, the minimum and the budget.
 * Never does: call a driver or a callback.
 * Lock: the registry's, held by the caller.
 */
#include "pool.h"

#include <stdlib.h>
#include <string.h>

struct endpoint *endpoint_new(struct weir_registry *registry, const char *name,
                              const struct weir_driver *driver)
{
    struct endpoint *endpoint = aligned_alloc(POOL_LINE, sizeof(*endpoint));

    if (endpoint == NULL)
        return NULL;
    memset(endpoint, 0, sizeof(*endpoint));
    endpoint->name = strdup(name);
    if (endpoint->name == NULL) {
        free(endpoint);
        return NULL;
    }
    endpoint->registry = registry;
    endpoint->driver = driver;
    endpoint->hash = directory_hash(name);
    atomic_init(&endpoint->attention, ATTENTION_ALL | ATTENTION_GONE);
    endpoint->due = endpoint->waiters_due = endpoint->ageing_due = CLOCK_NEVER;
    list_init(&endpoint->tenures);
    list_init(&endpoint->versions);
    list_init(&endpoint->waiters);
    list_init(&endpoint->errands);
    list_init(&endpoint->ready);
    return endpoint;
}

void endpoint_free(struct endpoint **at)
{
    struct endpoint *endpoint = *at;

    *at = NULL;
    if (endpoint == NULL)
        return;
    version_free(&endpoint->unused);
    slots_free_all(endpoint);
    tenure_free_all(endpoint);
    free(endpoint->name);
    free(endpoint);
}

struct version *endpoint_serving(const struct endpoint *endpoint)
{
    if (endpoint->active != NULL)
        return endpoint->active;
    if (endpoint->legacy != NULL && !endpoint->legacy->expired)
        return endpoint->legacy;
    return NULL;
}

/* Backend connections the server may see now, over all versions. */
static unsigned budget_of(const struct endpoint *endpoint)
{
    const struct version *serving = endpoint_serving(endpoint);

    return serving == NULL ? 0 : serving->limits.max;
}

/* ---- Changing versions ---------------------------------------------------------------------- */

void endpoint_configure(struct endpoint *endpoint, struct version *version)
{
    if (endpoint->unused != NULL)
        list_push_back(&endpoint->registry->garbage, &endpoint->unused->link);
    endpoint->unused = version;
}

void endpoint_use(struct endpoint *endpoint, int64_t now)
{
    struct version *version = endpoint->unused;

    endpoint->unused = NULL;
    if (endpoint->removed) {
        version_enlist(version, WEIR_VERSION_DEPRECATED, now);
        version->deprecated_at = now;
        version->closes_by = endpoint->removed_by;
        endpoint->legacy = version;
    } else {
        version_enlist(version, WEIR_VERSION_ACTIVE, now);
        endpoint->active = version;
    }
    events_add(endpoint->registry, WEIR_EVENT_POOL_CREATED, endpoint, version->number, 0, NULL,
               now);
}

void endpoint_forget_legacy(struct endpoint *endpoint, int64_t now)
{
    struct version *legacy = endpoint->legacy;

    endpoint->legacy = NULL;
    if (legacy != NULL)
        version_bury(legacy, now);
}

static void retire_active(struct endpoint *endpoint, int64_t closes_by, int64_t now)
{
    struct version *old = endpoint->active;

    endpoint->active = NULL;
    if (old == NULL)
        return;
    version_deprecate(old, closes_by, now);
    version_bury(old, now);
}

/*
 * A probe that had to wait for a slot has used up a part of the migration timeout: the old
 * version's leases end when it would have ended, had the probe found a slot at once.
 */
static int64_t closes_by_after(const struct endpoint *endpoint, const struct probe *probe,
                               int64_t now)
{
    int64_t from = probe->slot_wait_from == 0 ? now : probe->slot_wait_from;
    int64_t closes_by = clock_add(from, endpoint->registry->options.migration_timeout);

    return closes_by > now ? closes_by : now;
}

void endpoint_switch(struct endpoint *endpoint, int64_t now)
{
    struct version *next = endpoint->staging;

    endpoint->staging = NULL;
    next->state = WEIR_VERSION_ACTIVE;
    events_add(endpoint->registry, WEIR_EVENT_VERSION_SWITCHED, endpoint, next->number, 0, NULL,
               now);
    retire_active(endpoint, closes_by_after(endpoint, &next->probe, now), now);
    endpoint->active = next;
}

void endpoint_stage(struct endpoint *endpoint, struct version *version, int64_t now)
{
    struct version *old = endpoint->staging;

    endpoint->staging = NULL;
    if (old != NULL)
        version_reject(old, now);
    if (version == NULL)
        return;
    version_enlist(version, WEIR_VERSION_STAGING, now);
    endpoint->staging = version;
    events_add(endpoint->registry, WEIR_EVENT_VERSION_STAGED, endpoint, version->number, 0, NULL,
               now);
}

void endpoint_come_back(struct endpoint *endpoint, struct version *version, int64_t now)
{
    endpoint_stage(endpoint, NULL, now);
    version->state = WEIR_VERSION_ACTIVE;
    endpoint_forget_legacy(endpoint, now);
    version->deprecated_at = version->closes_by = 0;
    version->failing = false;
    version->retry_at = version->backoff = 0;
    events_add(endpoint->registry, WEIR_EVENT_VERSION_CAME_BACK, endpoint, version->number, 0, NULL,
               now);
    retire_active(endpoint, clock_add(now, endpoint->registry->options.migration_timeout), now);
    endpoint->active = version;
    recycle_come_back(endpoint, version);
}

/* More than the new maximum: idle ones close now, and so many of those that are out as come back.
 */
static void shrink(struct endpoint *endpoint)
{
    struct version *active = endpoint->active;

    while (active->held - active->counts[CONN_CLOSING] > active->limits.max) {
        struct conn *conn = conn_claim_any(active);
        if (conn == NULL)
            break;
        conn_close(conn);
    }
    if (active->held - active->counts[CONN_CLOSING] <= active->limits.max)
        return;
    list_each_safe(link, &active->conns[CONN_LIVE]) {
        struct conn *conn = list_entry(link, struct conn, link);
        if (conn_recall(conn))
            conn_close(conn);
    }
}

void endpoint_resize(struct endpoint *endpoint, struct version *from, int64_t now)
{
    struct version *active = endpoint->active;

    version_resize(active, from);
    shrink(endpoint);
    endpoint->ageing_due = clock_min(endpoint->ageing_due, now);
    events_add(endpoint->registry, WEIR_EVENT_POOL_RESIZED, endpoint, active->number,
               active->limits.max, NULL, now);
}

void endpoint_remove(struct endpoint *endpoint, int64_t now)
{
    struct version *last = endpoint->active;

    endpoint->removed = true;
    endpoint->paused = endpoint->recycle.running = false;
    tenure_end(endpoint);
    endpoint->removed_by = clock_add(now, endpoint->registry->options.migration_timeout);
    endpoint_stage(endpoint, NULL, now);
    endpoint->legacy = last; /* before it ends, so that it is not buried */
    retire_active(endpoint, endpoint->removed_by, now);
}

void endpoint_close(struct endpoint *endpoint, int64_t now)
{
    int64_t by = endpoint->registry->close_by;

    endpoint->paused = endpoint->recycle.running = false;
    waiter_fail_all(endpoint, WEIR_ECLOSED);
    endpoint_configure(endpoint, NULL);
    endpoint_stage(endpoint, NULL, now);
    retire_active(endpoint, by, now);
    endpoint_forget_legacy(endpoint, now);
    list_each(link, &endpoint->versions) {
        struct version *version = list_entry(link, struct version, link);
        version->closes_by = clock_min(version->closes_by, by);
    }
    endpoint_settle(endpoint, now);
}

/* ---- Settling: waiters ----------------------------------------------------------------------- */

/* An idle one that may be leased at once, claimed: what became live last first. */
static struct conn *claim_live(const struct version *version)
{
    list_each(link, &version->conns[CONN_LIVE]) {
        struct conn *conn = list_entry(link, struct conn, link);
        if (conn_claim(conn))
            return conn;
    }
    return NULL;
}

/* So many of the oldest as there are idle ones, within bounds, are woken to take them. */
static void invite(struct endpoint *endpoint, const struct version *version)
{
    unsigned idle = version_idle(version);

    list_each(link, &endpoint->waiters) {
        struct waiter *waiter = list_entry(link, struct waiter, link);
        if (endpoint->nudged >= idle || endpoint->nudged >= POOL_NUDGES_MAX ||
            waiter->nudge == NULL)
            return;
        if (!waiter->nudged)
            waiter_nudge(waiter);
    }
}

/*
 * Whoever has waited for long, or cannot look for itself, is handed the next one. Before that, a
 * running thread may take it while the oldest waiter wakes up: handing each one over to a thread
 * that sleeps would make everybody as slow as the scheduler.
 */
static void serve(struct endpoint *endpoint, struct version *version, int64_t now)
{
    while (endpoint->waiting > 0) {
        struct waiter *oldest = list_entry(list_first(&endpoint->waiters), struct waiter, link);
        if (oldest != endpoint->awake && waiter_yields(oldest, now)) {
            invite(endpoint, version);
            break;
        }
        struct conn *conn = claim_live(version);
        if (conn == NULL)
            break;
        waiter_grant(oldest, conn, now);
    }
    while (version->counts[CONN_CHECKING] < endpoint->waiting && version->counts[CONN_STALE] > 0)
        conn_check(list_entry(list_first(&version->conns[CONN_STALE]), struct conn, link));
}

/* ---- Settling: the probe --------------------------------------------------------------------- */

/* Nothing of it is left, and what it last tried to open failed: there is nothing to protect. */
static bool cannot_serve(const struct version *version)
{
    unsigned left = version->held - version->counts[CONN_CLOSING] - version->counts[CONN_OPENING];

    return version->failing && left == 0 && !version->robbed;
}

static void rob(struct endpoint *endpoint, struct conn *conn)
{
    endpoint->staging->probe.claimed = true;
    endpoint->active->robbed = true;
    conn_close(conn);
}

/* A lease that has outlasted the patience; it may have been returned this very moment. */
static void push(struct endpoint *endpoint, struct conn *conn)
{
    if (conn_recall(conn)) {
        rob(endpoint, conn);
        return;
    }
    endpoint->staging->probe.pushed = true;
    conn_interrupt(conn);
}

/*
 * The budget is full: one idle conn gives way. If there is none, the next that comes back is idle
 * for as long as it takes to come here, ahead of the waiters.
 */
static void wait_for_slot(struct endpoint *endpoint, int64_t now)
{
    struct probe *probe = &endpoint->staging->probe;
    struct version *active = endpoint->active;
    int64_t patience = endpoint->registry->options.migration_timeout;

    if (probe->slot_wait_from == 0)
        probe->slot_wait_from = now;
    struct conn *idle = probe->claimed ? NULL : conn_claim_any(active);
    if (idle != NULL)
        rob(endpoint, idle);
    if (probe->claimed || probe->pushed || now < clock_add(probe->slot_wait_from, patience) ||
        active->counts[CONN_LIVE] == 0)
        return;
    push(endpoint, list_entry(list_last(&active->conns[CONN_LIVE]), struct conn, link));
}

static void prove(struct endpoint *endpoint, int64_t now)
{
    struct version *staging = endpoint->staging;
    struct probe *probe = &staging->probe;

    if (cannot_serve(endpoint->active)) {
        endpoint_switch(endpoint, now);
        return;
    }
    if (probe->running || now < probe->next_at || staging->held > 0)
        return;
    if (probe->started_at == 0)
        probe->started_at = now;
    if (endpoint->held >= budget_of(endpoint)) {
        wait_for_slot(endpoint, now);
    } else if (endpoint->opening < POOL_OPENS_MAX) {
        probe->running = true;
        conn_open(staging, true);
    }
}

/* ---- Settling: growth ------------------------------------------------------------------------ */

static unsigned lacking(unsigned wanted, unsigned have)
{
    return wanted > have ? wanted - have : 0;
}

/* How many more backend connections would be of use now. */
static unsigned wanted(const struct endpoint *endpoint, const struct version *version)
{
    unsigned coming = version->counts[CONN_OPENING] + version->counts[CONN_CHECKING];
    unsigned idle =
        endpoint->nudged > 0 ? version_idle(version) : 0; /* who is waking up takes it */
    unsigned live = version->held - version->counts[CONN_CLOSING];
    unsigned for_waiters = endpoint->paused ? 0 : lacking(endpoint->waiting, coming + idle);
    unsigned for_minimum = endpoint->removed ? 0 : lacking(version->limits.min, live);

    if (for_waiters == 0 && (endpoint->breaker.opened_at != 0 || recycle_wants(endpoint)))
        for_waiters = lacking(1, version->counts[CONN_OPENING]);
    return for_waiters > for_minimum ? for_waiters : for_minimum;
}

static void grow(struct endpoint *endpoint, struct version *version, int64_t now)
{
    unsigned count = wanted(endpoint, version);

    if (now < version->retry_at)
        return;
    if (version->failing)
        count = version->counts[CONN_OPENING] > 0 ? 0 : count > 0;
    for (; count > 0; count--) {
        if (endpoint->opening >= POOL_OPENS_MAX || endpoint->held >= version->limits.max)
            return;
        conn_open(version, false);
    }
}

/* ---- Settling: what was removed -------------------------------------------------------------- */

/* Once nobody is left who might still lease from it, it goes as any deprecated version does. */
static void let_go(struct endpoint *endpoint, int64_t now)
{
    struct version *legacy = endpoint->legacy;
    bool over = now >= endpoint->removed_by ||
                !registry_pinned_before(endpoint->registry, tenure_ended_at(endpoint));

    if (over && now >= endpoint->removed_by)
        waiter_fail_all(endpoint, WEIR_EUNKNOWN);
    if (legacy != NULL && endpoint->waiting == 0)
        version_close_idle(legacy);
    if (!over || endpoint->waiting > 0)
        return;
    endpoint_configure(endpoint, NULL);
    endpoint_forget_legacy(endpoint, now);
}

/* ---- Settling: when to look again ------------------------------------------------------------ */

static int64_t probe_due(const struct endpoint *endpoint, int64_t now)
{
    const struct probe *probe = &endpoint->staging->probe;

    if (probe->running)
        return CLOCK_NEVER;
    if (now < probe->next_at)
        return probe->next_at;
    if (probe->slot_wait_from == 0 || probe->claimed || probe->pushed)
        return CLOCK_NEVER;
    int64_t push = clock_add(probe->slot_wait_from, endpoint->registry->options.migration_timeout);
    return push > now ? push : CLOCK_NEVER;
}

static int64_t due_of(const struct endpoint *endpoint, int64_t now)
{
    const struct version *serving = endpoint_serving(endpoint);
    int64_t due = clock_min(endpoint->waiters_due, endpoint->ageing_due);

    due = clock_min(due, clock_min(breaker_due(endpoint, now), shed_due(endpoint)));
    if (serving != NULL && now < serving->retry_at && wanted(endpoint, serving) > 0)
        due = clock_min(due, serving->retry_at);
    if (endpoint->staging != NULL)
        due = clock_min(due, probe_due(endpoint, now));
    list_each(link, &endpoint->versions) {
        const struct version *version = list_entry(link, struct version, link);
        if (version->state == WEIR_VERSION_DEPRECATED && !version->expired)
            due = clock_min(due, version->closes_by);
    }
    if (endpoint->removed && (endpoint->legacy != NULL || endpoint->unused != NULL))
        due = clock_min(due, endpoint->removed_by);
    return due;
}

/* ---- Settling: what the fast path must leave to the lock ------------------------------------- */

static bool probe_waits(const struct endpoint *endpoint)
{
    return endpoint->staging != NULL && endpoint->staging->probe.slot_wait_from != 0 &&
           !endpoint->staging->probe.claimed && !endpoint->staging->probe.running;
}

static unsigned attention_of(const struct endpoint *endpoint, int64_t now)
{
    unsigned line = endpoint->waiting > 0 ? ATTENTION_LINE : 0;

    if (endpoint->removed || endpoint->active == NULL)
        return line | ATTENTION_ALL | (endpoint->removed ? ATTENTION_GONE : 0);
    if (probe_waits(endpoint))
        return line | ATTENTION_ALL;
    if (endpoint->paused)
        return line | ATTENTION_QUEUE;
    if (line == 0)
        return 0;
    if (!waiter_yields(list_entry(list_first(&endpoint->waiters), struct waiter, link), now))
        return line | ATTENTION_ALL;
    return line | (endpoint->nudged < POOL_NUDGES_MAX ? ATTENTION_RETURN : 0);
}

/*
 * Before looking for idle ones, so that a return that is not seen sees this; after it, what is
 * still wanted. A waiter that was nudged looks again by itself.
 */
static void set_attention(struct endpoint *endpoint, unsigned attention)
{
    if (atomic_load_explicit(&endpoint->attention, memory_order_relaxed) != attention)
        atomic_store(&endpoint->attention, attention);
}

void endpoint_settle(struct endpoint *endpoint, int64_t now)
{
    if (endpoint->waiting > 0 || endpoint->staging != NULL)
        set_attention(endpoint, ATTENTION_ALL | (endpoint->removed ? ATTENTION_GONE : 0));
    if (endpoint->staging != NULL)
        prove(endpoint, now);
    breaker_run(endpoint, now);
    struct version *version = endpoint_serving(endpoint);
    if (version != NULL) {
        shed_run(endpoint, now);
        recycle_run(endpoint, now);
        if (!endpoint->paused)
            serve(endpoint, version, now);
        grow(endpoint, version, now);
    }
    if (endpoint->removed)
        let_go(endpoint, now);
    set_attention(endpoint, attention_of(endpoint, now));
    endpoint->due = due_of(endpoint, now);
    registry_notify_by(endpoint->registry, endpoint->due);
}

void endpoint_tick(struct endpoint *endpoint, int64_t now)
{
    if (now >= endpoint->waiters_due)
        waiter_expire(endpoint, now);
    list_each_safe(link, &endpoint->versions) {
        struct version *version = list_entry(link, struct version, link);
        if (version->state == WEIR_VERSION_DEPRECATED && now >= version->closes_by)
            version_expire(version, now);
    }
    ageing_run(endpoint, now);
    endpoint_settle(endpoint, now);
}
