/* SPDX-License-Identifier: MIT */
/*
 * Owns: the line of acquires before one endpoint: entering, leaving, being granted or failed.
 * Never does: choose who is next (endpoint_settle does); call complete with the lock held.
 * Lock: the registry's; start and cancel take it themselves.
 */
#include "pool.h"

#include <string.h>

static void finish(struct waiter *waiter, int status)
{
    struct endpoint *endpoint = waiter->endpoint;

    waiter->state = WAITER_DONE;
    waiter->status = status;
    if (!list_empty(&waiter->link)) {
        list_remove(&waiter->link);
        endpoint->waiting--;
    }
    if (waiter->nudged)
        endpoint->nudged--;
    waiter->nudged = false;
}

static void tell(struct weir_registry *registry, struct waiter *waiter)
{
    list_push_back(&registry->completed, &waiter->link);
}

void waiter_grant(struct waiter *waiter, struct conn *conn, int64_t now)
{
    shed_granted(waiter->endpoint, now - waiter->since);
    finish(waiter, 0);
    conn_lease(conn, &waiter->lease, waiter->site);
    tell(waiter->endpoint->registry, waiter);
}

bool waiter_yields(const struct waiter *waiter, int64_t now)
{
    const struct endpoint *endpoint = waiter->endpoint;
    const struct version *active = endpoint->active; /* what else serves is not for everybody */

    return waiter->nudge != NULL && active != NULL && !active->limits.strict &&
           now - waiter->since < POOL_BARGE;
}

void waiter_nudge(struct waiter *waiter)
{
    struct weir_registry *registry = waiter->endpoint->registry;

    waiter->nudged = true;
    waiter->nudges++;
    waiter->endpoint->nudged++;
    if (list_empty(&waiter->call))
        list_push_back(&registry->nudges, &waiter->call);
}

/* ---- Failing, with a detail for the operator ------------------------------------------------- */

/* Why the last attempt to open one failed, since when none succeeds. */
static void describe_cause(struct waiter *waiter, const struct version *version)
{
    const struct weir_error *cause = &version->last_error;

    weir_fail_key(&waiter->error, WEIR_EUNAVAILABLE, "open", "%s: %s; last failed open: %s",
                  waiter->endpoint->name, weir_strerror(WEIR_EUNAVAILABLE), cause->detail);
    memcpy(waiter->error.native, cause->native, sizeof(waiter->error.native));
}

static void describe(struct waiter *waiter, int status)
{
    const struct endpoint *endpoint = waiter->endpoint;
    const struct version *version = endpoint_serving(endpoint);

    if (status == WEIR_EUNAVAILABLE && version != NULL) {
        describe_cause(waiter, version);
        return;
    }
    if ((status != WEIR_ETIMEOUT && status != WEIR_ESHED) || version == NULL) {
        weir_fail(&waiter->error, status, "%s: %s", endpoint->name, weir_strerror(status));
        return;
    }
    struct weir_counts counts = version_counts(version);
    weir_fail_key(&waiter->error, status, breaker_trips(version) ? "open" : "",
                  "%u of %u leased, %u idle, %u opening, %u closing; %u waiting%s%s%s",
                  counts.leased, version->limits.max, counts.idle, counts.opening, counts.closing,
                  endpoint->waiting, endpoint->paused ? "; paused" : "",
                  version->failing ? "; last failed open: " : "",
                  version->failing ? version->last_error.detail : "");
}

static void count(struct weir_totals *totals, int status)
{
    totals->timeouts += status == WEIR_ETIMEOUT;
    totals->refused += status == WEIR_EWAITERS;
    totals->unavailable += status == WEIR_EUNAVAILABLE;
    totals->shed += status == WEIR_ESHED;
}

void waiter_fail(struct waiter *waiter, int status)
{
    struct endpoint *endpoint = waiter->endpoint;
    struct version *version = endpoint_serving(endpoint);

    count(&endpoint->totals, status);
    if (version != NULL)
        count(&version->totals, status);
    describe(waiter, status);
    finish(waiter, status);
    tell(endpoint->registry, waiter);
}

void waiter_fail_all(struct endpoint *endpoint, int status)
{
    list_each_safe(link, &endpoint->waiters)
        waiter_fail(list_entry(link, struct waiter, link), status);
    endpoint->waiters_due = CLOCK_NEVER;
}

void waiter_expire(struct endpoint *endpoint, int64_t now)
{
    endpoint->waiters_due = CLOCK_NEVER;
    list_each_safe(link, &endpoint->waiters) {
        struct waiter *waiter = list_entry(link, struct waiter, link);
        if (now >= waiter->deadline)
            waiter_fail(waiter, WEIR_ETIMEOUT);
        else
            endpoint->waiters_due = clock_min(endpoint->waiters_due, waiter->deadline);
    }
}

/* ---- Entering and leaving -------------------------------------------------------------------- */

/* Refused before it stood in line. */
static void refuse(struct weir_registry *registry, struct waiter *waiter, int status,
                   const char *detail)
{
    waiter->state = WAITER_DONE;
    waiter->status = weir_fail(&waiter->error, status, "%s", detail);
    tell(registry, waiter);
}

/* It looks for itself: with an idle connection and nobody before it, settle serves it at once. */
static void look(struct endpoint *endpoint, struct waiter *waiter, int64_t now)
{
    endpoint->awake = waiter;
    endpoint_settle(endpoint, now);
    endpoint->awake = NULL;
}

/* It has looked, and got nothing: may it wait? */
static int verdict_on(const struct endpoint *endpoint, const struct waiter *waiter, int64_t now)
{
    const struct version *version = endpoint_serving(endpoint);

    if (waiter->impatient)
        return WEIR_EAGAIN;
    if (now >= waiter->until)
        return WEIR_ETIMEOUT;
    return version != NULL && endpoint->waiting > version->limits.max_waiters ? WEIR_EWAITERS : 0;
}

/*
 * What cannot wait has stood in line for as long as looking takes: it overtakes nobody, and what is
 * opened or checked for it will be there for the next.
 */
static void enter(struct endpoint *endpoint, struct waiter *waiter, int64_t now)
{
    waiter->endpoint = endpoint;
    waiter->since = now;
    int status = breaker_verdict(endpoint, waiter->until, now);
    if (status != 0) {
        waiter_fail(waiter, status);
        return;
    }
    shed_entered(endpoint, now);
    list_push_back(&endpoint->waiters, &waiter->link);
    endpoint->waiting++;
    endpoint->waiters_due = clock_min(endpoint->waiters_due, waiter->deadline);
    look(endpoint, waiter, now);
    status = waiter->state == WAITER_WAITING ? verdict_on(endpoint, waiter, now) : 0;
    if (status != 0) {
        waiter_fail(waiter, status);
        endpoint_settle(endpoint, now);
    }
}

void waiter_start(struct weir_registry *registry, const char *name, const struct weir_pin *pin,
                  struct waiter *waiter)
{
    int64_t now = registry_now(registry);

    list_init(&waiter->link);
    list_init(&waiter->call);
    waiter->nudged = false;
    waiter->nudges = 0;
    waiter->endpoint = NULL;
    waiter->state = WAITER_WAITING;
    waiter->lease = (struct weir_lease){.conn = NULL};
    registry_lock(registry);
    struct endpoint *endpoint = registry->closed ? NULL : registry_find(registry, name, pin);
    if (endpoint != NULL && endpoint_serving(endpoint) == NULL && endpoint->unused != NULL)
        endpoint_use(endpoint, now);
    if (registry->closed)
        refuse(registry, waiter, WEIR_ECLOSED, "the registry is closed");
    else if (endpoint == NULL || endpoint_serving(endpoint) == NULL)
        refuse(registry, waiter, WEIR_EUNKNOWN, "no connection of this name is configured");
    else
        enter(endpoint, waiter, now);
    registry_unlock(registry);
}

void waiter_retry(struct weir_registry *registry, struct waiter *waiter)
{
    int64_t now = registry_now(registry);

    registry_lock(registry);
    if (waiter->nudged)
        waiter->endpoint->nudged--;
    waiter->nudged = false;
    if (waiter->state == WAITER_WAITING)
        look(waiter->endpoint, waiter, now);
    registry_unlock(registry);
}

/* Whom it was woken for in vain, somebody else may be. */
bool waiter_cancel(struct weir_registry *registry, struct waiter *waiter, int status)
{
    int64_t now = registry_now(registry);

    registry_lock(registry);
    bool waiting = waiter->state == WAITER_WAITING;
    if (waiting) {
        waiter_fail(waiter, status);
        endpoint_settle(waiter->endpoint, now);
    }
    registry_unlock(registry);
    return waiting;
}
