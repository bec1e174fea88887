/* SPDX-License-Identifier: MIT */
/*
 * Real threads against the way without the lock: leases held for next to nothing, by more threads
 * than there are backend connections, while versions and sizes change. To be run under
 * ThreadSanitizer, too.
 *
 *     stress-fast [SECONDS]
 *
 * None is owned by two (I1), none is of an older version than was active before the acquire began
 * (I7), nobody starves (I4, I6, I23: no acquire takes five seconds), a second release is refused
 * (I13), and the counters are what was counted here (I20).
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/weir.h>

#include "clock.h"
#include "random.h"

#define CALLERS  8
#define PATIENCE (5 * CLOCK_SECOND)

struct fast_conn {
    atomic_bool owned, closed;
    uint64_t scribble; /* not atomic: whoever owns it writes it, and a sanitizer sees two owners */
};

static struct weir_registry *registry;
static atomic_bool stop;
static atomic_uint oldest; /* no version before this may be leased */
static atomic_ulong granted, bad_releases;

static void violated(const char *rule, const char *what)
{
    printf("not ok - %s: %s\n", rule, what);
    fflush(stdout);
    abort();
}

/* ---- The driver: no reset, so that a release is one swap ------------------------------------- */

static int fast_open(void *bytes, const struct weir_settings *settings, int64_t deadline,
                     struct weir_error *error)
{
    (void)bytes, (void)settings, (void)deadline, (void)error;
    return 0;
}

static int fast_check(void *bytes, int64_t deadline, struct weir_error *error)
{
    struct fast_conn *conn = bytes;

    (void)deadline, (void)error;
    if (atomic_load(&conn->owned))
        violated("I1", "checked while it is owned");
    conn->scribble++;
    return 0;
}

static int fast_peek(void *bytes)
{
    return fast_check(bytes, 0, NULL);
}

static void fast_interrupt(void *bytes, int64_t deadline)
{
    (void)bytes, (void)deadline;
}

static int fast_close(void *bytes, int64_t deadline)
{
    struct fast_conn *conn = bytes;

    (void)deadline;
    if (atomic_load(&conn->owned) || atomic_exchange(&conn->closed, true))
        violated("I1", "closed while it is owned, or twice");
    conn->scribble++;
    return 0;
}

static int fast_classify(const char *native)
{
    (void)native;
    return WEIR_EINTERNAL;
}

static const struct weir_setting keys[] = {
    {"password", WEIR_SETTING_INTEGER, WEIR_SETTING_REQUIRED, 0, 1e9, NULL, "grows"},
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static const struct weir_driver driver = {.abi = WEIR_DRIVER_ABI,
                                          .name = "fast",
                                          .conn_size = sizeof(struct fast_conn),
                                          .settings = keys,
                                          .min_size = 0,
                                          .max_size = 4,
                                          .open = fast_open,
                                          .check = fast_check,
                                          .interrupt = fast_interrupt,
                                          .close = fast_close,
                                          .classify = fast_classify,
                                          .peek = fast_peek};

/* ---- Callers --------------------------------------------------------------------------------- */

static void use(struct weir_lease *lease, unsigned least, bool lost)
{
    struct fast_conn *conn = lease->conn;

    if (atomic_exchange_explicit(&conn->owned, true, memory_order_relaxed))
        violated("I1", "leased twice");
    conn->scribble++;
    if (lease->version < least)
        violated("I7", "leased from a version that was replaced before the acquire");
    atomic_store_explicit(&conn->owned, false, memory_order_relaxed);
    if (weir_release(registry, lease, lost ? WEIR_ELOST : 0) != 0)
        violated("I13", "a good release was refused");
}

static void *caller(void *argument)
{
    uint64_t random = (uint64_t)(uintptr_t)argument;
    unsigned long count = 0;

    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        unsigned least = atomic_load(&oldest);
        struct weir_lease lease, copy;
        int64_t deadline = clock_add(clock_now(), PATIENCE);
        int status = weir_acquire(registry, "orders", NULL, deadline, &lease, NULL);
        if (status != 0)
            violated("I4", weir_strerror(status));
        copy = lease;
        use(&lease, least, random_between(&random, 0, 9999) == 0);
        count++;
        if (random_between(&random, 0, 999) == 0) {
            if (weir_release(registry, &copy, 0) != WEIR_ESTALE)
                violated("I13", "a second release was accepted");
            atomic_fetch_add(&bad_releases, 1);
        }
    }
    atomic_fetch_add(&granted, count);
    return NULL;
}

/* ---- Changes --------------------------------------------------------------------------------- */

static void configure(unsigned password, int64_t max)
{
    struct weir_settings *settings;
    struct weir_change *change;
    struct weir_error error = {.status = 0};

    if (weir_settings_new(&settings, "fast", &error) != 0 ||
        weir_settings_set_integer(settings, "password", password, &error) != 0 ||
        weir_settings_set_integer(settings, "pool_max_size", max, &error) != 0 ||
        weir_change_begin(registry, &change, &error) != 0 ||
        weir_change_set(change, "orders", settings, &error) != 0 ||
        weir_change_commit(&change, &error) != 0)
        violated("I11", error.detail);
    weir_settings_unref(&settings);
}

/* What a snapshot calls active is the oldest that may be leased from here on. */
static void look(void)
{
    struct weir_snapshot *snapshot;

    if (weir_snapshot_take(registry, &snapshot, NULL) != 0)
        return;
    const struct weir_connection_view *view = &snapshot->connections[0];
    if (snapshot->connections_count > 0 && view->version > atomic_load(&oldest))
        atomic_store(&oldest, view->version);
    weir_snapshot_free(&snapshot);
}

static void storm(int64_t until, uint64_t *random)
{
    unsigned password = 1;

    while (clock_now() < until) {
        struct timespec pause = clock_timespec(random_between(random, 0, 3 * CLOCK_MS));
        configure(random_between(random, 0, 2) == 0 ? password : ++password,
                  random_between(random, 1, 12));
        nanosleep(&pause, NULL);
        look();
    }
}

static void check_totals(void)
{
    struct weir_snapshot *snapshot;

    if (weir_snapshot_take(registry, &snapshot, NULL) != 0)
        return;
    if (snapshot->connections[0].totals.acquired != atomic_load(&granted))
        violated("I20", "acquired is not what was granted");
    if (snapshot->bad_releases != atomic_load(&bad_releases))
        violated("I20", "bad releases are not what was released badly");
    weir_snapshot_free(&snapshot);
}

int main(int argc, char **argv)
{
    struct weir_registry_options options = {.migration_timeout = 50 * CLOCK_MS};
    struct weir_keeper *keeper;
    pthread_t callers[CALLERS];
    uint64_t random = random_seed();
    int64_t seconds = argc > 1 ? strtol(argv[1], NULL, 10) : 4;

    printf("1..1\n# seed %llu\n", (unsigned long long)random);
    if (weir_registry_new(&registry, &options, NULL) != 0 ||
        weir_registry_add_driver(registry, &driver, NULL) != 0 ||
        weir_keeper_start(&keeper, registry, 0, NULL) != 0)
        violated("I11", "cannot start");
    configure(1, 4);
    for (size_t i = 0; i < CALLERS; i++)
        if (pthread_create(&callers[i], NULL, caller, (void *)(uintptr_t)(random + i)) != 0)
            abort();
    storm(clock_now() + seconds * CLOCK_SECOND, &random);
    atomic_store(&stop, true);
    for (size_t i = 0; i < CALLERS; i++)
        pthread_join(callers[i], NULL);
    check_totals();
    weir_registry_close(registry, clock_now() + CLOCK_SECOND);
    if (weir_keeper_drain(keeper, clock_now() + 10 * CLOCK_SECOND) != 0)
        violated("I9", "a closed registry does not drain");
    weir_keeper_stop(&keeper);
    weir_registry_free(&registry);
    printf("# granted %lu, released twice %lu, version %u\nok 1 - nobody starves, none is shared\n",
           atomic_load(&granted), atomic_load(&bad_releases), atomic_load(&oldest));
    return 0;
}
