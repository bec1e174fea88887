/* SPDX-License-Identifier: MIT */
/*
 * Owns: the states of one backend connection, and every count that follows from them.
 * Never does: call the driver (errand.c), decide what should be opened or closed (endpoint.c).
 * Lock: the registry's, held by the caller.
 */
#include "pool.h"

#include <stdatomic.h>

/* Unique in this process, so that a lease of one registry is a stranger to all others. */
static atomic_uint_least64_t last_stamp;

static struct list *bucket_of(struct weir_registry *registry, uint64_t stamp)
{
    return &registry->leases[stamp % POOL_LEASE_BUCKETS];
}

void conn_move(struct conn *conn, enum conn_state state)
{
    struct version *version = conn->version;
    struct endpoint *endpoint = version->endpoint;
    enum conn_state from = conn->state;

    version->counts[from]--;
    version->counts[state]++;
    if (from == CONN_FREE) {
        version->held++;
        endpoint->held++;
    }
    if (state == CONN_FREE) {
        version->held--;
        endpoint->held--;
    }
    endpoint->opening += (unsigned)(state == CONN_OPENING) - (unsigned)(from == CONN_OPENING);
    if (from == CONN_LEASED)
        list_remove(&conn->leased);
    list_remove(&conn->link);
    list_push_front(&version->conns[state], &conn->link);
    conn->state = state;
}

struct conn *conn_open(struct version *version, bool probe)
{
    struct list *link = list_first(&version->conns[CONN_FREE]);
    struct conn *conn = list_entry(link, struct conn, link);

    conn->opened = false;
    conn->interrupted = false;
    conn->probe = probe;
    conn->stamp = 0;
    conn_move(conn, CONN_OPENING);
    version->totals.opened++;
    version->endpoint->totals.opened++;
    errand_queue(&conn->task, ERRAND_OPEN);
    return conn;
}

void conn_check(struct conn *conn)
{
    conn_move(conn, CONN_CHECKING);
    errand_queue(&conn->task, ERRAND_CHECK);
}

/*
 * An errand that runs on it finishes first: errand_finish comes back here. One that is only
 * queued is taken back; a conn whose opening never began needs no call of the driver to close.
 */
void conn_close(struct conn *conn)
{
    if (conn->state != CONN_CLOSING)
        conn_move(conn, CONN_CLOSING);
    if (conn->task.running || conn->stop.running)
        return;
    if (conn->task.queued && conn->task.kind == ERRAND_CLOSE)
        return;
    errand_cancel(&conn->task);
    errand_cancel(&conn->stop);
    errand_queue(&conn->task, ERRAND_CLOSE);
}

void conn_interrupt(struct conn *conn)
{
    if (conn->interrupted)
        return;
    conn->interrupted = true;
    if (!conn->opened)
        return;
    conn->version->totals.interrupted++;
    conn->version->endpoint->totals.interrupted++;
    errand_queue(&conn->stop, ERRAND_INTERRUPT);
}

void conn_idle(struct conn *conn, int64_t now)
{
    conn->idle_since = now;
    conn->checked_at = now;
    conn_move(conn, CONN_IDLE);
    ageing_expect(conn);
}

void conn_lease(struct conn *conn, struct weir_lease *lease)
{
    struct version *version = conn->version;
    struct endpoint *endpoint = version->endpoint;

    conn->stamp = atomic_fetch_add_explicit(&last_stamp, 1, memory_order_relaxed) + 1;
    conn_move(conn, CONN_LEASED);
    list_push_front(bucket_of(endpoint->registry, conn->stamp), &conn->leased);
    version->totals.acquired++;
    endpoint->totals.acquired++;
    *lease = (struct weir_lease){.conn = conn->bytes,
                                 .driver = endpoint->driver,
                                 .settings = version->settings,
                                 .stamp = conn->stamp,
                                 .version = version->number};
}

struct conn *conn_of_lease(struct weir_registry *registry, const struct weir_lease *lease)
{
    struct list *bucket = bucket_of(registry, lease->stamp);

    list_each(link, bucket) {
        struct conn *conn = list_entry(link, struct conn, leased);
        if (conn->stamp == lease->stamp)
            return conn;
    }
    return NULL;
}

bool conn_fresh(const struct conn *conn, int64_t now)
{
    return now - conn->checked_at <= POOL_STALE;
}
