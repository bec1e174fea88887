/* SPDX-License-Identifier: MIT */
/*
 * The simulation: the whole pool on a fake clock, single-stepped by a seeded scheduler, with every
 * invariant checked after every step.
 *
 *     test-sim [--seed N] [--episodes N] [--steps N]
 *
 * An episode has a seed of its own; a violation prints it, and --seed with --episodes 1 replays it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "invariants.h"
#include "random.h"

#define NAMES        4
#define IN_FLIGHT    64
#define STEPS        4000
#define EPISODES     300
#define DRAIN_ROUNDS 20000
#define GENERATIONS  1024 /* that are remembered */

struct flight {
    struct errand *errand;
    struct errand_result result;
    bool ran;
};

static struct {
    uint64_t seed, random;
    unsigned long step;
    struct flight flights[IN_FLIGHT];
    int64_t due;
    struct weir_pin *pins[8];
    const struct weir_driver *meant[GENERATIONS][NAMES]; /* by each generation */
    uint64_t unavailable, shed, recycled;                /* over all episodes */
    unsigned ceiling[FAKE_SERVERS_MAX]; /* the greatest max, or what was held before a shrink */
} sim;

void fake_violation(const char *rule, const char *what)
{
    printf("not ok - %s: %s\n# seed=%llu step=%lu; replay: test-sim --seed %llu --episodes 1\n",
           rule, what, (unsigned long long)sim.seed, sim.step, (unsigned long long)sim.seed);
    fflush(stdout);
    abort();
}

static int pick(int low, int high)
{
    return (int)random_between(&sim.random, low, high);
}

static bool chance(int percent)
{
    return pick(1, 100) <= percent;
}

static const char *name_of(int i)
{
    static const char *const names[NAMES] = {"orders", "billing", "audit", "mail"};

    return names[i];
}

/* ---- I2: the budget as the server counts ----------------------------------------------------- */

static const struct endpoint *endpoint_of(int i, const struct weir_driver *driver)
{
    return registry_find_exact(book.registry, name_of(i), driver);
}

/* Held may stay above a new maximum for as long as it only falls. */
static void check_budget(void)
{
    const struct weir_driver *const drivers[] = {&fake_driver, &fake_other_driver};

    for (int i = 0; i < NAMES; i++)
        for (int d = 0; d < 2; d++) {
            const struct endpoint *endpoint = endpoint_of(i, drivers[d]);
            unsigned *ceiling = &sim.ceiling[2 * i + d];
            if (endpoint == NULL)
                continue;
            const struct version *serving = endpoint_serving(endpoint);
            unsigned max = serving == NULL ? 0 : serving->limits.max;
            if (endpoint->held > max && endpoint->held > *ceiling)
                fake_violation("I2", "more backend connections than the maximum");
            *ceiling = endpoint->held > max ? endpoint->held : max;
        }
}

/* ---- Errands --------------------------------------------------------------------------------- */

static void take_errand(void)
{
    for (int i = 0; i < IN_FLIGHT; i++)
        if (sim.flights[i].errand == NULL) {
            sim.flights[i].errand = errand_take(book.registry);
            sim.flights[i].ran = false;
            return;
        }
}

static void advance_flight(struct flight *flight)
{
    if (flight->errand == NULL)
        return;
    if (!flight->ran) {
        errand_run(flight->errand, &flight->result);
        flight->ran = true;
        return;
    }
    struct errand *errand = flight->errand;
    flight->errand = NULL;
    errand_finish(errand, &flight->result);
}

static void step_errand(void)
{
    if (chance(50))
        take_errand();
    advance_flight(&sim.flights[pick(0, IN_FLIGHT - 1)]);
    advance_flight(&sim.flights[pick(0, 7)]);
}

/* ---- Callers --------------------------------------------------------------------------------- */

/* I7: a pin must not find the configuration, or even the driver, of another time. */
static void check_meaning(const struct entry *entry, int name, const struct weir_pin *pin)
{
    uint64_t generation = pin == NULL ? book.registry->generation : weir_pin_generation(pin);
    const struct endpoint *endpoint = entry->waiter->endpoint;

    if (endpoint == NULL || generation >= GENERATIONS)
        return;
    if (endpoint->driver != sim.meant[generation][name])
        fake_violation("I7", "a pinned acquire is served by another type");
}

/* The way without the lock, as weir_acquire tries it first. */
static struct entry *take(const char *name)
{
    struct endpoint *endpoint = directory_find(book.registry, name);

    return endpoint == NULL ? NULL : book_take(endpoint);
}

static void step_acquire(void)
{
    int64_t deadline = clock_add(fake.now, pick(1, 5000) * CLOCK_MS);
    struct weir_pin *pin = chance(30) ? sim.pins[pick(0, 7)] : NULL;
    int name = pick(0, NAMES - 1), kind = pick(1, 100);
    struct entry *entry;

    if (kind <= 20) {
        entry = book_try(name_of(name), pin);
    } else if (kind <= 40) {
        entry = book_async(name_of(name), pin, deadline);
    } else if (kind <= 80 && pin == NULL) {
        entry = take(name_of(name));
    } else {
        entry = book_entry(deadline);
        if (entry != NULL && chance(60))
            book_may_look(entry);
        if (entry != NULL)
            waiter_start(book.registry, name_of(name), pin, entry->waiter);
    }
    if (entry != NULL)
        check_meaning(entry, name, pin);
}

static struct entry *random_entry(int state)
{
    int start = pick(0, BOOK_WAITERS_MAX - 1);

    for (int i = 0; i < BOOK_WAITERS_MAX; i++) {
        struct entry *entry = &book.entries[(start + i) % BOOK_WAITERS_MAX];
        if ((int)entry->state == state)
            return entry;
    }
    return NULL;
}

static int random_status(const struct fake_conn *conn)
{
    static const int statuses[] = {
        0, 0, 0, 0, 0, WEIR_ELOST, WEIR_EDOWN, WEIR_EREJECTED, WEIR_EDENIED, WEIR_ECONFLICT};

    if (conn->interrupted)
        return WEIR_EINTERRUPTED;
    return statuses[pick(0, (int)(sizeof(statuses) / sizeof(statuses[0])) - 1)];
}

/* A lease that is not held: returned a second time, made up, or of another registry. */
static void release_wrongly(const struct weir_lease *released)
{
    struct weir_lease lease = *released;

    if (chance(50))
        lease.stamp += (uint64_t)pick(1000000, 2000000);
    if (weir_release(book.registry, &lease, 0) != WEIR_ESTALE)
        fake_violation("I13", "a bad release was accepted");
    book.bad_releases++;
}

static void release(struct entry *entry, int status)
{
    struct weir_lease copy = entry->lease;

    entry->state = ENTRY_FREE;
    if (weir_release(book.registry, &entry->lease, status) != 0)
        fake_violation("I13", "a good release was refused");
    if (chance(3))
        release_wrongly(&copy);
}

static void step_release(void)
{
    struct entry *entry = random_entry(ENTRY_HELD);

    if (entry != NULL)
        release(entry, random_status(entry->lease.conn));
}

/* A thread that was woken looks. */
static void step_retry(void)
{
    int start = pick(0, BOOK_WAITERS_MAX - 1);

    for (int i = 0; i < BOOK_WAITERS_MAX; i++) {
        struct entry *entry = &book.entries[(start + i) % BOOK_WAITERS_MAX];
        if (entry->state != ENTRY_WAITING || !entry->nudged)
            continue;
        entry->nudged = false;
        waiter_retry(book.registry, entry->waiter);
        return;
    }
}

static void step_cancel(void)
{
    struct entry *entry = random_entry(ENTRY_WAITING);

    if (entry != NULL && !book_cancel(entry))
        fake_violation("I5", "a waiter that waits cannot be cancelled");
}

/* ---- Time and servers ------------------------------------------------------------------------ */

/* I19: whatever is due has been done when tick returns. */
static void tick(void)
{
    sim.due = weir_registry_tick(book.registry, fake.now);
    for (int i = 0; i < BOOK_WAITERS_MAX; i++) {
        const struct entry *entry = &book.entries[i];
        if (entry->state == ENTRY_WAITING && entry->waiter->state == WAITER_WAITING &&
            entry->waiter->deadline <= fake.now)
            fake_violation("I19", "an acquire outlived its deadline");
    }
}

static void step_time(void)
{
    static const int64_t spans[] = {CLOCK_MS,           10 * CLOCK_MS,      200 * CLOCK_MS,
                                    1200 * CLOCK_MS,    5 * CLOCK_SECOND,   40 * CLOCK_SECOND,
                                    400 * CLOCK_SECOND, 2000 * CLOCK_SECOND};

    fake.now += spans[chance(90) ? pick(0, 3) : pick(0, 7)];
    tick();
}

static void step_server(void)
{
    struct fake_server *server = &fake.servers[pick(0, 3)];

    switch (pick(0, 5)) {
    case 0: server->mode = (enum fake_mode)pick(0, FAKE_MODES - 1); break;
    case 1: server->fail_opens = (unsigned)pick(0, 3); break;
    case 2: server->fail_checks = (unsigned)pick(0, 3); break;
    case 3: server->fail_resets = (unsigned)pick(0, 3); break;
    default: server->mode = FAKE_UP; break;
    }
}

/* ---- Changes --------------------------------------------------------------------------------- */

static struct weir_settings *random_settings(int name)
{
    static const char *const passwords[] = {"a", "b", "c", "wrong", "denied"};
    const char *type = chance(name == 0 ? 50 : name == 1 ? 5 : 95) ? "fake" : "other";

    struct weir_settings *settings =
        fake_settings(type, name, passwords[pick(0, chance(60) ? 2 : 4)], pick(0, 1),
                      chance(70) ? 3 : pick(1, 4));
    if (chance(15))
        weir_settings_set_boolean(settings, "strict", true, NULL);
    if (chance(15))
        weir_settings_set_integer(settings, "leak_timeout", pick(1, 5), NULL);
    if (chance(10))
        weir_settings_set_integer(settings, "max_waiters", pick(0, 5), NULL);
    if (chance(30))
        weir_settings_set_seconds(settings, "breaker_after", pick(0, 3), NULL);
    if (chance(30))
        weir_settings_set_seconds(settings, "shed_target", 0.05, NULL);
    return settings;
}

/* I12: coming back must not lose what the version still holds. */
static void commit(struct weir_change **change, const struct endpoint *endpoint)
{
    unsigned held[16] = {0}, n = 0;
    const struct version *versions[16];

    if (endpoint != NULL)
        list_each(link, &endpoint->versions) {
            const struct version *version = list_entry(link, struct version, link);
            if (version->state != WEIR_VERSION_DEPRECATED || n == 16)
                continue;
            versions[n] = version;
            held[n++] = version_counts(version).leased;
        }
    if (weir_change_commit(change, NULL) != 0)
        fake_violation("I11", "a commit failed");
    for (unsigned i = 0; i < n; i++)
        if (versions[i] == endpoint->active && version_counts(versions[i]).leased != held[i])
            fake_violation("I12", "coming back lost a lease");
}

static void remember(int name, const struct weir_driver *driver)
{
    uint64_t generation = book.registry->generation;

    if (generation >= GENERATIONS)
        return;
    memcpy(sim.meant[generation], sim.meant[generation - 1], sizeof(sim.meant[generation]));
    sim.meant[generation][name] = driver;
}

static void step_change(void)
{
    const struct weir_driver *driver = NULL;
    int i = pick(0, NAMES - 1);
    struct weir_change *change;

    if (weir_change_begin(book.registry, &change, NULL) != 0)
        fake_violation("I11", "a change cannot begin");
    if (chance(10)) {
        weir_change_drop(change, name_of(i), NULL);
    } else {
        struct weir_settings *settings = random_settings(i);
        if (weir_change_set(change, name_of(i), settings, NULL) != 0)
            fake_violation("I11", "a good change was refused");
        driver = weir_registry_driver(book.registry, weir_settings_type(settings));
        weir_settings_unref(&settings);
    }
    if (chance(5)) {
        weir_change_abort(&change);
        return;
    }
    commit(&change, endpoint_of(i, &fake_driver));
    remember(i, driver);
}

static void step_control(void)
{
    const char *name = name_of(pick(0, NAMES - 1));

    switch (pick(0, 4)) {
    case 0: weir_pool_pause(book.registry, name, NULL); break;
    case 1: weir_pool_recycle(book.registry, name, NULL); break;
    default: weir_pool_resume(book.registry, name, NULL); break;
    }
}

static void step_pin(void)
{
    struct weir_pin **pin = &sim.pins[pick(0, 7)];

    if (*pin != NULL)
        weir_pin_unref(pin);
    else if (weir_pin_new(book.registry, pin, NULL) != 0)
        abort();
}

/* ---- Episodes -------------------------------------------------------------------------------- */

static void step(void)
{
    int what = pick(1, 100);

    if (what <= 33)
        step_errand();
    else if (what <= 36)
        step_retry();
    else if (what <= 38)
        weir_completions_dispatch(book.completions);
    else if (what <= 60)
        step_acquire();
    else if (what <= 82)
        step_release();
    else if (what <= 84)
        step_cancel();
    else if (what <= 93)
        step_time();
    else if (what <= 95)
        step_server();
    else if (what <= 97)
        step_change();
    else if (what <= 98)
        step_control();
    else
        step_pin();
}

static void checked(void)
{
    sim.step++;
    invariants_check();
    check_budget();
}

static void heal(void)
{
    for (int i = 0; i < FAKE_SERVERS_MAX; i++) {
        struct fake_server *server = &fake.servers[i];
        server->mode = FAKE_UP;
        server->refused[0] = server->denied[0] = '\0';
        server->fail_opens = server->fail_checks = server->fail_resets = 0;
    }
}

static void run_errands(void)
{
    for (int i = 0; i < IN_FLIGHT; i++) {
        if (sim.flights[i].errand == NULL)
            sim.flights[i].errand = errand_take(book.registry), sim.flights[i].ran = false;
        advance_flight(&sim.flights[i]);
        advance_flight(&sim.flights[i]);
        checked();
    }
}

/* With healthy servers and patience everybody is served: nobody waits for ever. */
static void serve_all(void)
{
    for (int i = 0; i < NAMES; i++)
        weir_pool_resume(book.registry, name_of(i), NULL);
    for (int i = 0; i < BOOK_WAITERS_MAX; i++)
        if (book.entries[i].state == ENTRY_WAITING)
            book.entries[i].waiter->deadline = CLOCK_NEVER;
    for (int round = 0; round < DRAIN_ROUNDS; round++) {
        struct entry *entry = random_entry(ENTRY_HELD);
        if (entry != NULL)
            release(entry, 0);
        else if (random_entry(ENTRY_WAITING) == NULL)
            return;
        book_dispatch();
        run_errands();
        step_retry();
        fake.now += 50 * CLOCK_MS;
        tick();
    }
    fake_violation("I4", "with healthy servers somebody waits for ever");
}

static bool recycling(void)
{
    for (size_t i = 0; i < book.registry->endpoints_count; i++)
        if (book.registry->endpoints[i]->recycle.running)
            return true;
    return false;
}

/* I25: with healthy servers, and nobody who keeps a lease, all there was is replaced. */
static void recycle_all(void)
{
    for (int i = 0; i < NAMES; i++)
        weir_pool_recycle(book.registry, name_of(i), NULL);
    for (int round = 0; round < DRAIN_ROUNDS && recycling(); round++) {
        run_errands();
        fake.now += 50 * CLOCK_MS;
        tick();
    }
    if (recycling())
        fake_violation("I25", "recycling never ends");
}

static void close_all(void)
{
    book.closed = true;
    weir_registry_close(book.registry, clock_add(fake.now, 2 * CLOCK_SECOND));
    checked();
    if (chance(50)) /* else its loop dispatches to the end */
        book_close_completions();
    for (int round = 0; round < DRAIN_ROUNDS && !weir_registry_drained(book.registry); round++) {
        struct entry *entry = random_entry(ENTRY_HELD);
        if (entry != NULL && round % 4 == 0)
            release(entry, 0);
        if (book.completions != NULL)
            book_dispatch();
        run_errands();
        fake.now += 100 * CLOCK_MS;
        tick();
    }
    if (!weir_registry_drained(book.registry))
        fake_violation("I9", "a closed registry does not drain");
    invariants_check_drained();
    book_close_completions();
}

static void observe(void *context, const struct weir_event *event)
{
    (void)context;
    if (event->type >= WEIR_EVENT_EVENTS_LOST || weir_event_name(event->type) == NULL)
        fake_violation("I20", "an event that cannot be");
}

static void start(uint64_t seed)
{
    struct weir_registry *registry;
    struct weir_registry_options options = {.migration_timeout = 3 * CLOCK_SECOND,
                                            .seed = seed,
                                            .now = fake_now,
                                            .prove = fake_prove,
                                            .observe = observe};

    uint64_t unavailable = sim.unavailable, shed = sim.shed, recycled = sim.recycled;

    memset(&sim, 0, sizeof(sim));
    sim.unavailable = unavailable;
    sim.shed = shed;
    sim.recycled = recycled;
    sim.seed = sim.random = seed;
    fake_reset();
    for (int i = 0; i < FAKE_SERVERS_MAX; i++) {
        snprintf(fake.servers[i].refused, sizeof(fake.servers[i].refused), "wrong");
        snprintf(fake.servers[i].denied, sizeof(fake.servers[i].denied), "denied");
    }
    if (weir_registry_new(&registry, &options, NULL) != 0 ||
        weir_registry_add_driver(registry, &fake_driver, NULL) != 0 ||
        weir_registry_add_driver(registry, &fake_other_driver, NULL) != 0)
        abort();
    fake.registry_mutex = &registry->mutex;
    book_open(registry);
}

static unsigned long episode(uint64_t seed, unsigned long steps)
{
    start(seed);
    for (unsigned long i = 0; i < steps; i++) {
        step();
        checked();
    }
    heal();
    serve_all();
    recycle_all();
    if (chance(50)) /* else close with leases out and errands under way */
        for (int i = 0; i < 20; i++, checked())
            step();
    for (int i = 0; i < 8; i++)
        weir_pin_unref(&sim.pins[i]);
    close_all();
    for (size_t i = 0; i < book.registry->endpoints_count; i++) {
        sim.unavailable += book.registry->endpoints[i]->totals.unavailable;
        sim.shed += book.registry->endpoints[i]->totals.shed;
        sim.recycled += book.registry->endpoints[i]->totals.recycled;
    }
    weir_registry_free(&book.registry);
    return sim.step;
}

int main(int argc, char **argv)
{
    uint64_t seed = 1;
    unsigned long episodes = EPISODES, steps = STEPS, total = 0;

    for (int i = 1; i + 1 < argc; i += 2) {
        unsigned long value = strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--seed") == 0)
            seed = value;
        else if (strcmp(argv[i], "--episodes") == 0)
            episodes = value;
        else if (strcmp(argv[i], "--steps") == 0)
            steps = value;
    }
    printf("1..1\n");
    for (unsigned long i = 0; i < episodes; i++)
        total += episode(seed + i, steps);
    printf(
        "# %lu steps in %lu episodes from seed %llu; %llu unavailable, %llu shed, %llu recycled\n"
        "ok 1 - invariants hold\n",
        total, episodes, (unsigned long long)seed, (unsigned long long)sim.unavailable,
        (unsigned long long)sim.shed, (unsigned long long)sim.recycled);
    return 0;
}
