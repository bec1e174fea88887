/* SPDX-License-Identifier: MIT */
/*
 * Real threads against the pool: callers, a reload storm and a driver that hangs, fails and
 * breaks, while a fake server counts for itself. To be run under ThreadSanitizer, too.
 *
 *     stress-pool [SECONDS]
 *
 * Ends with every backend connection closed, each opened one exactly once (I3, I9), none ever
 * above the maximum (I2), none owned by two (I1), none leased with settings replaced before the
 * acquire began (I7), and nobody left waiting (I4, I5, I17).
 */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/weir.h>

#include "clock.h"
#include "random.h"

#define CALLERS  12
#define NAMES    3
#define POOL_MAX 4
#define WISHES   8

/* What a server knows. Passwords are numbers that grow with each reload. */
struct server {
    atomic_uint seen, opens, closes;
    atomic_uint oldest; /* connections made with an older password than this may not be leased */
};

struct stress_conn {
    struct server *server;
    unsigned password;
    atomic_bool owned, interrupted, closed;
};

static struct server servers[NAMES];
static struct weir_registry *registry;
static atomic_bool stop;
static atomic_ulong granted, refused;

static void violated(const char *rule, const char *what)
{
    printf("not ok - %s: %s\n", rule, what);
    fflush(stdout);
    abort();
}

static void pause_up_to(uint64_t *random, int64_t most)
{
    int64_t span = random_between(random, 0, most);
    struct timespec at = clock_timespec(span);

    nanosleep(&at, NULL);
}

static _Thread_local uint64_t driver_random;

static bool chance(int percent)
{
    if (driver_random == 0)
        driver_random = random_seed();
    return random_between(&driver_random, 1, 100) <= percent;
}

/* ---- The driver ------------------------------------------------------------------------------ */

static int stress_open(void *bytes, const struct weir_settings *settings, int64_t deadline,
                       struct weir_error *error)
{
    struct stress_conn *conn = bytes;
    int64_t password = weir_settings_integer(settings, "password", 0);

    (void)deadline;
    conn->server = &servers[weir_settings_integer(settings, "server", 0)];
    conn->password = (unsigned)password;
    atomic_fetch_add(&conn->server->opens, 1);
    if (atomic_fetch_add(&conn->server->seen, 1) + 1 > POOL_MAX)
        violated("I2", "the server sees more than the maximum");
    pause_up_to(&driver_random, chance(5) ? 20 * CLOCK_MS : CLOCK_MS);
    if (password % 7 == 0)
        return weir_fail(error, WEIR_EAUTH, "a bad password");
    return chance(5) ? weir_fail(error, WEIR_ECONNECT, "bad luck") : 0;
}

static int stress_check(void *bytes, int64_t deadline, struct weir_error *error)
{
    struct stress_conn *conn = bytes;

    (void)deadline;
    if (atomic_exchange(&conn->owned, true))
        violated("I1", "checked while it is owned");
    pause_up_to(&driver_random, CLOCK_MS / 10);
    atomic_store(&conn->owned, false);
    return chance(5) ? weir_fail(error, WEIR_ELOST, "dead") : 0;
}

static int stress_reset(void *bytes, int64_t deadline, struct weir_error *error)
{
    struct stress_conn *conn = bytes;

    (void)deadline;
    if (atomic_load(&conn->closed))
        violated("I9", "reset after close");
    return chance(1) ? weir_fail(error, WEIR_ELOST, "cannot be reset") : 0;
}

static void stress_interrupt(void *bytes, int64_t deadline)
{
    struct stress_conn *conn = bytes;

    (void)deadline;
    if (atomic_load(&conn->closed))
        violated("I9", "interrupt after close");
    pause_up_to(&driver_random, CLOCK_MS);
    if (atomic_exchange(&conn->interrupted, true))
        violated("I9", "interrupted twice");
    if (atomic_load(&conn->closed))
        violated("I9", "closed during an interrupt");
}

static int stress_close(void *bytes, int64_t deadline)
{
    struct stress_conn *conn = bytes;

    (void)deadline;
    if (atomic_exchange(&conn->closed, true))
        violated("I9", "closed twice");
    if (atomic_load(&conn->owned))
        violated("I1", "closed while it is owned");
    pause_up_to(&driver_random, CLOCK_MS / 2);
    atomic_fetch_add(&conn->server->closes, 1);
    atomic_fetch_sub(&conn->server->seen, 1);
    return chance(1) ? WEIR_EDEADLINE : 0;
}

static int stress_classify(const char *native)
{
    (void)native;
    return WEIR_EINTERNAL;
}

static const struct weir_setting keys[] = {
    {"server", WEIR_SETTING_INTEGER, WEIR_SETTING_REQUIRED, 0, NAMES - 1, NULL, "which"},
    {"password", WEIR_SETTING_INTEGER, WEIR_SETTING_REQUIRED, 0, 1e9, NULL, "grows"},
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static const struct weir_driver driver = {.abi = WEIR_DRIVER_ABI,
                                          .name = "stress",
                                          .conn_size = sizeof(struct stress_conn),
                                          .settings = keys,
                                          .min_size = 1,
                                          .max_size = POOL_MAX,
                                          .open = stress_open,
                                          .check = stress_check,
                                          .reset = stress_reset,
                                          .interrupt = stress_interrupt,
                                          .close = stress_close,
                                          .classify = stress_classify};

/* ---- Callers --------------------------------------------------------------------------------- */

static const char *const names[NAMES] = {"orders", "billing", "audit"};

static void use(struct weir_lease *lease, unsigned oldest, uint64_t *random)
{
    struct stress_conn *conn = lease->conn;
    int status = 0;

    if (atomic_exchange(&conn->owned, true))
        violated("I1", "leased twice");
    if (atomic_load(&conn->closed))
        violated("I9", "leased after close");
    if (conn->password < oldest)
        violated("I7", "leased with settings that were replaced before the acquire");
    pause_up_to(random, random_between(random, 0, 99) < 2 ? 30 * CLOCK_MS : CLOCK_MS / 5);
    if (atomic_load(&conn->interrupted))
        status = WEIR_EINTERRUPTED;
    else if (random_between(random, 0, 99) < 3)
        status = random_between(random, 0, 3) == 0 ? WEIR_EDOWN : WEIR_ELOST;
    atomic_store(&conn->owned, false);
    if (weir_release(registry, lease, status) != 0)
        violated("I13", "a good release was refused");
}

static void count(int status)
{
    atomic_fetch_add(status == 0 ? &granted : &refused, 1);
    if (status != 0 && status != WEIR_ETIMEOUT && status != WEIR_EUNKNOWN &&
        status != WEIR_EUNAVAILABLE && status != WEIR_ESHED)
        violated("I5", weir_strerror(status));
}

static void *caller(void *argument)
{
    uint64_t random = (uint64_t)(uintptr_t)argument;

    while (!atomic_load(&stop)) {
        int i = (int)random_between(&random, 0, NAMES - 1);
        unsigned oldest = atomic_load(&servers[i].oldest);
        struct weir_lease lease, copy;
        int64_t begun = clock_now(), deadline = begun + random_between(&random, 1, 200) * CLOCK_MS;
        bool tries = random_between(&random, 0, 9) == 0;
        int status = tries ? weir_try_acquire(registry, names[i], NULL, &lease, NULL)
                           : weir_acquire(registry, names[i], NULL, deadline, &lease, NULL);
        if (status != WEIR_EAGAIN || !tries)
            count(status);
        if (status != 0)
            continue;
        copy = lease;
        use(&lease, oldest, &random);
        if (random_between(&random, 0, 99) == 0 && weir_release(registry, &copy, 0) != WEIR_ESTALE)
            violated("I13", "a second release was accepted");
    }
    return NULL;
}

/* ---- An event loop --------------------------------------------------------------------------- */

struct wish {
    struct weir_request *request; /* NULL: over, or not begun */
    unsigned oldest, calls;
    bool cancelled;
};

static uint64_t loop_random;

static void acquired(void *context, int status, const struct weir_lease *lease,
                     const struct weir_error *error)
{
    struct wish *wish = context;

    (void)error;
    if (wish->cancelled || ++wish->calls != 1)
        violated("I5", "a callback after a cancel, or a second one");
    count(status);
    if (status == 0) {
        struct weir_lease copy = *lease;
        use(&copy, wish->oldest, &loop_random);
    }
    weir_request_cancel(&wish->request);
}

static void begin_wish(struct wish *wish, struct weir_completions *completions)
{
    int i = (int)random_between(&loop_random, 0, NAMES - 1);
    int64_t deadline = clock_now() + random_between(&loop_random, 1, 200) * CLOCK_MS;

    *wish = (struct wish){.oldest = atomic_load(&servers[i].oldest)};
    if (weir_acquire_async(registry, names[i], NULL, deadline, completions, acquired, wish,
                           &wish->request, NULL) != 0)
        violated("I5", "no request could be made");
}

/* Some are cancelled while they wait, or when they were granted already; the rest at the end. */
static void *loop(void *argument)
{
    struct wish wishes[WISHES] = {{.request = NULL}};
    struct weir_completions *completions = argument;
    struct pollfd fd = {.fd = weir_completions_fd(completions), .events = POLLIN};

    while (!atomic_load(&stop)) {
        struct wish *wish = &wishes[random_between(&loop_random, 0, WISHES - 1)];
        if (wish->request == NULL)
            begin_wish(wish, completions);
        else if (random_between(&loop_random, 0, 9) == 0)
            wish->cancelled = weir_request_cancel(&wish->request);
        if (poll(&fd, 1, (int)random_between(&loop_random, 0, 1)) == 1)
            weir_completions_dispatch(completions);
    }
    weir_completions_free(&completions);
    for (size_t i = 0; i < WISHES; i++)
        if (wishes[i].request != NULL && !weir_request_cancel(&wishes[i].request))
            violated("I17", "a request outlived its completions");
    return NULL;
}

static struct weir_completions *new_completions(void)
{
    struct weir_completions *completions;

    if (weir_completions_new(&completions, NULL) != 0)
        abort();
    return completions;
}

/* ---- The reload storm ------------------------------------------------------------------------ */

/* The active version and the newest there is; -1 without memory. */
static int64_t active_version(int i, int64_t *newest)
{
    struct weir_snapshot *snapshot;
    int64_t version = -1;

    *newest = 0;
    if (weir_snapshot_take(registry, &snapshot, NULL) != 0)
        return -1;
    for (size_t c = 0; c < snapshot->connections_count; c++) {
        const struct weir_connection_view *view = &snapshot->connections[c];
        if (strcmp(view->name, names[i]) != 0 || view->removed)
            continue;
        version = view->version;
        *newest = view->versions_count == 0 ? 0 : view->versions[0].version;
    }
    weir_snapshot_free(&snapshot);
    return version;
}

static void configure(int i, unsigned password)
{
    struct weir_settings *settings;
    struct weir_change *change;
    struct weir_error error = {.status = 0};

    if (weir_settings_new(&settings, "stress", &error) != 0 ||
        weir_settings_set_integer(settings, "server", i, &error) != 0 ||
        weir_settings_set_integer(settings, "password", password, &error) != 0 ||
        weir_settings_set_seconds(settings, "breaker_after", 0.01, &error) != 0 ||
        weir_settings_set_seconds(settings, "shed_target", 0.001, &error) != 0 ||
        weir_settings_set_seconds(settings, "shed_interval", 0.01, &error) != 0 ||
        weir_change_begin(registry, &change, &error) != 0 ||
        weir_change_set(change, names[i], settings, &error) != 0 ||
        weir_change_commit(&change, &error) != 0)
        violated("I11", error.detail);
    weir_settings_unref(&settings);
}

/*
 * Wait a little for the version just configured to become active (not for any other: one that was
 * staged before may have switched meanwhile); then nothing older may be leased from here on.
 */
static void await_switch(int i, unsigned password, uint64_t *random)
{
    int64_t wanted, newest;

    if (active_version(i, &wanted) < 0)
        return;
    for (int round = 0; round < 20 && password % 7 != 0; round++) {
        if (active_version(i, &newest) >= wanted) {
            atomic_store(&servers[i].oldest, password);
            return;
        }
        pause_up_to(random, 4 * CLOCK_MS);
    }
}

/* A short pause, or a replacement of everything, whatever else goes on. */
static void operate(int i, uint64_t *random)
{
    if (random_between(random, 0, 1) == 0) {
        if (weir_pool_recycle(registry, names[i], NULL) != 0)
            violated("I25", "cannot be recycled");
        return;
    }
    if (weir_pool_pause(registry, names[i], NULL) != 0)
        violated("I24", "cannot be paused");
    pause_up_to(random, 10 * CLOCK_MS);
    if (weir_pool_resume(registry, names[i], NULL) != 0)
        violated("I24", "cannot be resumed");
}

static void storm(int64_t until, uint64_t *random)
{
    unsigned password = 1;

    while (clock_now() < until) {
        int i = (int)random_between(random, 0, NAMES - 1);
        configure(i, ++password);
        if (random_between(random, 0, 2) > 0)
            await_switch(i, password, random);
        if (random_between(random, 0, 3) == 0)
            operate(i, random);
        pause_up_to(random, 10 * CLOCK_MS);
    }
}

static void check_end(void)
{
    for (int i = 0; i < NAMES; i++) {
        if (atomic_load(&servers[i].seen) != 0)
            violated("I9", "a backend connection outlived the registry");
        if (atomic_load(&servers[i].opens) != atomic_load(&servers[i].closes))
            violated("I3", "opens and closes do not match");
    }
    if (atomic_load(&granted) == 0)
        violated("I4", "nobody was served");
}

int main(int argc, char **argv)
{
    struct weir_registry_options options = {.migration_timeout = 50 * CLOCK_MS};
    struct weir_keeper *keeper;
    pthread_t callers[CALLERS + 1];
    uint64_t random = random_seed();
    int64_t seconds = argc > 1 ? strtol(argv[1], NULL, 10) : 6;

    printf("1..1\n# seed %llu\n", (unsigned long long)random);
    if (weir_registry_new(&registry, &options, NULL) != 0 ||
        weir_registry_add_driver(registry, &driver, NULL) != 0 ||
        weir_keeper_start(&keeper, registry, 0, NULL) != 0)
        violated("I11", "cannot start");
    for (int i = 0; i < NAMES; i++)
        configure(i, 1);
    for (size_t i = 0; i < CALLERS; i++)
        if (pthread_create(&callers[i], NULL, caller, (void *)(uintptr_t)(random + i)) != 0)
            abort();
    loop_random = random;
    if (pthread_create(&callers[CALLERS], NULL, loop, new_completions()) != 0)
        abort();
    storm(clock_now() + seconds * CLOCK_SECOND, &random);
    atomic_store(&stop, true);
    for (size_t i = 0; i <= CALLERS; i++)
        pthread_join(callers[i], NULL);
    weir_registry_close(registry, clock_now() + CLOCK_SECOND);
    if (weir_keeper_drain(keeper, clock_now() + 10 * CLOCK_SECOND) != 0)
        violated("I9", "a closed registry does not drain");
    weir_keeper_stop(&keeper);
    weir_registry_free(&registry);
    check_end();
    printf("# granted %lu, timed out %lu\nok 1 - invariants hold under threads\n",
           atomic_load(&granted), atomic_load(&refused));
    return 0;
}
