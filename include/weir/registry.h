/* SPDX-License-Identifier: MIT */
/*
 * The registry: named connections, each a pool of backend connections with versions.
 *
 * A connection is configured by a change (begin, set, drop, commit). Its pool is made on first
 * use. When its settings change, a new version is proven with one backend connection before it
 * takes over; the old version then gives out no further lease, closes what is idle at once and
 * the rest as leases come back, at the latest after the migration timeout.
 *
 * The registry starts no thread. weir_registry_tick does what time demands and never blocks;
 * weir_registry_work does one slow errand (open, check, interrupt, close) and may block in the
 * driver. Something must call both: a weir_keeper does, or the embedder's own threads.
 *
 * Time is in nanoseconds of CLOCK_MONOTONIC (see weir_now); deadlines are absolute. Every function
 * may be called from any thread unless it says otherwise, except from within a driver's function
 * or an observer. No lock is held while a driver, an observer or a hook runs.
 *
 * Forks: what was made before a fork belongs to the parent. In the child every function refuses it
 * with WEIR_EFORKED, or has nothing to do (close, free, abort, unref, tick, work; drained is true),
 * without a lock, a driver's call or a wait, so that a child can end as it would have; the memory
 * is not given back. A child may make registries of its own.
 */
#ifndef WEIR_REGISTRY_H
#define WEIR_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/driver.h>
#include <weir/error.h>
#include <weir/export.h>
#include <weir/observe.h>
#include <weir/settings.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_NAMES_MAX   65536 /* connection names one registry ever knows */
#define WEIR_DRIVERS_MAX 32
#define WEIR_WAITERS_MAX 10000 /* default of max_waiters, per connection */

struct weir_registry;
struct weir_change;
struct weir_pin;
struct weir_keeper;

/* Zero-initialise, then set what should differ; zero and NULL mean the default. */
struct weir_registry_options {
    /* How long a replaced version may live on for its leases. Default 300 s. */
    int64_t migration_timeout;

    /* How long close may wait for a server to let go of a backend connection. Default 5 s. */
    int64_t close_linger;

    /* Seed of the jitter in back-off and lifetimes; 0 takes one from the system. */
    uint64_t seed;

    /* The clock; default CLOCK_MONOTONIC. With another one, blocking acquires cannot be used. */
    int64_t (*now)(void *now_context);
    void *now_context;

    /*
     * A further test of a new version's first backend connection, after open and check: 0 lets the
     * version take over, anything else keeps it staging with that status as the reason. May block
     * until the deadline. Called from weir_registry_work.
     */
    int (*prove)(void *prove_context, const char *name, const struct weir_driver *driver,
                 void *conn, int64_t deadline, struct weir_error *error);
    void *prove_context;

    /* Told of events, from within weir_registry_tick, in order, one at a time. */
    weir_observer *observe;
    void *observe_context;

    /*
     * Called when tick or work has something to do earlier than the last tick announced. Must not
     * block or call back. A keeper installs its own; leave NULL then.
     */
    void (*notify)(void *notify_context);
    void *notify_context;
};

/* A registry without connections. The options are copied. *out is owned by the caller. */
WEIR_EXPORT int weir_registry_new(struct weir_registry **out,
                                  const struct weir_registry_options *options,
                                  struct weir_error *error);

/* Make a driver known; it must outlive the registry. WEIR_EINVAL for a wrong ABI or a taken name.
 */
WEIR_EXPORT int weir_registry_add_driver(struct weir_registry *registry,
                                         const struct weir_driver *driver,
                                         struct weir_error *error);

/* The driver for a type or one of its aliases; NULL if there is none. */
WEIR_EXPORT const struct weir_driver *weir_registry_driver(struct weir_registry *registry,
                                                           const char *type);

/*
 * Refuse everything from now on: waiters finish with WEIR_ECLOSED, acquires fail with it, idle
 * backend connections close, leased ones when they come back or, interrupted, at the deadline.
 * Does not wait: keep calling tick and work until weir_registry_drained. Calling it again may
 * only bring the deadline forward.
 */
WEIR_EXPORT void weir_registry_close(struct weir_registry *registry, int64_t deadline);

/* After close: are all backend connections closed and all events told? */
WEIR_EXPORT bool weir_registry_drained(struct weir_registry *registry);

/*
 * Free a closed and drained registry. No other call may run or follow; a keeper must be gone.
 * *registry becomes NULL; NULL is accepted.
 */
WEIR_EXPORT void weir_registry_free(struct weir_registry **registry);

/* ---- Configuration ------------------------------------------------------------------------- */

/*
 * Start a change on top of the running configuration. One at a time: WEIR_EBUSY while another is
 * open. Every change that was begun must end in commit or abort.
 */
WEIR_EXPORT int weir_change_begin(struct weir_registry *registry, struct weir_change **out,
                                  struct weir_error *error);

/*
 * Configure the connection `name` (1 to WEIR_NAME_MAX bytes of printable UTF-8). Takes its own
 * reference to settings, which must not be modified any more. Everything that can be wrong with
 * them is reported here. A name may be set or dropped once per change.
 */
WEIR_EXPORT int weir_change_set(struct weir_change *change, const char *name,
                                struct weir_settings *settings, struct weir_error *error);

/* Remove a connection. WEIR_EUNKNOWN if it is not configured. */
WEIR_EXPORT int weir_change_drop(struct weir_change *change, const char *name,
                                 struct weir_error *error);

/* What a commit did to one name. */
enum weir_outcome {
    WEIR_OUTCOME_UNCHANGED, /* same settings as before */
    WEIR_OUTCOME_ADDED,
    WEIR_OUTCOME_REMOVED,
    WEIR_OUTCOME_MIGRATED, /* took over at once: nothing was open yet, or it came back */
    WEIR_OUTCOME_RESIZED,  /* only sizes and time-outs: in place, no new version */
    WEIR_OUTCOME_STAGING   /* will take over once a backend connection has proven it */
};

/* What the commit would do to `name` if it happened now; UNCHANGED for a name not mentioned. */
WEIR_EXPORT enum weir_outcome weir_change_outcome(struct weir_change *change, const char *name);

/*
 * Apply all of it in one step. Cannot fail once it has begun to apply; a failure (WEIR_ENOMEM,
 * WEIR_ECLOSED) changes nothing. Both outcomes end the change: *change becomes NULL.
 */
WEIR_EXPORT int weir_change_commit(struct weir_change **change, struct weir_error *error);

/* Forget the change. *change becomes NULL; NULL is accepted. */
WEIR_EXPORT void weir_change_abort(struct weir_change **change);

/* ---- Pins ---------------------------------------------------------------------------------- */

/*
 * A pin holds on to the present generation of the configuration: with it, a connection that a
 * later change removes can still be leased until the migration timeout after its removal.
 * *out is owned by the caller.
 */
WEIR_EXPORT int weir_pin_new(struct weir_registry *registry, struct weir_pin **out,
                             struct weir_error *error);

/* Counted references; the last unref lets go. *pin becomes NULL; NULL is accepted. */
WEIR_EXPORT struct weir_pin *weir_pin_ref(struct weir_pin *pin);
WEIR_EXPORT void weir_pin_unref(struct weir_pin **pin);

/* The pinned generation: 0 before the first commit, one more with each. */
WEIR_EXPORT uint64_t weir_pin_generation(const struct weir_pin *pin);

/* ---- Leases -------------------------------------------------------------------------------- */

/*
 * One borrowed backend connection. The struct is the caller's, its content the pool's: read the
 * fields, do not write them. Good until it is released; may be passed to another thread.
 */
struct weir_lease {
    void *conn; /* the driver's bytes; NULL when nothing is held */
    const struct weir_driver *driver;
    struct weir_settings *settings; /* borrowed: what it was opened with */
    uint64_t stamp;                 /* the number of this lease of this backend connection */
    uint32_t version;               /* of the connection's configuration, from 1 */

    /* How the pool finds it again. */
    void *home;
    uint64_t serial;
};

/*
 * Borrow a backend connection of `name`, waiting in line until the deadline at most. pin may be
 * NULL. On failure lease->conn is NULL and the status one of:
 *   WEIR_EUNKNOWN  no such connection (for this pin)
 *   WEIR_ETIMEOUT  the deadline passed; or had passed before, and nothing was idle; or will
 *                  for sure: nothing is left, and the next attempt to open one comes later.
 *                  The detail has the counts and the last failed open. The error's key is
 *                  "open" if no backend connection is open because the last attempt to open
 *                  one failed, and "" if they are all in use
 *   WEIR_EUNAVAILABLE  at once: none could be opened for breaker_after, and none is left;
 *                  the detail has the last failed open, the key is "open"
 *   WEIR_ESHED     the wait was too long for a line that stands (shed_target)
 *   WEIR_EWAITERS  max_waiters are waiting already
 *   WEIR_ECLOSED   the registry was closed
 *   WEIR_EFORKED   this is a child of the process that made the registry
 *   WEIR_EINVAL, WEIR_ENOMEM
 */
WEIR_EXPORT int weir_acquire(struct weir_registry *registry, const char *name, struct weir_pin *pin,
                             int64_t deadline, struct weir_lease *lease, struct weir_error *error);

/*
 * The same, with the place it is called from, a string that outlives the lease: a lease that is
 * held for longer than leak_timeout is reported with it. The macro puts file and line there.
 */
WEIR_EXPORT int weir_acquire_at(struct weir_registry *registry, const char *name,
                                struct weir_pin *pin, int64_t deadline, const char *site,
                                struct weir_lease *lease, struct weir_error *error);

#define WEIR_SITE_LINE(line) #line
#define WEIR_SITE_TEXT(line) WEIR_SITE_LINE(line)
#define WEIR_SITE            __FILE__ ":" WEIR_SITE_TEXT(__LINE__)
#define weir_acquire(registry, name, pin, deadline, lease, error) \
    weir_acquire_at(registry, name, pin, deadline, WEIR_SITE, lease, error)

/*
 * The same, without waiting: WEIR_EAGAIN if no backend connection is free now, or others wait in
 * line. One is opened or checked then, within the usual limits, so that a later try may find it.
 * Works with every clock. For a callback instead of a wait see weir/async.h.
 */
WEIR_EXPORT int weir_try_acquire(struct weir_registry *registry, const char *name,
                                 struct weir_pin *pin, struct weir_lease *lease,
                                 struct weir_error *error);

/*
 * Give it back with the status of the last thing done on it: 0 if all was well. The status's
 * remedy decides what becomes of the backend connection: RECONNECT closes it, RETIRE closes it and
 * every idle one of its version, all others keep it. May call the driver's reset. Clears *lease.
 * A lease that is not held (released before, or another registry's) is WEIR_ESTALE, is counted,
 * and touches nothing.
 */
WEIR_EXPORT int weir_release(struct weir_registry *registry, struct weir_lease *lease, int status);

/* ---- Operating one connection --------------------------------------------------------------- */

/*
 * Lease nothing of `name` to whoever asks from now on: acquires wait, until their deadline or
 * weir_pool_resume; tries are WEIR_EAGAIN; leases that are out go on. A pause outlasts changes of
 * the configuration; it ends when the connection is removed or changes its type. Pausing what is
 * paused, and resuming what is not, changes nothing. WEIR_EUNKNOWN, WEIR_ECLOSED.
 */
WEIR_EXPORT int weir_pool_pause(struct weir_registry *registry, const char *name,
                                struct weir_error *error);
WEIR_EXPORT int weir_pool_resume(struct weir_registry *registry, const char *name,
                                 struct weir_error *error);

/*
 * Replace every backend connection `name` has now, gently and in the background: a new one is
 * opened first, then an old one closes, when it is idle or comes back; where the budget is full,
 * one closes in advance, and no further one before its successor is there. What was idle for a
 * second and is above the minimum just closes. While none can be opened the others stay: no acquire
 * fails because of it, unless the maximum is 1 and the server lets nobody in any more.
 * WEIR_EUNKNOWN, WEIR_ECLOSED.
 */
WEIR_EXPORT int weir_pool_recycle(struct weir_registry *registry, const char *name,
                                  struct weir_error *error);

/*
 * Give `name` other sizes, in place, as a change of its settings would that leaves the rest alone;
 * the next change of the connection says anew which it has. WEIR_EINVAL for sizes that cannot be,
 * WEIR_EBUSY while a change is open, WEIR_EUNKNOWN, WEIR_ECLOSED, WEIR_ENOMEM.
 */
WEIR_EXPORT int weir_pool_resize(struct weir_registry *registry, const char *name, unsigned min,
                                 unsigned max, struct weir_error *error);

/* ---- Time ---------------------------------------------------------------------------------- */

/* CLOCK_MONOTONIC in nanoseconds. */
WEIR_EXPORT int64_t weir_now(void);

/*
 * Do what time demands: time-outs, ageing, back-off, deadlines, growth to the minimum; tell
 * events. Never blocks on a driver. Returns when it wants to be called next (WEIR_NEVER if only
 * on notify).
 */
WEIR_EXPORT int64_t weir_registry_tick(struct weir_registry *registry, int64_t now);

/* Do one slow errand, if any is due. False if there was none. May run in many threads at once. */
WEIR_EXPORT bool weir_registry_work(struct weir_registry *registry);

/*
 * A ready-made keeper: one thread that ticks, and up to max_threads (0: 128) that come when there
 * are errands and go when there are none. One keeper per registry. Start it before the registry
 * is used from other threads.
 */
WEIR_EXPORT int weir_keeper_start(struct weir_keeper **out, struct weir_registry *registry,
                                  unsigned max_threads, struct weir_error *error);

/*
 * Stop and join all threads; waits for driver calls under way. Close and drain the registry
 * first; no other thread may be using it any more. *keeper becomes NULL; NULL is accepted.
 */
WEIR_EXPORT void weir_keeper_stop(struct weir_keeper **keeper);

/* Wait until the closed registry is drained. WEIR_ETIMEOUT if it is not by the deadline. */
WEIR_EXPORT int weir_keeper_drain(struct weir_keeper *keeper, int64_t deadline);

#ifdef __cplusplus
}
#endif

#endif
