/* SPDX-License-Identifier: MIT */
/*
 * Owns: what time does to idle backend connections: idle time-out, lifetime, keep-alive.
 * Never does: touch a connection that is in use, or go below the minimum for idleness' sake.
 * Lock: the registry's, held by the caller.
 */
#include "pool.h"

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

static int64_t due_of(const struct conn *conn)
{
    int64_t due = clock_min(conn->expires_at, check_at(conn));

    return above_minimum(conn->version) ? clock_min(due, idle_until(conn)) : due;
}

void ageing_expect(struct conn *conn)
{
    struct endpoint *endpoint = conn->version->endpoint;

    endpoint->ageing_due = clock_min(endpoint->ageing_due, due_of(conn));
}

bool ageing_retires(const struct conn *conn, int64_t now)
{
    const struct version *version = conn->version;

    return now >= conn->expires_at && version->counts[CONN_CLOSING] == 0 &&
           version->counts[CONN_OPENING] == 0 && !version->failing;
}

/* When to look at it again. */
static int64_t age(struct conn *conn, int64_t now)
{
    struct version *version = conn->version;

    if (above_minimum(version) && now >= idle_until(conn)) {
        conn_close(conn);
        return CLOCK_NEVER;
    }
    if (ageing_retires(conn, now)) {
        conn_close(conn);
        return CLOCK_NEVER;
    }
    if (now >= check_at(conn) && version->counts[CONN_CHECKING] == 0) {
        conn_check(conn);
        return CLOCK_NEVER;
    }
    int64_t due = due_of(conn);
    return due > now ? due : clock_add(now, AGEING_RETRY);
}

void ageing_run(struct endpoint *endpoint, int64_t now)
{
    struct version *version = endpoint->active;

    if (now < endpoint->ageing_due)
        return;
    endpoint->ageing_due = CLOCK_NEVER;
    if (version == NULL)
        return;
    list_each_safe(link, &version->conns[CONN_IDLE]) {
        int64_t due = age(list_entry(link, struct conn, link), now);
        endpoint->ageing_due = clock_min(endpoint->ageing_due, due);
    }
}
