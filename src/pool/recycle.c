/* SPDX-License-Identifier: MIT */
/*
 * Owns: the gentle replacement of all backend connections of a version, one for one: each new one
 * that could be opened pays for an old one to be closed. Where the budget is full, one old one goes
 * in advance, and no further one before its successor is there.
 * Never does: take one from its borrower.
 * Lock: the registry's, held by the caller.
 */
#include "pool.h"

static bool is_outdated(const struct conn *conn)
{
    return conn->outdated && conn->state != CONN_CLOSING;
}

static unsigned outdated_in(const struct version *version, enum conn_state state)
{
    unsigned count = 0;

    list_each(link, &version->conns[state])
        count += is_outdated(list_entry(link, struct conn, link));
    return count;
}

static unsigned outdated_of(const struct version *version)
{
    return outdated_in(version, CONN_OPENING) + outdated_in(version, CONN_LIVE) +
           outdated_in(version, CONN_STALE) + outdated_in(version, CONN_CHECKING);
}

void recycle_begin(struct endpoint *endpoint)
{
    struct version *version = endpoint_serving(endpoint);

    if (version == NULL)
        return;
    for (int state = CONN_OPENING; state < CONN_CLOSING; state++)
        list_each(link, &version->conns[state])
            list_entry(link, struct conn, link)->outdated = true;
    endpoint->recycle = (struct recycle){.running = true, .version = version->number};
}

void recycle_come_back(struct endpoint *endpoint, const struct version *version)
{
    endpoint->recycle =
        (struct recycle){.running = outdated_of(version) > 0, .version = version->number};
}

/* May one more be closed now? In advance only if an attempt to open one is not to wait. */
static bool is_paid(const struct endpoint *endpoint, const struct version *version, int64_t now)
{
    const struct recycle *recycle = &endpoint->recycle;
    bool full = endpoint->held >= version->limits.max;

    return recycle->opened > recycle->closed ||
           (full && now >= version->retry_at && recycle->opened == recycle->closed &&
            version->counts[CONN_OPENING] == 0 && version->counts[CONN_CLOSING] == 0);
}

static void count_one(struct conn *conn)
{
    conn->endpoint->recycle.closed++;
    conn->endpoint->totals.recycled++;
    conn->version->totals.recycled++;
}

static void close_one(struct conn *conn)
{
    count_one(conn);
    conn_close(conn);
}

/* What went in advance has a successor, or needs none any more: the maximum has become smaller. */
static void forgive(struct recycle *recycle, const struct version *version)
{
    unsigned live = version->held - version->counts[CONN_CLOSING] - version->counts[CONN_OPENING];

    if (live >= version->limits.max && recycle->opened < recycle->closed)
        recycle->opened = recycle->closed;
}

/* Idle ones that nobody has used for a second are not needed beyond the minimum. */
static void close_unneeded(struct endpoint *endpoint, struct version *version)
{
    list_each_safe(link, &version->conns[CONN_STALE]) {
        struct conn *conn = list_entry(link, struct conn, link);
        if (version->held - version->counts[CONN_CLOSING] <= version->limits.min)
            return;
        if (!conn->outdated)
            continue;
        endpoint->recycle.opened++; /* as good as replaced */
        close_one(conn);
    }
}

/* An idle outdated one; those that are leased will come back through the lock. */
static struct conn *claim_outdated(struct version *version)
{
    list_each(link, &version->conns[CONN_STALE])
        if (list_entry(link, struct conn, link)->outdated)
            return list_entry(link, struct conn, link);
    list_each(link, &version->conns[CONN_LIVE]) {
        struct conn *conn = list_entry(link, struct conn, link);
        if (conn->outdated && conn_recall(conn))
            return conn;
    }
    return NULL;
}

static void end(struct endpoint *endpoint, const struct version *version, int64_t now)
{
    endpoint->recycle.running = false;
    events_add(endpoint->registry, WEIR_EVENT_POOL_RECYCLED, endpoint, version->number,
               endpoint->recycle.closed, NULL, now);
}

void recycle_run(struct endpoint *endpoint, int64_t now)
{
    struct version *version = endpoint_serving(endpoint);

    if (!endpoint->recycle.running || version == NULL)
        return;
    if (version->number != endpoint->recycle.version) {
        end(endpoint, version, now); /* another one took over, which replaces all the more */
        return;
    }
    forgive(&endpoint->recycle, version);
    close_unneeded(endpoint, version);
    while (is_paid(endpoint, version, now)) {
        struct conn *conn = claim_outdated(version);
        if (conn == NULL)
            break;
        close_one(conn);
    }
    if (outdated_of(version) == 0 && endpoint->recycle.opened >= endpoint->recycle.closed)
        end(endpoint, version, now);
}

bool recycle_wants(const struct endpoint *endpoint)
{
    const struct recycle *recycle = &endpoint->recycle;

    return recycle->running && recycle->opened <= recycle->closed;
}

void recycle_opened(struct conn *conn)
{
    struct recycle *recycle = &conn->endpoint->recycle;

    if (recycle->running && conn->version->number == recycle->version && !conn->outdated)
        recycle->opened++;
}

bool recycle_takes(struct conn *conn, int64_t now)
{
    struct endpoint *endpoint = conn->endpoint;

    if (!endpoint->recycle.running || !conn->outdated || !is_paid(endpoint, conn->version, now))
        return false;
    count_one(conn);
    return true;
}
