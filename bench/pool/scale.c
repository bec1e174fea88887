/* SPDX-License-Identifier: MIT */
/*
 * Owns: the measurement of many pools in one registry: memory for each idle pool, memory for a
 * second version beside it, and what a tick costs when nothing is due.
 * Never does: compare; the other pools are one object each and know nothing of each other.
 * Lock: none.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/weir.h>

#include "backend.h"

#define TICKS       51
#define NAMES_MOST  20000
#define SETUP_LIMIT (50 * SECOND)

static struct weir_registry *registry;
static struct weir_error error;

static void must(int status)
{
    if (status == 0)
        return;
    fprintf(stderr, "scale: %s\n", error.detail);
    exit(1);
}

/* ---- A driver whose connections weigh next to nothing ---------------------------------------- */

static int light_open(void *conn, const struct weir_settings *settings, int64_t deadline,
                      struct weir_error *why)
{
    (void)conn, (void)settings, (void)deadline, (void)why;
    return 0;
}

static int light_check(void *conn, int64_t deadline, struct weir_error *why)
{
    (void)conn, (void)deadline, (void)why;
    return 0;
}

static void light_interrupt(void *conn, int64_t deadline)
{
    (void)conn, (void)deadline;
}

static int light_close(void *conn, int64_t deadline)
{
    (void)conn, (void)deadline;
    return 0;
}

static int light_classify(const char *native)
{
    (void)native;
    return WEIR_EINTERNAL;
}

static const struct weir_setting keys[] = {
    {"password", WEIR_SETTING_INTEGER, 0, 0, 1e9, NULL, "what it logs in with"},
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static const struct weir_driver light = {.abi = WEIR_DRIVER_ABI,
                                         .name = "light",
                                         .conn_size = 8,
                                         .settings = keys,
                                         .min_size = 0,
                                         .max_size = 8,
                                         .open = light_open,
                                         .check = light_check,
                                         .interrupt = light_interrupt,
                                         .close = light_close,
                                         .classify = light_classify};

/* ---- Measuring ------------------------------------------------------------------------------- */

static double bytes_in_use(void)
{
    struct mallinfo2 info = mallinfo2();

    return (double)info.uordblks + (double)info.hblkhd;
}

static const char *name_of(unsigned i)
{
    static char name[16];

    snprintf(name, sizeof(name), "db%u", i);
    return name;
}

static void configure(unsigned names, int password)
{
    struct weir_change *change;

    must(weir_change_begin(registry, &change, &error));
    for (unsigned i = 0; i < names; i++) {
        struct weir_settings *settings;
        must(weir_settings_new(&settings, "light", &error));
        must(weir_settings_set_integer(settings, "password", password, &error));
        must(weir_change_set(change, name_of(i), settings, &error));
        weir_settings_unref(&settings);
    }
    must(weir_change_commit(&change, &error));
}

static void lease_each(unsigned names, struct weir_lease *leases)
{
    for (unsigned i = 0; i < names; i++)
        must(weir_acquire(registry, name_of(i), NULL, weir_now() + 5 * SECOND, &leases[i], &error));
}

static void release_each(unsigned names, struct weir_lease *leases)
{
    for (unsigned i = 0; i < names; i++)
        weir_release(registry, &leases[i], 0);
}

/* Until each name has that version, and no more than it should beside it. */
static void await_version(uint32_t version, size_t versions)
{
    for (int64_t limit = weir_now() + SETUP_LIMIT; weir_now() < limit;
         sleep_until(weir_now() + 10 * MS)) {
        struct weir_snapshot *snapshot;
        size_t ready = 0;
        must(weir_snapshot_take(registry, &snapshot, &error));
        for (size_t i = 0; i < snapshot->connections_count; i++)
            ready += snapshot->connections[i].version == version &&
                     snapshot->connections[i].versions_count == versions;
        bool all = ready == snapshot->connections_count;
        weir_snapshot_free(&snapshot);
        if (all)
            return;
    }
    fprintf(stderr, "scale: not all have switched to version %u\n", version);
    exit(1);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Real ticks are far apart: what they look at is not in the processor's caches any more. */
static void cool_down(void)
{
    static unsigned char other[64 << 20];

    for (size_t i = 0; i < sizeof(other); i += 64)
        ((volatile unsigned char *)other)[i]++;
}

static double median_tick(void)
{
    static double ticks[TICKS];

    for (int i = 0; i < TICKS; i++) {
        cool_down();
        int64_t from = weir_now();
        weir_registry_tick(registry, from);
        ticks[i] = (double)(weir_now() - from);
    }
    qsort(ticks, TICKS, sizeof(ticks[0]), compare);
    return ticks[TICKS / 2];
}

static void measure(unsigned names)
{
    struct weir_lease *leases = calloc(names, sizeof(*leases));
    double empty = bytes_in_use();

    configure(names, 1);
    lease_each(names, leases);
    release_each(names, leases);
    double idle = bytes_in_use();
    double tick = median_tick();
    lease_each(names, leases); /* so that the first version stays when the second takes over */
    configure(names, 2);
    await_version(2, 2);
    double both = bytes_in_use(), tick_both = median_tick();
    release_each(names, leases);
    await_version(2, 1);
    printf("{\"names\": %u, \"pool_bytes\": %.0f, \"version_bytes\": %.0f, \"tick_ns\": %.0f, "
           "\"tick_both_ns\": %.0f}\n",
           names, (idle - empty) / names, (both - idle) / names, tick, tick_both);
    free(leases);
}

int main(int argc, char **argv)
{
    struct weir_keeper *keeper;
    unsigned long names = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;

    if (names < 1 || names > NAMES_MOST) {
        fprintf(stderr, "usage: %s NAMES\n", argv[0]);
        return 2;
    }
    must(weir_registry_new(&registry, NULL, &error));
    must(weir_registry_add_driver(registry, &light, &error));
    must(weir_keeper_start(&keeper, registry, 0, &error));
    measure((unsigned)names);
    weir_registry_close(registry, weir_now() + 10 * SECOND);
    must(weir_keeper_drain(keeper, weir_now() + 20 * SECOND));
    weir_keeper_stop(&keeper);
    weir_registry_free(&registry);
    return 0;
}
