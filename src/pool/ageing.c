/* SPDX-License-Identifier: MIT */
/*
 * Owns: what time does to backend connections: growing stale, idle time-out, lifetime, keep-alive,
 * leases held for too long. The fast path reads no clock: here its words are looked at now and
 * then, and one that has not changed since is what it was.
 * Never does: take a connection from its borrower, or go below the minimum for idleness' sake.
 * Lock: the registry's, held by the caller.
 */
#include "pool.h"

#include "word.h"

#define AGEING_RETRY (100 * CLOCK_MS) /* when one is due but another is still being replaced */

static int64_t idle_until(const struct conn *conn)
{
    return clock_add(conn->idle_since, conn->version->limits.idle_timeout);
}

static int64_t check_at(const struct conn *conn)
{
    return clock_add(conn->checked_at, conn->version->limits.keepalive_interval);
}

/* At the minimum, idleness does not close anything, so that it need not be waited for. */
static bool above_minimum(const struct version *version)
{
    return version->held - version->counts[CONN_CLOSING] > version->limits.min;
}

static int64_t due_of(const struct conn *conn, int64_t now)
{
    if (conn->state == CONN_LIVE)
        return clock_add(now, now >= conn->expires_at ? AGEING_RETRY : POOL_PASS);
    int64_t due = clock_min(conn->expires_at, check_at(conn));
    return above_minimum(conn->version) ? clock_min(due, idle_until(conn)) : due;
}

void ageing_expect(struct conn *conn, int64_t now)
{
    struct endpoint *endpoint = conn->endpoint;

    endpoint->ageing_due = clock_min(endpoint->ageing_due, due_of(conn, now));
}

bool ageing_retires(const struct conn *conn, int64_t now)
{
    const struct version *version = conn->version;

    return now >= conn->expires_at && version->counts[CONN_CLOSING] == 0 &&
           version->counts[CONN_OPENING] == 0 && !version->failing;
}

/* ---- Stale ones: idle for more than a second ------------------------------------------------- */

/* When to look at it again. */
static int64_t age_stale(struct conn *conn, int64_t now)
{
    struct version *version = conn->version;

    if ((above_minimum(version) && now >= idle_until(conn)) || ageing_retires(conn, now)) {
        conn_close(conn);
        return CLOCK_NEVER;
    }
    if (now >= check_at(conn) && version->counts[CONN_CHECKING] == 0) {
        conn_check(conn);
        return CLOCK_NEVER;
    }
    int64_t due = due_of(conn, now);
    return due > now ? due : clock_add(now, AGEING_RETRY);
}

/* ---- Live ones ------------------------------------------------------------------------------- */

/* Has it changed hands since the last look? When is not known, but not before that. */
static bool has_moved(struct conn *conn, uint64_t word, int64_t now)
{
    int64_t before = conn->endpoint->passed_at;

    if (word == conn->seen)
        return false;
    conn->seen_from = before > conn->seen_at ? before : conn->seen_at;
    conn->seen = word;
    conn->seen_at = now;
    conn->reported = false;
    return true;
}

static void report_leak(struct conn *conn, int64_t now)
{
    struct weir_registry *registry = conn->endpoint->registry;
    const char *site = atomic_load_explicit(&conn->site, memory_order_relaxed);
    struct weir_error error;

    conn->reported = true;
    conn->version->totals.leaks++;
    conn->endpoint->totals.leaks++;
    weir_fail(&error, WEIR_ETIMEOUT, "leased for more than %lld s, acquired at %s",
              (long long)((now - conn->seen_at) / CLOCK_SECOND),
              site == NULL ? "a place that is not known" : site);
    events_add(registry, WEIR_EVENT_LEASE_LEAKED, conn->endpoint, conn->version->number, 1, &error,
               now);
}

static void age_leased(struct conn *conn, int64_t now)
{
    if (!conn->reported && now - conn->seen_at >= conn->version->limits.leak_timeout)
        report_leak(conn, now);
    if (now >= conn->expires_at && conn_recall(conn))
        conn_idle(conn, now); /* it had just come back: the next look finds it idle */
}

/* Idle since the last look at least. */
static void age_idle(struct conn *conn, int64_t now)
{
    if (!conn_claim(conn))
        return;
    if (conn->parked != conn->seen)
        conn->idle_since = conn->seen_from;
    if (ageing_retires(conn, now))
        conn_close(conn);
    else if (now - conn->seen_from >= POOL_STALE + POOL_PASS)
        conn_stale(conn, conn->idle_since, now);
    else if (conn->driver->peek != NULL && now > conn->seen_at)
        conn_peek(conn);
    else
        conn_unclaim(conn);
}

static int64_t age_live(struct conn *conn, int64_t now)
{
    uint64_t word = word_read(&conn->word);

    has_moved(conn, word, now);
    if (word_state(word) == WORD_IDLE)
        age_idle(conn, now);
    else
        age_leased(conn, now);
    return conn->state == CONN_LIVE ? due_of(conn, now) : CLOCK_NEVER;
}

/* What has been idle since before the loss may have been lost, too. */
void ageing_suspect(struct version *version, int64_t now)
{
    list_each_safe(link, &version->conns[CONN_LIVE]) {
        struct conn *conn = list_entry(link, struct conn, link);
        if (conn_claim(conn))
            conn_stale(conn, now, now);
    }
}

/* ---- The pass -------------------------------------------------------------------------------- */

void ageing_run(struct endpoint *endpoint, int64_t now)
{
    struct version *version = endpoint->active;

    if (now < endpoint->ageing_due)
        return;
    endpoint->ageing_due = CLOCK_NEVER;
    if (version == NULL)
        return;
    list_each_safe(link, &version->conns[CONN_STALE]) {
        int64_t due = age_stale(list_entry(link, struct conn, link), now);
        endpoint->ageing_due = clock_min(endpoint->ageing_due, due);
    }
    list_each_safe(link, &version->conns[CONN_LIVE]) {
        int64_t due = age_live(list_entry(link, struct conn, link), now);
        endpoint->ageing_due = clock_min(endpoint->ageing_due, due);
    }
    endpoint->passed_at = now;
    atomic_fetch_add_explicit(&endpoint->epoch, 1, memory_order_relaxed);
}
