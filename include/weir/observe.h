/* SPDX-License-Identifier: MIT */
/*
 * Observing a registry: events as they happen, and snapshots of everything.
 */
#ifndef WEIR_OBSERVE_H
#define WEIR_OBSERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/export.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_registry;

/* X(NAME, "name in logs") */
#define WEIR_EVENTS(X)                                                                            \
    X(POOL_CREATED, "pool-created")             /* first use of a connection */                   \
    X(VERSION_STAGED, "version-staged")         /* a changed configuration awaits its proof */    \
    X(VERSION_SWITCHED, "version-switched")     /* a version became active */                     \
    X(VERSION_CAME_BACK, "version-came-back")   /* a deprecated version became active again */    \
    X(VERSION_REJECTED, "version-rejected")     /* a staging version was replaced before proof */ \
    X(VERSION_DEPRECATED, "version-deprecated") /* it gives out no further leases */              \
    X(VERSION_EXPIRED, "version-expired") /* migration timeout: its leases are interrupted */     \
    X(VERSION_CLOSED, "version-closed")   /* its last backend connection is closed */             \
    X(PROBE_FAILED, "probe-failed")       /* a staging version could not be proven */             \
    X(OPEN_FAILED, "open-failed")                                                                 \
    X(OPEN_RECOVERED, "open-recovered")           /* the first success after failures */          \
    X(CHECK_FAILED, "check-failed")               /* an idle connection was found dead */         \
    X(CONNECTIONS_RETIRED, "connections-retired") /* the server is not the one wanted */          \
    X(CLOSE_LINGERED, "close-lingered")           /* a server was not seen to let go */           \
    X(POOL_RESIZED, "pool-resized")               /* sizes or time-outs changed, in place */      \
    X(LEASE_LEAKED, "lease-leaked")     /* a lease is held for longer than leak_timeout */        \
    X(POOL_RECYCLED, "pool-recycled")   /* all that was to be replaced is */                      \
    X(BREAKER_OPENED, "breaker-opened") /* none can be opened: acquires are refused at once */    \
    X(BREAKER_CLOSED, "breaker-closed") /* they are not any more */                               \
    X(BAD_RELEASE, "bad-release")       /* a lease that was not held was released */              \
    X(EVENTS_LOST, "events-lost")       /* more events than the registry could hold */

enum weir_event_type {
#define WEIR_EVENT_ENUM(name, text) WEIR_EVENT_##name,
    WEIR_EVENTS(WEIR_EVENT_ENUM)
#undef WEIR_EVENT_ENUM
};

/* Borrowed for the duration of the call. */
struct weir_event {
    enum weir_event_type type;
    int64_t at;              /* when, in the registry's clock */
    const char *connection;  /* its name; NULL if it concerns none */
    uint32_t version;        /* 0 if it concerns none */
    uint64_t count;          /* EVENTS_LOST: how many; CONNECTIONS_RETIRED, VERSION_EXPIRED: of how
                                many backend connections; POOL_RESIZED: the maximum; else 0 */
    struct weir_error error; /* status 0 if it is not about an error; has the operator's detail */
};

typedef void weir_observer(void *context, const struct weir_event *event);

/* The event's name in logs ("version-switched"). */
WEIR_EXPORT const char *weir_event_name(enum weir_event_type type);

enum weir_version_state {
    WEIR_VERSION_STAGING,
    WEIR_VERSION_ACTIVE,
    WEIR_VERSION_DEPRECATED,
    WEIR_VERSION_CLOSED,
    WEIR_VERSION_REJECTED
};

/* "staging", "active", ... */
WEIR_EXPORT const char *weir_version_state_name(enum weir_version_state state);

/* opened = idle + leased + opening + closing + closed, at every instant. */
struct weir_counts {
    unsigned idle; /* those being checked included */
    unsigned leased;
    unsigned opening;
    unsigned closing;
};

struct weir_totals {
    uint64_t acquired, timeouts, refused; /* refused: by max_waiters */
    uint64_t opened, closed;              /* opened counts attempts, failed ones included */
    uint64_t open_failures, check_failures, interrupted, lingered, bad_releases;
    uint64_t leaks;             /* leases reported as held for too long */
    uint64_t recycled;          /* closed because somebody asked for others */
    uint64_t unavailable, shed; /* refused because none can be opened; for too long a wait */
};

struct weir_version_view {
    uint32_t version;
    enum weir_version_state state;
    int64_t created_at, deprecated_at, closes_by; /* 0 while it does not apply */
    char config_sha256[65];                       /* keyed per process */
    unsigned min, max;
    struct weir_counts counts;
    struct weir_totals totals;    /* acquired, opened, closed, open_failures ... of this version */
    unsigned probes;              /* finished probes of a staging version */
    struct weir_error last_error; /* status 0 if none since the last success */
    int64_t last_error_at;
};

struct weir_connection_view {
    const char *name; /* good as long as the registry */
    const char *type;
    bool removed;     /* not configured any more, still draining */
    uint32_t version; /* the active one; 0 before the first use */
    unsigned waiting;
    bool paused;       /* nothing is leased until it is resumed */
    bool recycling;    /* its backend connections are being replaced, one by one */
    bool breaker_open; /* acquires are refused, because no backend connection can be opened */
    bool shedding;     /* waits have been too long; longer ones are refused */
    struct weir_totals totals; /* over all versions there ever were */
    size_t versions_count;
    struct weir_version_view *versions; /* newest first; closed ones are gone */
};

struct weir_snapshot {
    uint64_t generation;
    int64_t taken_at;
    uint64_t bad_releases;
    size_t connections_count;
    struct weir_connection_view *connections; /* in order of name */
};

/* A consistent picture of the whole registry. *out is owned by the caller. */
WEIR_EXPORT int weir_snapshot_take(struct weir_registry *registry, struct weir_snapshot **out,
                                   struct weir_error *error);

/* *snapshot becomes NULL; NULL is accepted. */
WEIR_EXPORT void weir_snapshot_free(struct weir_snapshot **snapshot);

#ifdef __cplusplus
}
#endif

#endif
