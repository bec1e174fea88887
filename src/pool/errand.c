/* SPDX-License-Identifier: MIT */
/*
 * Owns: the slow things: every call of a driver but reset happens here, without the lock.
 * Never does: decide that something is to be opened or closed (endpoint.c).
 * Lock: take and finish take the registry's; run holds none.
 */
#include "pool.h"

#include <stdlib.h>

#include "random.h"

static void make_ready(struct endpoint *endpoint)
{
    struct weir_registry *registry = endpoint->registry;

    if (list_empty(&endpoint->errands) || endpoint->running >= POOL_ERRANDS_MAX) {
        list_remove(&endpoint->ready);
        return;
    }
    if (list_empty(&endpoint->ready))
        list_push_back(&registry->ready, &endpoint->ready);
    registry->notify = true;
}

/* Interrupts go first: they end the waiting of others. */
void errand_queue(struct errand *errand, enum errand_kind kind)
{
    struct endpoint *endpoint = errand->conn->endpoint;

    errand->kind = kind;
    errand->queued = true;
    if (kind == ERRAND_INTERRUPT)
        list_push_front(&endpoint->errands, &errand->link);
    else
        list_push_back(&endpoint->errands, &errand->link);
    make_ready(endpoint);
}

void errand_cancel(struct errand *errand)
{
    if (!errand->queued)
        return;
    errand->queued = false;
    list_remove(&errand->link);
    make_ready(errand->conn->endpoint);
}

/*
 * The driver's bytes are allocated without the lock; only then does the opening count as begun.
 * A conn that was interrupted meanwhile keeps opened false, and the driver never hears of it.
 */
static void begin_open(struct weir_registry *registry, struct conn *conn)
{
    void *bytes = calloc(1, conn->driver->conn_size);

    registry_lock(registry);
    conn->bytes = bytes;
    conn->opened = bytes != NULL && !conn->interrupted;
    registry_unlock(registry);
}

/* Endpoints take turns, so that one with many errands does not hold up the others. */
struct errand *errand_take(struct weir_registry *registry)
{
    struct errand *errand = NULL;

    registry_lock(registry);
    struct list *turn = list_pop_front(&registry->ready);
    if (turn != NULL) {
        struct endpoint *endpoint = list_entry(turn, struct endpoint, ready);
        errand = list_entry(list_pop_front(&endpoint->errands), struct errand, link);
        errand->queued = false;
        errand->running = true;
        endpoint->running++;
        registry->running++;
        make_ready(endpoint);
        registry->notify = registry->notify || !list_empty(&registry->ready);
    }
    registry_unlock(registry);
    if (errand != NULL && errand->kind == ERRAND_OPEN)
        begin_open(registry, errand->conn);
    return errand;
}

/* ---- Running: no lock, the driver's functions ------------------------------------------------ */

/* A probe must prove more than a log-in: a round trip, and what the embedder asks for. */
static int prove(struct conn *conn, struct weir_error *error)
{
    struct endpoint *endpoint = conn->endpoint;
    const struct weir_registry_options *options = &endpoint->registry->options;
    int64_t now = registry_now(endpoint->registry);
    int status = conn->driver->check(conn->bytes, clock_add(now, conn->patience), error);

    if (status != 0 || options->prove == NULL)
        return status;
    now = registry_now(endpoint->registry);
    return options->prove(options->prove_context, endpoint->name, conn->driver, conn->bytes,
                          clock_add(now, conn->patience), error);
}

static int run_open(struct conn *conn, int64_t now, struct weir_error *error)
{
    int64_t deadline = clock_add(now, conn->patience);

    if (conn->bytes == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory for a backend connection");
    if (!conn->opened)
        return weir_fail(error, WEIR_ECANCELED, "not wanted any more");
    int status = conn->driver->open(conn->bytes, conn->settings, deadline, error);
    if (status == 0 && conn->probe)
        status = prove(conn, error);
    return status;
}

void errand_run(struct errand *errand, struct errand_result *result)
{
    struct conn *conn = errand->conn;
    const struct weir_driver *driver = conn->driver;
    struct weir_registry *registry = conn->endpoint->registry;
    int64_t now = registry_now(registry);
    int64_t linger = clock_add(now, registry->options.close_linger);

    *result = (struct errand_result){.started_at = now};
    switch (errand->kind) {
    case ERRAND_OPEN: result->status = run_open(conn, now, &result->error); break;
    case ERRAND_CHECK:
        result->status = driver->check(conn->bytes, clock_add(now, conn->patience), &result->error);
        break;
    case ERRAND_PEEK: result->status = driver->peek(conn->bytes); break;
    case ERRAND_INTERRUPT: driver->interrupt(conn->bytes, linger); break;
    case ERRAND_CLOSE:
        if (conn->opened)
            result->status = driver->close(conn->bytes, linger);
        break;
    }
    if (result->status != 0 && result->error.status == 0)
        weir_fail(&result->error, result->status, "%s", weir_strerror(result->status));
}

/* ---- Finishing ------------------------------------------------------------------------------- */

/* Every open carries the version it was started under; only a serving one may keep it. */
static void finish_open(struct conn *conn, struct errand_result *result, int64_t now)
{
    struct version *version = conn->version;
    struct endpoint *endpoint = version->endpoint;
    bool wanted = version == endpoint_serving(endpoint) || version == endpoint->staging;

    if (conn->probe && version == endpoint->staging) {
        version->probe.running = false;
        version->probe.finished++;
    }
    if (!wanted || conn->interrupted || conn->state == CONN_CLOSING) {
        conn_close(conn);
        return;
    }
    if (result->status != 0) {
        version_open_failed(version, &result->error, now);
        conn_close(conn);
        return;
    }
    version_open_succeeded(version, now);
    recycle_opened(conn);
    conn->opened_at = now;
    conn->expires_at = clock_add(
        now, version->limits.max_lifetime -
                 random_between(&endpoint->registry->random, 0, version->limits.max_lifetime / 5));
    if (version == endpoint->staging) /* the old one ends first: nobody sees them take turns */
        endpoint_switch(endpoint, now);
    conn_idle(conn, now);
}

/* Whether it was a check or only a look: it has been idle all the time. */
static void finish_check(struct conn *conn, enum errand_kind kind, struct errand_result *result,
                         int64_t now)
{
    struct version *version = conn->version;
    struct endpoint *endpoint = version->endpoint;

    if (conn->state == CONN_CLOSING) {
        conn_close(conn);
        return;
    }
    if (result->status != 0) {
        version->totals.check_failures++;
        endpoint->totals.check_failures++;
        events_add(endpoint->registry, WEIR_EVENT_CHECK_FAILED, endpoint, version->number, 0,
                   &result->error, now);
        conn_close(conn);
        if (weir_remedy(result->status) == WEIR_REMEDY_RETIRE)
            version_retire(version, &result->error, now);
        return;
    }
    if (version != endpoint_serving(endpoint))
        conn_close(conn);
    else if (kind == ERRAND_CHECK)
        conn_park(conn, now, now, now);
    else
        conn_park(conn, conn->idle_since, conn->checked_at, now);
}

static void finish_close(struct conn *conn, struct errand_result *result, int64_t now)
{
    struct version *version = conn->version;
    struct endpoint *endpoint = version->endpoint;

    version->totals.closed++;
    endpoint->totals.closed++;
    if (result->status != 0) {
        version->totals.lingered++;
        endpoint->totals.lingered++;
        events_add(endpoint->registry, WEIR_EVENT_CLOSE_LINGERED, endpoint, version->number, 0,
                   &result->error, now);
    }
    result->bytes = conn->bytes;
    result->settings = conn->settings;
    conn->bytes = NULL;
    conn->settings = NULL;
    conn_move(conn, CONN_FREE);
    version_bury(version, now);
}

static void apply(struct errand *errand, struct errand_result *result, int64_t now)
{
    struct conn *conn = errand->conn;

    switch (errand->kind) {
    case ERRAND_OPEN: finish_open(conn, result, now); break;
    case ERRAND_CHECK:
    case ERRAND_PEEK: finish_check(conn, errand->kind, result, now); break;
    case ERRAND_INTERRUPT:
        if (conn->state == CONN_CLOSING)
            conn_close(conn);
        break;
    case ERRAND_CLOSE: finish_close(conn, result, now); break;
    }
}

void errand_finish(struct errand *errand, struct errand_result *result)
{
    struct endpoint *endpoint = errand->conn->endpoint;
    struct weir_registry *registry = endpoint->registry;
    int64_t now = registry_now(registry);

    registry_lock(registry);
    errand->running = false;
    endpoint->running--;
    registry->running--;
    make_ready(endpoint);
    apply(errand, result, now);
    endpoint_settle(endpoint, now);
    registry_unlock(registry);
    free(result->bytes);
    weir_settings_unref(&result->settings);
}

bool weir_registry_work(struct weir_registry *registry)
{
    struct errand_result result;
    struct errand *errand = fork_left(registry->made) ? NULL : errand_take(registry);

    if (errand == NULL)
        return false;
    errand_run(errand, &result);
    errand_finish(errand, &result);
    return true;
}
