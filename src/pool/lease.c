/* SPDX-License-Identifier: MIT */
/*
 * Owns: borrowing and returning: the blocking acquire, the release, the reset between them.
 * Never does: trust a lease: it is looked up by its stamp, never followed as a pointer.
 * Lock: the registry's for the pool; a mutex of its own for each blocked caller.
 */
#include "pool.h"

#include "cond.h"

/* ---- Acquire --------------------------------------------------------------------------------- */

/* A waiter and the thread that sleeps for it. */
struct sleeper {
    struct waiter waiter;
    pthread_mutex_t mutex;
    pthread_cond_t woken;
    bool done;
};

static void wake(struct waiter *waiter)
{
    struct sleeper *sleeper = list_entry(waiter, struct sleeper, waiter);

    pthread_mutex_lock(&sleeper->mutex);
    sleeper->done = true;
    pthread_cond_signal(&sleeper->woken);
    pthread_mutex_unlock(&sleeper->mutex);
}

static void sleeper_init(struct sleeper *sleeper)
{
    cond_init(&sleeper->woken);
    pthread_mutex_init(&sleeper->mutex, NULL);
    sleeper->done = false;
    sleeper->waiter = (struct waiter){.deadline = CLOCK_NEVER, /* kept here, not by tick */
                                      .complete = wake};
}

static void sleeper_fini(struct sleeper *sleeper)
{
    pthread_cond_destroy(&sleeper->woken);
    pthread_mutex_destroy(&sleeper->mutex);
}

/* Until it is woken or the deadline has passed; true if woken. */
static bool sleep_until(struct sleeper *sleeper, int64_t deadline)
{
    bool in_time = true;

    pthread_mutex_lock(&sleeper->mutex);
    while (!sleeper->done && in_time)
        in_time = cond_wait_until(&sleeper->woken, &sleeper->mutex, deadline);
    bool done = sleeper->done;
    pthread_mutex_unlock(&sleeper->mutex);
    return done;
}

int weir_acquire(struct weir_registry *registry, const char *name, struct weir_pin *pin,
                 int64_t deadline, struct weir_lease *lease, struct weir_error *error)
{
    struct sleeper sleeper;

    *lease = (struct weir_lease){.conn = NULL};
    if (registry->options.now != NULL)
        return weir_fail(error, WEIR_EINVAL, "a blocking acquire needs the system's clock");
    sleeper_init(&sleeper);
    waiter_start(registry, name, pin, &sleeper.waiter);
    if (!sleep_until(&sleeper, deadline)) {
        waiter_cancel(registry, &sleeper.waiter, WEIR_ETIMEOUT);
        sleep_until(&sleeper, CLOCK_NEVER); /* it was granted meanwhile, or is failed now */
    }
    sleeper_fini(&sleeper);
    int status = sleeper.waiter.status;
    if (status == 0)
        *lease = sleeper.waiter.lease;
    else if (error != NULL)
        *error = sleeper.waiter.error;
    return status;
}

static void forget_it(struct waiter *waiter)
{
    (void)waiter; /* the caller looks for itself */
}

int weir_try_acquire(struct weir_registry *registry, const char *name, struct weir_pin *pin,
                     struct weir_lease *lease, struct weir_error *error)
{
    struct waiter waiter = {.deadline = CLOCK_NEVER, .impatient = true, .complete = forget_it};

    waiter_start(registry, name, pin, &waiter);
    *lease = waiter.lease;
    if (waiter.status != 0 && error != NULL)
        *error = waiter.error;
    return waiter.status;
}

/* ---- Release --------------------------------------------------------------------------------- */

static bool is_spent(const struct conn *conn, int status)
{
    enum weir_remedy remedy = weir_remedy(status);

    return conn->interrupted || remedy == WEIR_REMEDY_RECONNECT || remedy == WEIR_REMEDY_RETIRE ||
           conn->version != endpoint_serving(conn->version->endpoint);
}

static void retire(struct conn *conn, int status, int64_t now)
{
    struct weir_error error;

    weir_fail(&error, status, "a returned backend connection says: %s", weir_strerror(status));
    version_retire(conn->version, &error, now);
}

static void give_back(struct conn *conn, int status, int64_t now)
{
    struct endpoint *endpoint = conn->version->endpoint;

    if (weir_remedy(status) == WEIR_REMEDY_RETIRE)
        retire(conn, status, now);
    if (is_spent(conn, status) || ageing_retires(conn, now))
        conn_close(conn);
    else
        conn_idle(conn, now);
    endpoint_settle(endpoint, now);
}

/* The driver's reset runs on the thread that returns the lease, without the lock. */
static int reset(struct weir_registry *registry, struct conn *conn)
{
    struct version *version = conn->version;
    const struct weir_driver *driver = version->endpoint->driver;
    int64_t deadline = clock_add(registry_now(registry), version->limits.connect_timeout);

    conn_move(conn, CONN_RESETTING);
    registry_unlock(registry);
    int status = driver->reset(conn->bytes, deadline, NULL);
    registry_lock(registry);
    return status == 0 || weir_remedy(status) == WEIR_REMEDY_RETIRE ? status : WEIR_ELOST;
}

/* The next in line is looked for before it counts as idle. */
void lease_decline(struct weir_registry *registry, struct weir_lease *lease)
{
    int64_t now = registry_now(registry);

    registry_lock(registry);
    struct conn *conn = conn_of_lease(registry, lease);
    if (conn != NULL)
        give_back(conn, 0, now);
    registry_unlock(registry);
    *lease = (struct weir_lease){.conn = NULL};
}

static int refuse(struct weir_registry *registry, int64_t now)
{
    registry->bad_releases++;
    events_add(registry, WEIR_EVENT_BAD_RELEASE, NULL, 0, 0, NULL, now);
    return WEIR_ESTALE;
}

int weir_release(struct weir_registry *registry, struct weir_lease *lease, int status)
{
    int result = 0;
    int64_t now = registry_now(registry);

    registry_lock(registry);
    struct conn *conn = conn_of_lease(registry, lease);
    if (conn == NULL) {
        result = refuse(registry, now);
    } else {
        const struct weir_driver *driver = conn->version->endpoint->driver;
        if (driver->reset != NULL && !is_spent(conn, status)) {
            int outcome = reset(registry, conn);
            status = outcome == 0 ? status : outcome;
            now = registry_now(registry);
        }
        give_back(conn, status, now);
    }
    registry_unlock(registry);
    *lease = (struct weir_lease){.conn = NULL};
    return result;
}
