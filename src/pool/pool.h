/* SPDX-License-Identifier: MIT */
/*
 * The pool room's own structures. Everything here is guarded by the registry's mutex unless it
 * says otherwise.
 *
 *     registry --> endpoint (one for each name and type, never freed before the registry)
 *                    --> versions, newest first --> conns, one list for each state
 *                    --> waiters, oldest first
 *
 * What the fast path (lease.c) reads and swaps without the lock is atomic: a live conn's word, and
 * an endpoint's attention, top and slots. Their rules stand in word.h and docs/design.md.
 *
 * Functions that change something take the lock from their caller, and the time as an argument.
 * Whatever must happen without the lock (waiters told, memory freed, the keeper notified) is put
 * aside and done by registry_unlock. Each change of a conn's state goes through conn_move; every
 * way out of a state ends in endpoint_settle, the one place that looks at the waiters.
 */
#ifndef POOL_POOL_H
#define POOL_POOL_H

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>

#include <weir/registry.h>

#include "clock.h"
#include "fork.h"
#include "list.h"
#include "sha256.h"

#define POOL_OPENS_MAX   2                  /* opens in flight, per endpoint */
#define POOL_ERRANDS_MAX 8                  /* errands running at once, per endpoint: a bulkhead */
#define POOL_EVENTS_MAX  512                /* events not told yet */
#define POOL_NUDGES_MAX  2                  /* waiters woken to look for themselves, per endpoint */
#define POOL_LINE        64                 /* bytes that travel between processors together */
#define POOL_STALE       (1 * CLOCK_SECOND) /* idle longer than this: check before reuse */
#define POOL_PASS        (250 * CLOCK_MS)   /* how often what is in use is looked at */
#define POOL_BARGE       (1 * CLOCK_MS)     /* who has waited longer is not overtaken any more */
#define POOL_BACKOFF_MIN (50 * CLOCK_MS)
#define POOL_BACKOFF_MAX (2 * CLOCK_SECOND)
#define POOL_PROBE_COST  10 /* a failed probe waits at least this many times what it cost */

/* ---- Backend connections (conn.c) ----------------------------------------------------------- */

enum conn_state {
    CONN_FREE,    /* memory only; belongs to no version */
    CONN_OPENING, /* from the decision to open until the errand is finished */
    CONN_LIVE,    /* in the hands of the fast path: its word says whether it is idle or leased */
    CONN_STALE,   /* idle for so long that it is checked before it is leased */
    CONN_CHECKING,
    CONN_CLOSING, /* from the decision to close until the server has let go */
    CONN_STATES
};

enum errand_kind { ERRAND_OPEN, ERRAND_CHECK, ERRAND_PEEK, ERRAND_INTERRUPT, ERRAND_CLOSE };

/* Something slow to be done on a conn, without the lock: queued, then running, then gone. */
struct errand {
    struct list link; /* in endpoint->errands while queued */
    struct conn *conn;
    enum errand_kind kind;
    bool queued, running;
};

/*
 * The first line is the fast path's: bytes, settings and number are written only while the word
 * says WORD_HELD, and read by whoever has just made it WORD_LEASED; driver and endpoint are for
 * ever.
 */
struct conn {
    alignas(POOL_LINE) atomic_uint_least64_t word;
    void *bytes; /* the driver's; NULL until the open errand runs */
    const struct weir_driver *driver;
    struct weir_settings *settings; /* a reference: what it was opened with */
    struct endpoint *endpoint;
    _Atomic(const char *) site; /* of the last acquire; static text, or NULL */
    uint32_t number;            /* of its version */
    unsigned place;             /* in the endpoint's slots */

    struct list link; /* in version->conns[state], unless it is free */
    struct version *version;
    enum conn_state state;
    bool opened;                /* the driver's open was called, so close must be */
    bool probe;                 /* being opened to prove a staging version */
    bool interrupted;           /* once only; will be closed */
    bool outdated;              /* to be replaced: somebody asked to recycle */
    bool reported;              /* this lease, as held for too long */
    uint64_t counted;           /* leases before it was opened the last time */
    uint64_t seen;              /* the word, when ageing last looked at it */
    int64_t seen_at, seen_from; /* since when it is known to be so, and may have been so */
    uint64_t parked;            /* the word, when a check that nobody waited for had ended */
    int64_t opened_at, idle_since, checked_at, expires_at;
    int64_t patience;   /* for each call of the driver: the connect_timeout it was opened with */
    struct errand task; /* open, check, peek or close */
    struct errand stop; /* interrupt, which may run beside the task */
};

/* All conns an endpoint ever had, by place; never freed before it. A longer one replaces it. */
struct slots {
    struct slots *older;
    struct conn *chunk; /* the memory it added */
    unsigned count;
    struct conn *at[];
};

/* ---- Versions (version.c) ------------------------------------------------------------------- */

struct limits {
    unsigned min, max, max_waiters;
    int64_t connect_timeout, idle_timeout, max_lifetime, keepalive_interval, leak_timeout;
    int64_t breaker_after, shed_target, shed_interval; /* 0: off */
    bool strict;                                       /* nobody is overtaken, ever */
};

/* Proving a staging version with one backend connection. */
struct probe {
    bool running;           /* its conn is opening */
    bool claimed;           /* a slot is being emptied for it */
    bool pushed;            /* one lease has been interrupted for it */
    int64_t next_at;        /* not before */
    int64_t started_at;     /* of the present attempt, waiting for the slot included; or 0 */
    int64_t slot_wait_from; /* since when it lacked a slot; or 0 if it never did */
    int64_t backoff;
    unsigned finished;
};

struct version {
    struct list link; /* in endpoint->versions, or in registry->garbage */
    struct endpoint *endpoint;
    uint32_t number; /* 0 until it is used */
    enum weir_version_state state;
    struct weir_settings *settings;
    struct limits limits;
    char digest[SHA256_HEX];
    struct slots *slots; /* for the endpoint to take with the change; NULL: it has enough */
    struct list conns[CONN_STATES];
    unsigned counts[CONN_STATES];
    unsigned held; /* all of them */
    int64_t created_at, deprecated_at, closes_by;
    bool expired; /* closes_by has passed; its leases have been interrupted */
    struct probe probe;
    bool failing; /* the last open failed */
    bool robbed;  /* the last conn it lost was taken from it for a probe */
    int64_t retry_at, backoff;
    struct weir_totals totals;
    struct weir_error last_error;
    int64_t last_error_at;
};

/* ---- Tenures (tenure.c) ---------------------------------------------------------------------- */

/* The generations, from <= g < to, in which a name meant one of its endpoints. */
struct tenure {
    struct list link; /* in endpoint->tenures, newest first */
    uint64_t from, to;
};

/* ---- Refusing (breaker.c, shed.c) ------------------------------------------------------------ */

/* Open while no backend connection can be opened, and none is left. */
struct breaker {
    uint32_t version;      /* whose failures these are */
    int64_t failing_since; /* 0: its last open succeeded */
    int64_t opened_at;     /* 0: closed */
};

/* What the line was like in the present interval, and whether the last one was overload. */
struct shed {
    int64_t look_at; /* the end of the interval */
    int64_t least;   /* the shortest wait in it that ended in a grant; CLOCK_NEVER if none did */
    bool overloaded;
};

/* ---- Recycling (recycle.c) ------------------------------------------------------------------- */

struct recycle {
    bool running;
    uint32_t version; /* whose conns are replaced */
    uint64_t opened;  /* since it began, or not needed */
    uint64_t closed;  /* in exchange: at most one more */
};

/* ---- Endpoints (endpoint.c) ----------------------------------------------------------------- */

/* What the fast path must leave to the lock. */
#define ATTENTION_QUEUE  1u /* acquires: stand in line */
#define ATTENTION_RETURN 2u /* releases: look whether somebody waits for it */
#define ATTENTION_GONE   4u /* nothing is configured here under this name */
#define ATTENTION_LINE   8u /* somebody waits */
#define ATTENTION_ALL    (ATTENTION_QUEUE | ATTENTION_RETURN)

struct endpoint {
    alignas(POOL_LINE) atomic_uint attention;
    atomic_uint top; /* conns at this place and beyond are free */
    _Atomic(struct slots *) slots;
    atomic_uint epoch; /* of passes: what a thread remembers holds for one */
    uint32_t hash;     /* of the name */

    struct weir_registry *registry;
    char *name;
    const struct weir_driver *driver;
    bool removed;        /* not configured any more */
    int64_t removed_by;  /* when pinned work must be done */
    struct list tenures; /* never empty once it is the registry's; the first is the last one */
    uint32_t last_number;
    struct version *unused; /* configured, not used yet */
    struct version *active;
    struct version *staging;
    struct version *legacy; /* of a removed endpoint: serves what is pinned */
    struct list versions;   /* all that were used and are not closed, newest first */
    struct list waiters;    /* oldest first */
    unsigned waiting;
    unsigned nudged;      /* of these: woken to look for themselves, and not back yet */
    struct waiter *awake; /* one that looks for itself right now, under this lock */
    unsigned held;        /* backend connections the server may see, over all versions */
    unsigned opening;     /* of these */
    struct list errands;  /* queued */
    struct list ready;    /* in registry->ready while errands are queued and may run */
    unsigned running;     /* errands */
    int64_t due;          /* when settle wants to look again */
    int64_t waiters_due;  /* no waiter's deadline is earlier */
    int64_t ageing_due;   /* no conn is to be looked at earlier */
    int64_t passed_at;    /* when ageing last looked */
    bool paused;          /* nothing is leased */
    struct breaker breaker;
    struct shed shed;
    struct recycle recycle;
    struct weir_totals totals;
};

/* ---- Waiters (waiter.c) --------------------------------------------------------------------- */

enum waiter_state { WAITER_WAITING, WAITER_DONE };

/*
 * One acquire; its memory is the caller's until complete has been called, and nudge as often as
 * `nudges` says.
 */
struct waiter {
    struct list link; /* in endpoint->waiters, then in registry->completed */
    struct list call; /* in registry->nudges */
    struct endpoint *endpoint;
    int64_t deadline; /* for tick to keep; CLOCK_NEVER if the caller keeps it */
    int64_t until;    /* when the caller gives up, whoever keeps it */
    int64_t since;
    bool impatient; /* takes what is free now, or nothing */
    enum waiter_state state;
    int status;
    struct weir_lease lease;
    struct weir_error error;
    void (*complete)(struct waiter *waiter); /* exactly once, without the lock */

    /*
     * Called without the lock when there may be something to take: waiter_retry must follow. NULL:
     * it cannot look for itself, and is handed what it waits for.
     */
    void (*nudge)(struct waiter *waiter);
    bool nudged;     /* and has not retried yet */
    unsigned nudges; /* so far */
    const char *site;
};

/* ---- The registry (registry.c) -------------------------------------------------------------- */

struct weir_pin {
    struct list link; /* in registry->pins, oldest generation first */
    struct weir_registry *registry;
    uint64_t generation;
    unsigned refs;
};

/* Endpoints by the hash of their name, open addressing; read without the lock, only grows. */
struct directory {
    struct directory *older;
    size_t mask;
    _Atomic(struct endpoint *) at[];
};

struct weir_registry {
    _Atomic(struct directory *) directory;
    uint64_t serial; /* unique in this process */
    unsigned made;   /* fork_now at that time */
    bool foreign_clock;
    atomic_uint_least64_t generation;

    pthread_mutex_t mutex;
    struct weir_registry_options options;
    uint64_t random;
    uint8_t digest_key[SHA256_LEN];
    const struct weir_driver *drivers[WEIR_DRIVERS_MAX];
    size_t drivers_count;
    struct endpoint **endpoints; /* in order of name, then type */
    size_t endpoints_count, endpoints_room;
    struct weir_change *change; /* the open one */
    struct list pins;
    struct list ready; /* endpoints with errands that may run */
    uint64_t bad_releases;
    bool closed;
    int64_t close_by;
    unsigned running;  /* errands */
    int64_t announced; /* what the last tick returned */

    struct weir_event *events; /* ring of POOL_EVENTS_MAX */
    size_t events_first, events_count;
    uint64_t events_lost;
    bool telling;

    /* Put aside for registry_unlock. */
    struct list completed; /* waiters */
    struct list nudges;    /* waiters */
    struct list garbage;   /* versions */
    bool notify;
};

/* ---- registry.c ---- */
int64_t registry_now(struct weir_registry *registry);
void registry_lock(struct weir_registry *registry);
/* Unlock, then tell completed waiters, free garbage, notify. */
void registry_unlock(struct weir_registry *registry);
/* The endpoint `name` means for this generation (a pin's); NULL if none. */
struct endpoint *registry_find(struct weir_registry *registry, const char *name,
                               const struct weir_pin *pin);
/* The endpoint of exactly that name and driver, removed ones included; NULL if none. */
struct endpoint *registry_find_exact(struct weir_registry *registry, const char *name,
                                     const struct weir_driver *driver);
/* No lock, one change at a time: room for that many more endpoints. */
int registry_reserve(struct weir_registry *registry, size_t more);
/* Takes the endpoint; there is room. */
void registry_insert(struct weir_registry *registry, struct endpoint *endpoint);
/* Is there a pin on a generation before this one? */
bool registry_pinned_before(const struct weir_registry *registry, uint64_t generation);
/* Ask for a tick (or work) sooner than announced. */
void registry_notify_by(struct weir_registry *registry, int64_t due);
/* Lock inside: is an errand waiting to be taken? */
bool registry_has_errand(struct weir_registry *registry);

/* The next free number for a version of this name, whatever its type. */
uint32_t registry_next_number(const struct weir_registry *registry, const char *name);

/* ---- directory.c ---- */
uint32_t directory_hash(const char *name);
/* No lock, but one change at a time: a directory with room for that many; NULL without memory. */
struct directory *directory_new(const struct weir_registry *registry, size_t room);
/* Takes the directory: readers find it from now on. */
void directory_publish(struct weir_registry *registry, struct directory *directory);
/* There is room. */
void directory_insert(struct directory *directory, struct endpoint *endpoint);
/* Without the lock: the endpoint that is configured under this name; NULL if none is. */
struct endpoint *directory_find(const struct weir_registry *registry, const char *name);
void directory_free_all(struct weir_registry *registry);

/* ---- slots.c ---- */
/* No lock, but one change at a time: room for `max` conns, if there is less; false without memory.
 */
bool slots_extend(struct endpoint *endpoint, unsigned max, struct slots **out);
/* Takes the slots: the endpoint's from now on. *slots becomes NULL; NULL is accepted. */
void slots_adopt(struct endpoint *endpoint, struct slots **slots);
/* Slots that no endpoint has taken. */
void slots_free(struct slots **slots);
/* All the endpoint has. */
void slots_free_all(struct endpoint *endpoint);
/* The free conn with the lowest place; the budget sees to it that there is one. */
struct conn *slots_free_conn(struct endpoint *endpoint);
/* After a conn became free, or ceased to be. */
void slots_set_top(struct endpoint *endpoint);

/* ---- tenure.c ---- */
/* Not begun yet; NULL if out of memory. free() it, or begin it. */
struct tenure *tenure_new(void);
/* With this generation the endpoint is configured; it owns the tenure. */
void tenure_begin(struct endpoint *endpoint, struct tenure *tenure);
/* With this generation it is not any more. */
void tenure_end(struct endpoint *endpoint);
/* Of the last tenure, which has ended. */
uint64_t tenure_ended_at(const struct endpoint *endpoint);
/* Was it configured in this generation? For the present one and for pinned ones. */
bool tenure_covers(const struct endpoint *endpoint, uint64_t generation);
void tenure_free_all(struct endpoint *endpoint);

/* ---- endpoint.c ---- */
struct endpoint *endpoint_new(struct weir_registry *registry, const char *name,
                              const struct weir_driver *driver);
void endpoint_free(struct endpoint **endpoint);
/* First use: the configured version becomes active. */
void endpoint_use(struct endpoint *endpoint, int64_t now);
/* The version leases are given out from; NULL if none. */
struct version *endpoint_serving(const struct endpoint *endpoint);
/* Look at waiters, probe, minimum and budget, and do what is to be done; sets due. */
void endpoint_settle(struct endpoint *endpoint, int64_t now);
/* What time demands: deadlines, ageing, keep-alive; then settle. */
void endpoint_tick(struct endpoint *endpoint, int64_t now);
/* Active, if any, gives way to the staging version. */
void endpoint_switch(struct endpoint *endpoint, int64_t now);
/* Active and staging, if any, give way to a deprecated version that has not expired. */
void endpoint_come_back(struct endpoint *endpoint, struct version *version, int64_t now);
/* Nothing pinned is left to serve: the removed configuration's last version may be buried. */
void endpoint_forget_legacy(struct endpoint *endpoint, int64_t now);
/* Replace the staging version, if any, by this one; NULL: by none. */
void endpoint_stage(struct endpoint *endpoint, struct version *version, int64_t now);
/* Replace the configuration that was never used; takes version (NULL: none). */
void endpoint_configure(struct endpoint *endpoint, struct version *version);
/* The active version gets the other one's sizes, time-outs and settings, and it the old ones. */
void endpoint_resize(struct endpoint *endpoint, struct version *from, int64_t now);
/* No configuration any more: pinned work may go on until closes_by. */
void endpoint_remove(struct endpoint *endpoint, int64_t now);
void endpoint_close(struct endpoint *endpoint, int64_t now);

/* ---- breaker.c ---- */
/* Has the version nothing that could be leased, and did its last open fail? */
bool breaker_trips(const struct version *version);
/* Open or close it. */
void breaker_run(struct endpoint *endpoint, int64_t now);
/* 0; or the status, if it is certain that none can be leased until then. */
int breaker_verdict(const struct endpoint *endpoint, int64_t until, int64_t now);
/* When breaker_run is to be called again. */
int64_t breaker_due(const struct endpoint *endpoint, int64_t now);

/* ---- shed.c ---- */
/* Somebody entered the line. */
void shed_entered(struct endpoint *endpoint, int64_t now);
/* Somebody was granted a lease after this wait. */
void shed_granted(struct endpoint *endpoint, int64_t wait);
/* Look back on the interval if it is over; refuse whose wait is too long. */
void shed_run(struct endpoint *endpoint, int64_t now);
/* When shed_run is to be called again. */
int64_t shed_due(const struct endpoint *endpoint);

/* ---- recycle.c ---- */
/* All the serving version has now is to be replaced. */
void recycle_begin(struct endpoint *endpoint);
/* A version serves again: what was still to be replaced is. */
void recycle_come_back(struct endpoint *endpoint, const struct version *version);
/* Close what has been paid for. */
void recycle_run(struct endpoint *endpoint, int64_t now);
/* Is one more to be opened for it? */
bool recycle_wants(const struct endpoint *endpoint);
/* An open has succeeded. */
void recycle_opened(struct conn *conn);
/* Is this one, which has come back, to be closed now? */
bool recycle_takes(struct conn *conn, int64_t now);

/* ---- ageing.c ---- */
/* Close or check the idle conns of the serving version whose time it is; sets ageing_due. */
void ageing_run(struct endpoint *endpoint, int64_t now);
/* A conn became live or stale: see to it that it is looked at in time. */
void ageing_expect(struct conn *conn, int64_t now);
/* One of the version was lost: do not trust the idle ones before they are checked. */
void ageing_suspect(struct version *version, int64_t now);
/* Is it past its lifetime, and may it close now? One at a time. */
bool ageing_retires(const struct conn *conn, int64_t now);

/* ---- version.c ---- */
struct version *version_new(struct endpoint *endpoint, struct weir_settings *settings);
void version_free(struct version **version);
/* Give it its number and put it into the endpoint's list. */
void version_enlist(struct version *version, enum weir_version_state state, int64_t now);
/* No lease any more: idle ones close, opens in flight stop, leases end by closes_by. */
void version_deprecate(struct version *version, int64_t closes_by, int64_t now);
/* Those the fast path could lease. */
unsigned version_idle(const struct version *version);
/* As the snapshot has them. */
struct weir_counts version_counts(const struct version *version);
/* Leases of conns it still has; their count joins the totals when they have closed. */
uint64_t version_unfolded(const struct version *version);
/* Same settings but for sizes and time-outs? */
bool version_same_kin(const struct version *a, const struct version *b);
/* Take over the other one's sizes, time-outs and settings; it gets the old ones. */
void version_resize(struct version *version, struct version *from);
/* A staging version that was replaced or removed before it was proven. */
void version_reject(struct version *version, int64_t now);
/* closes_by has passed: interrupt what is still in use. */
void version_expire(struct version *version, int64_t now);
/* If nothing is left of a version that ended, close it. */
void version_bury(struct version *version, int64_t now);
void version_open_failed(struct version *version, const struct weir_error *error, int64_t now);
void version_open_succeeded(struct version *version, int64_t now);
/* Close every idle conn; how many. */
unsigned version_close_idle(struct version *version);
/* The server is not the one wanted any more: close what is idle and say so. */
void version_retire(struct version *version, const struct weir_error *error, int64_t now);

/* ---- conn.c ---- */
/* The one door for a change of state. */
void conn_move(struct conn *conn, enum conn_state state);
/* Take a free conn of the version and queue its opening. */
struct conn *conn_open(struct version *version, bool probe);
/* Queue a check of an idle conn. */
void conn_check(struct conn *conn);
/* Close it, as soon as no errand runs on it; from any state but leased by somebody else. */
void conn_close(struct conn *conn);
/* Queue an interrupt, unless there was one. */
void conn_interrupt(struct conn *conn);
/* From any state, with its word held: idle, for the fast path to find. */
void conn_idle(struct conn *conn, int64_t now);
/* As idle as before, after an errand: since when, and when it was known to be alive. */
void conn_park(struct conn *conn, int64_t trusted_from, int64_t checked_at, int64_t now);
/* Not to be leased any more before it was checked. */
void conn_stale(struct conn *conn, int64_t idle_since, int64_t now);
/* One that was claimed, and is what it was after all. */
void conn_unclaim(struct conn *conn);
/* Queue a look at its socket. */
void conn_peek(struct conn *conn);
/* If it is live and idle: take it out of the fast path's hands. */
bool conn_claim(struct conn *conn);
/* Live: claim it if it is idle (true), or have its return go through the lock (false). */
bool conn_recall(struct conn *conn);
/* An idle one of the version, claimed, the least useful first; NULL if there is none. */
struct conn *conn_claim_any(struct version *version);
/* One that was claimed, into the waiter's hands. */
void conn_lease(struct conn *conn, struct weir_lease *lease, const char *site);
/* Leases of it since it was opened. */
uint64_t conn_acquired(const struct conn *conn);

/* ---- lease.c ---- */
/*
 * Without the lock: lease an idle one, unless there is none, or attention asks for one of
 * `forbidding`.
 */
bool lease_take(struct endpoint *endpoint, unsigned forbidding, const char *site,
                struct weir_lease *lease);

/* ---- lease.c ---- */
/* Lock inside. Give back, unused, what was granted to somebody who does not want it any more. */
void lease_decline(struct weir_lease *lease);

/* ---- change.c ---- */
/* Lock inside. What is configured for this name; a reference, or NULL for none. */
struct weir_settings *change_settings(struct weir_change *change, const char *name);

/* ---- errand.c ---- */
/* What run found; filled there, read by finish. */
struct errand_result {
    int status;
    struct weir_error error;
    int64_t started_at;
    void *bytes; /* to be freed after finish, as are the settings */
    struct weir_settings *settings;
};
void errand_queue(struct errand *errand, enum errand_kind kind);
/* Take a queued errand back before it runs. */
void errand_cancel(struct errand *errand);
/* Lock inside: choose one, mark it running. NULL if none is due. */
struct errand *errand_take(struct weir_registry *registry);
/* Without the lock: call the driver. */
void errand_run(struct errand *errand, struct errand_result *result);
/* Lock inside: apply what was found. */
void errand_finish(struct errand *errand, struct errand_result *result);

/* ---- waiter.c ---- */
/* Lock inside. Enter the line; complete is called once, maybe before this returns. */
void waiter_start(struct weir_registry *registry, const char *name, const struct weir_pin *pin,
                  struct waiter *waiter);
/* Lock inside. It was nudged, and looks for itself. */
void waiter_retry(struct weir_registry *registry, struct waiter *waiter);
/* May others take an idle one before it? */
bool waiter_yields(const struct waiter *waiter, int64_t now);
/* Wake it to look for itself. */
void waiter_nudge(struct waiter *waiter);
/* Lock inside. Leave the line with this status; false if it was completed already. */
bool waiter_cancel(struct weir_registry *registry, struct waiter *waiter, int status);
void waiter_grant(struct waiter *waiter, struct conn *conn, int64_t now);
/* The same detail. */
void waiter_fail(struct waiter *waiter, int status);
/* The detail of a failure is made from the endpoint's state. */
void waiter_fail_all(struct endpoint *endpoint, int status);
/* Fail those whose deadline has passed. */
void waiter_expire(struct endpoint *endpoint, int64_t now);

/* ---- events.c ---- */
int events_init(struct weir_registry *registry);
void events_fini(struct weir_registry *registry);
void events_add(struct weir_registry *registry, enum weir_event_type type,
                struct endpoint *endpoint, uint32_t version, uint64_t count,
                const struct weir_error *error, int64_t now);
/* Lock inside, released around each call: tell all there are. */
void events_tell(struct weir_registry *registry);

#endif
