/* SPDX-License-Identifier: MIT */
/*
 * Owns: the states of one backend connection, and every count that follows from them.
 * Never does: call the driver (errand.c), decide what should be opened or closed (endpoint.c).
 * Lock: the registry's, held by the caller; the word of a live conn is shared with lease.c.
 */
#include "pool.h"

#include "lease.h"
#include "word.h"

static uint64_t number_of(const struct conn *conn)
{
    return word_number(word_look(&conn->word));
}

uint64_t conn_acquired(const struct conn *conn)
{
    return number_of(conn) - conn->counted;
}

/* ---- States ---------------------------------------------------------------------------------- */

/* What it has done is the version's from now on. */
static void leave(struct conn *conn)
{
    struct version *version = conn->version;
    uint64_t acquired = conn_acquired(conn);

    version->held--;
    version->endpoint->held--;
    version->totals.acquired += acquired;
    version->endpoint->totals.acquired += acquired;
    conn->version = NULL;
}

static void join(struct conn *conn, struct version *version)
{
    conn->version = version;
    conn->counted = number_of(conn);
    version->held++;
    version->endpoint->held++;
}

void conn_move(struct conn *conn, enum conn_state state)
{
    struct version *version = conn->version;
    struct endpoint *endpoint = conn->endpoint;
    enum conn_state from = conn->state;

    if (from != CONN_FREE)
        version->counts[from]--;
    endpoint->opening += (unsigned)(state == CONN_OPENING) - (unsigned)(from == CONN_OPENING);
    list_remove(&conn->link);
    conn->state = state;
    if (state == CONN_FREE) {
        leave(conn);
    } else {
        version->counts[state]++;
        list_push_front(&version->conns[state], &conn->link);
    }
    if (state == CONN_FREE || from == CONN_FREE)
        slots_set_top(endpoint);
}

struct conn *conn_open(struct version *version, bool probe)
{
    struct endpoint *endpoint = version->endpoint;
    struct conn *conn = slots_free_conn(endpoint);

    conn->patience = version->limits.connect_timeout;
    conn->settings = weir_settings_ref(version->settings);
    conn->number = version->number;
    conn->opened = false;
    conn->interrupted = false;
    conn->outdated = false;
    conn->probe = probe;
    join(conn, version);
    conn_move(conn, CONN_OPENING);
    version->totals.opened++;
    endpoint->totals.opened++;
    errand_queue(&conn->task, ERRAND_OPEN);
    return conn;
}

void conn_check(struct conn *conn)
{
    conn_move(conn, CONN_CHECKING);
    errand_queue(&conn->task, ERRAND_CHECK);
}

void conn_peek(struct conn *conn)
{
    conn_move(conn, CONN_CHECKING);
    errand_queue(&conn->task, ERRAND_PEEK);
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

/* ---- Idle: into and out of the fast path's hands --------------------------------------------- */

void conn_idle(struct conn *conn, int64_t now)
{
    uint64_t word = word_make(WORD_IDLE, number_of(conn));

    conn->idle_since = now;
    conn->checked_at = now;
    conn->seen = word;
    conn->seen_at = conn->seen_from = now;
    conn->parked = 0;
    if (conn->state != CONN_LIVE)
        conn_move(conn, CONN_LIVE);
    word_set(&conn->word, word);
    ageing_expect(conn, now);
}

void conn_park(struct conn *conn, int64_t trusted_from, int64_t checked_at, int64_t now)
{
    int64_t idle_since = conn->idle_since;

    conn_idle(conn, now);
    conn->idle_since = idle_since;
    conn->checked_at = checked_at;
    conn->seen_from = trusted_from;
    conn->parked = conn->seen;
}

void conn_unclaim(struct conn *conn)
{
    word_set(&conn->word, word_make(WORD_IDLE, number_of(conn)));
}

void conn_stale(struct conn *conn, int64_t idle_since, int64_t now)
{
    conn->idle_since = idle_since;
    conn_move(conn, CONN_STALE);
    ageing_expect(conn, now);
}

bool conn_claim(struct conn *conn)
{
    uint64_t word = word_read(&conn->word);

    while (word_state(word) == WORD_IDLE) {
        if (word_swap(&conn->word, word, word_make(WORD_HELD, word_number(word))))
            return true;
        word = word_read(&conn->word);
    }
    return false;
}

bool conn_recall(struct conn *conn)
{
    for (;;) {
        uint64_t word = word_read(&conn->word);
        if (word_state(word) == WORD_IDLE) {
            if (conn_claim(conn))
                return true;
        } else if (word_state(word) == WORD_HELD || (word & WORD_RECALLED) ||
                   word_swap(&conn->word, word, word | WORD_RECALLED)) {
            return false;
        }
    }
}

struct conn *conn_claim_any(struct version *version)
{
    struct list *stale = list_last(&version->conns[CONN_STALE]);

    if (stale != NULL)
        return list_entry(stale, struct conn, link);
    list_each(link, &version->conns[CONN_LIVE]) {
        struct conn *conn = list_entry(link, struct conn, link);
        if (conn_claim(conn))
            return conn;
    }
    return NULL;
}

/* One of a version that only serves what is pinned comes back through the lock. */
void conn_lease(struct conn *conn, struct weir_lease *lease, const char *site)
{
    uint64_t number = number_of(conn) + 1;
    uint64_t recalled = conn->version == conn->endpoint->active ? 0 : WORD_RECALLED;

    atomic_store_explicit(&conn->site, site, memory_order_relaxed);
    if (conn->state != CONN_LIVE)
        conn_move(conn, CONN_LIVE);
    lease_fill(conn, number, lease);
    word_set(&conn->word, word_make(WORD_LEASED, number) | recalled);
}
