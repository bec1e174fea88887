/* SPDX-License-Identifier: MIT */
/*
 * Owns: borrowing and returning: the way without the lock when a conn is idle and nobody waits, the
 * blocking acquire, the release, the reset between them.
 * Never does: follow a lease that is not this registry's; a stale one is told by its number.
 * Lock: none on the fast path (word.h says why); else the registry's.
 */
#include "lease.h"

#include <string.h>

#include "sleeper.h"
#include "word.h"

#define MEMORY_SIZE 4  /* endpoints a thread remembers */
#define SPIN_MIN    16 /* pauses between two looks at the words before standing in line: at first */
#define SPIN_MAX    64 /* and in the end */

/* ---- Without the lock: acquire --------------------------------------------------------------- */

/*
 * Where a thread found its last conn. Its own is tried first, so that threads keep out of each
 * other's way; for one epoch only, so that they come back to the lowest places, and what is not
 * needed ages.
 */
struct memory {
    uint64_t serial; /* of the registry; 0: nothing is remembered */
    struct endpoint *endpoint;
    unsigned epoch, place;
};

static _Thread_local struct memory memories[MEMORY_SIZE] __attribute__((tls_model("initial-exec")));

static struct memory *memory_of(struct endpoint *endpoint)
{
    struct memory *memory = &memories[endpoint->hash % MEMORY_SIZE];
    uint64_t serial = endpoint->registry->serial;
    unsigned epoch = atomic_load_explicit(&endpoint->epoch, memory_order_relaxed);

    if (memory->serial != serial || memory->endpoint != endpoint || memory->epoch != epoch)
        *memory = (struct memory){.serial = serial, .endpoint = endpoint, .epoch = epoch};
    return memory;
}

static bool take(struct conn *conn, const char *site, struct weir_lease *lease)
{
    uint64_t word = word_look(&conn->word);
    uint64_t number = word_number(word) + 1;

    if (word_state(word) != WORD_IDLE ||
        !word_swap(&conn->word, word, word_make(WORD_LEASED, number)))
        return false;
    atomic_store_explicit(&conn->site, site, memory_order_relaxed);
    lease_fill(conn, number, lease);
    return true;
}

bool lease_take(struct endpoint *endpoint, unsigned forbidding, const char *site,
                struct weir_lease *lease)
{
    if (atomic_load(&endpoint->attention) & forbidding)
        return false;
    unsigned top = atomic_load_explicit(&endpoint->top, memory_order_acquire);
    const struct slots *slots = atomic_load_explicit(&endpoint->slots, memory_order_acquire);
    struct memory *memory = memory_of(endpoint);
    unsigned place = memory->place < top ? memory->place : 0;

    for (unsigned left = top; left > 0; left--) {
        if (take(slots->at[place], site, lease)) {
            memory->place = place;
            return true;
        }
        if (++place == top)
            place = 0;
    }
    return false;
}

/* What a name stood for the last time this thread asked: comparing is quicker than hashing. */
struct acquaintance {
    uint64_t serial; /* of the registry; 0: none */
    struct endpoint *endpoint;
};

static _Thread_local struct acquaintance acquaintances[MEMORY_SIZE]
    __attribute__((tls_model("initial-exec")));

static struct endpoint *find_by_name(struct weir_registry *registry, const char *name)
{
    struct acquaintance *last = &acquaintances[(uintptr_t)name / 8 % MEMORY_SIZE];

    if (last->serial == registry->serial && strcmp(last->endpoint->name, name) == 0 &&
        !(atomic_load_explicit(&last->endpoint->attention, memory_order_relaxed) & ATTENTION_GONE))
        return last->endpoint;
    struct endpoint *endpoint = directory_find(registry, name);
    if (endpoint != NULL)
        *last = (struct acquaintance){.serial = registry->serial, .endpoint = endpoint};
    return endpoint;
}

/* Which endpoint this acquire is for, if that can be told without the lock. */
static struct endpoint *find(struct weir_registry *registry, const char *name,
                             const struct weir_pin *pin)
{
    if (pin != NULL &&
        pin->generation != atomic_load_explicit(&registry->generation, memory_order_acquire))
        return NULL;
    return find_by_name(registry, name);
}

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/*
 * Somebody may be about to return one: a moment of looking is cheaper than sleeping. Ever longer
 * pauses between two looks leave the word with those who use it.
 */
static bool spin(struct endpoint *endpoint, const char *site, struct weir_lease *lease)
{
    for (unsigned pause = SPIN_MIN; pause <= SPIN_MAX; pause *= 2) {
        for (unsigned i = 0; i < pause; i++)
            relax();
        if (lease_take(endpoint, ATTENTION_QUEUE, site, lease))
            return true;
        if (atomic_load_explicit(&endpoint->attention, memory_order_relaxed) & ATTENTION_QUEUE ||
            atomic_load_explicit(&endpoint->top, memory_order_relaxed) == 0)
            return false;
    }
    return false;
}

/* ---- Acquire --------------------------------------------------------------------------------- */

static int wait_in_line(struct weir_registry *registry, const char *name, struct weir_pin *pin,
                        int64_t deadline, const char *site, struct weir_lease *lease,
                        struct weir_error *error)
{
    struct sleeper sleeper;

    sleeper_init(&sleeper, deadline, site);
    waiter_start(registry, name, pin, &sleeper.waiter);
    int status = sleeper_wait(&sleeper, registry, deadline);
    sleeper_fini(&sleeper);
    if (status == 0)
        *lease = sleeper.waiter.lease;
    else if (error != NULL)
        *error = sleeper.waiter.error;
    return status;
}

int weir_acquire_at(struct weir_registry *registry, const char *name, struct weir_pin *pin,
                    int64_t deadline, const char *site, struct weir_lease *lease,
                    struct weir_error *error)
{
    struct endpoint *endpoint = NULL;

    if (!fork_left(registry->made) && !registry->foreign_clock)
        endpoint = find(registry, name, pin);
    if (endpoint != NULL && lease_take(endpoint, ATTENTION_QUEUE, site, lease))
        return 0;
    *lease = (struct weir_lease){.conn = NULL};
    if (fork_left(registry->made))
        return fork_refuse(error);
    if (registry->foreign_clock)
        return weir_fail(error, WEIR_EINVAL, "a blocking acquire needs the system's clock");
    if (endpoint != NULL && spin(endpoint, site, lease))
        return 0;
    return wait_in_line(registry, name, pin, deadline, site, lease, error);
}

int(weir_acquire)(struct weir_registry *registry, const char *name, struct weir_pin *pin,
                  int64_t deadline, struct weir_lease *lease, struct weir_error *error)
{
    return weir_acquire_at(registry, name, pin, deadline, NULL, lease, error);
}

static void forget_it(struct waiter *waiter)
{
    (void)waiter; /* the caller looks for itself */
}

int weir_try_acquire(struct weir_registry *registry, const char *name, struct weir_pin *pin,
                     struct weir_lease *lease, struct weir_error *error)
{
    struct waiter waiter = {
        .deadline = CLOCK_NEVER, .until = CLOCK_NEVER, .impatient = true, .complete = forget_it};

    *lease = (struct weir_lease){.conn = NULL};
    if (fork_left(registry->made))
        return fork_refuse(error);
    struct endpoint *endpoint = find(registry, name, pin);
    if (endpoint != NULL && lease_take(endpoint, ATTENTION_QUEUE | ATTENTION_LINE, NULL, lease))
        return 0;
    waiter_start(registry, name, pin, &waiter);
    *lease = waiter.lease;
    if (waiter.status != 0 && error != NULL)
        *error = waiter.error;
    return waiter.status;
}

/* ---- Release: with the lock ------------------------------------------------------------------ */

static unsigned live_of(const struct endpoint *endpoint)
{
    const struct version *active = endpoint->active;

    return active == NULL ? 0 : active->held - active->counts[CONN_CLOSING];
}

static bool is_spent(const struct conn *conn, int status)
{
    enum weir_remedy remedy = weir_remedy(status);
    const struct version *serving = endpoint_serving(conn->endpoint);

    return conn->interrupted || remedy == WEIR_REMEDY_RECONNECT || remedy == WEIR_REMEDY_RETIRE ||
           conn->version != serving || live_of(conn->endpoint) > serving->limits.max;
}

static void retire(struct conn *conn, int status, int64_t now)
{
    struct weir_error error;

    weir_fail(&error, status, "a returned backend connection says: %s", weir_strerror(status));
    version_retire(conn->version, &error, now);
}

/* Its word is held. */
static void give_back(struct conn *conn, int status, int64_t now)
{
    struct endpoint *endpoint = conn->endpoint;
    enum weir_remedy remedy = weir_remedy(status);

    if (remedy == WEIR_REMEDY_RETIRE)
        retire(conn, status, now);
    if (remedy == WEIR_REMEDY_RECONNECT)
        ageing_suspect(conn->version, now);
    if (is_spent(conn, status) || ageing_retires(conn, now) || recycle_takes(conn, now))
        conn_close(conn);
    else
        conn_idle(conn, now);
    endpoint_settle(endpoint, now);
}

static int refuse(struct weir_registry *registry)
{
    int64_t now = registry_now(registry);

    registry_lock(registry);
    registry->bad_releases++;
    events_add(registry, WEIR_EVENT_BAD_RELEASE, NULL, 0, 0, NULL, now);
    registry_unlock(registry);
    return WEIR_ESTALE;
}

/* The word was swapped to WORD_RETURNING by this very call. */
static void give_back_locked(struct conn *conn, int status)
{
    struct weir_registry *registry = conn->endpoint->registry;
    int64_t now = registry_now(registry);

    registry_lock(registry);
    word_set(&conn->word, word_make(WORD_HELD, word_number(word_look(&conn->word))));
    give_back(conn, status, now);
    registry_unlock(registry);
}

/* ---- Release --------------------------------------------------------------------------------- */

static void settle(struct endpoint *endpoint)
{
    struct weir_registry *registry = endpoint->registry;
    int64_t now = registry_now(registry);

    registry_lock(registry);
    endpoint_settle(endpoint, now);
    registry_unlock(registry);
}

/* From here on nobody else can return it; a second release finds another word. */
static bool begin_return(struct conn *conn, uint64_t number)
{
    uint64_t word = word_make(WORD_LEASED, number);

    return word_swap(&conn->word, word, word_make(WORD_RETURNING, number)) ||
           word_swap(&conn->word, word | WORD_RECALLED,
                     word_make(WORD_RETURNING, number) | WORD_RECALLED);
}

/* The driver's reset runs on the thread that returns the lease, without the lock. */
static int reset(struct conn *conn)
{
    struct weir_registry *registry = conn->endpoint->registry;
    int64_t deadline = clock_add(registry_now(registry), conn->patience);
    int status = conn->driver->reset(conn->bytes, deadline, NULL);

    return status == 0 || weir_remedy(status) == WEIR_REMEDY_RETIRE ? status : WEIR_ELOST;
}

/* The next in line is looked for before it counts as idle. It was never used: no reset. */
void lease_decline(struct weir_lease *lease)
{
    struct conn *conn = lease->home;

    if (begin_return(conn, lease->stamp))
        give_back_locked(conn, 0);
    *lease = (struct weir_lease){.conn = NULL};
}

static bool keeps(int status)
{
    enum weir_remedy remedy = status == 0 ? WEIR_REMEDY_NONE : weir_remedy(status);

    return remedy != WEIR_REMEDY_RECONNECT && remedy != WEIR_REMEDY_RETIRE;
}

/* A recalled one may be kept after all: the lock's holder can tell. */
static bool may_serve(struct conn *conn, int status)
{
    struct weir_registry *registry = conn->endpoint->registry;

    if (!(word_look(&conn->word) & WORD_RECALLED))
        return true;
    registry_lock(registry);
    bool spent = is_spent(conn, status);
    registry_unlock(registry);
    return !spent;
}

/* Through the driver's reset, or through the lock, or both. */
static int return_slowly(struct conn *conn, uint64_t number, int status)
{
    struct endpoint *endpoint = conn->endpoint;

    if (!begin_return(conn, number))
        return refuse(endpoint->registry);
    if (keeps(status) && conn->driver->reset != NULL && may_serve(conn, status)) {
        int outcome = reset(conn);
        status = outcome == 0 ? status : outcome;
    }
    if (!keeps(status) ||
        !word_swap(&conn->word, word_make(WORD_RETURNING, number), word_make(WORD_IDLE, number)))
        give_back_locked(conn, status);
    else if (atomic_load(&endpoint->attention) & ATTENTION_RETURN)
        settle(endpoint);
    return 0;
}

int weir_release(struct weir_registry *registry, struct weir_lease *lease, int status)
{
    struct conn *conn = lease->home;
    uint64_t number = lease->stamp;
    int result = 0;

    if (fork_left(registry->made))
        result = WEIR_EFORKED;
    else if (conn == NULL || lease->serial != registry->serial)
        result = refuse(registry);
    else if (!keeps(status) || conn->driver->reset != NULL ||
             !word_swap(&conn->word, word_make(WORD_LEASED, number), word_make(WORD_IDLE, number)))
        result = return_slowly(conn, number, status);
    else if (atomic_load(&conn->endpoint->attention) & ATTENTION_RETURN)
        settle(conn->endpoint);
    *lease = (struct weir_lease){.conn = NULL};
    return result;
}
