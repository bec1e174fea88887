/* SPDX-License-Identifier: MIT */
/*
 * What the programs of this directory share. Each is compiled outside the tree against installed
 * headers and libraries only, is given the settings of one connection as key=value, and prints a
 * line for each thing that holds; the first that does not ends it.
 */
#ifndef HOUSE_H
#define HOUSE_H

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

#define SECOND INT64_C(1000000000)

#define HOLDS(condition)                                                                     \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            printf("not ok: %s:%d: %s: %s\n", __FILE__, __LINE__, #condition, error.detail); \
            exit(1);                                                                         \
        }                                                                                    \
        printf("ok: %s\n", #condition);                                                      \
        fflush(stdout);                                                                      \
    } while (0)

static struct weir_error error;
static struct weir_registry *registry;
static struct weir_keeper *keeper;
static struct weir_lease lease;

/* A pool of one, so that whoever leases next gets the same backend connection, or a new one. */
static void configure(const char *type, char **settings)
{
    struct weir_settings *made = NULL;
    struct weir_change *change = NULL;

    HOLDS(weir_settings_new(&made, type, &error) == 0);
    HOLDS(weir_settings_set_integer(made, "pool_max_size", 1, &error) == 0);
    HOLDS(weir_settings_set_integer(made, "pool_min_size", 0, &error) == 0);
    for (; *settings != NULL; settings++) {
        char *value = strchr(*settings, '=');
        char *end;
        *value++ = '\0';
        long number = strtol(value, &end, 10);
        if (*end == '\0')
            HOLDS(weir_settings_set_integer(made, *settings, number, &error) == 0);
        else
            HOLDS(weir_settings_set_string(made, *settings, value, &error) == 0);
    }
    HOLDS(weir_change_begin(registry, &change, &error) == 0);
    HOLDS(weir_change_set(change, "db", made, &error) == 0);
    HOLDS(weir_change_commit(&change, &error) == 0);
    weir_settings_unref(&made);
}

static void set_up(const struct weir_driver *driver, char **settings)
{
    HOLDS(weir_registry_new(&registry, NULL, &error) == 0);
    HOLDS(weir_registry_add_driver(registry, driver, &error) == 0);
    HOLDS(weir_keeper_start(&keeper, registry, 0, &error) == 0);
    configure(driver->name, settings);
}

static void take(void)
{
    HOLDS(weir_acquire(registry, "db", NULL, weir_now() + 20 * SECOND, &lease, &error) == 0);
}

/* What the borrower knows nothing bad of. */
static void give(void)
{
    HOLDS(weir_release(registry, &lease, 0) == 0);
}

/* The lease is still out: after two seconds it is interrupted. */
static void close_under(pthread_t borrower)
{
    int64_t begun = weir_now();

    weir_registry_close(registry, begun + 2 * SECOND);
    HOLDS(pthread_join(borrower, NULL) == 0);
    HOLDS(weir_now() < begun + 9 * SECOND);
}

static void tear_down(void)
{
    weir_registry_close(registry, weir_now());
    HOLDS(weir_keeper_drain(keeper, weir_now() + 20 * SECOND) == 0);
    weir_keeper_stop(&keeper);
    weir_registry_free(&registry);
    HOLDS(registry == NULL && keeper == NULL);
}

/* For a test that has something to do meanwhile: says so, and waits until it is done. */
static inline void wait_for_the_test(const char *what)
{
    printf("waiting: %s\n", what);
    fflush(stdout);
    if (getchar() == EOF)
        exit(2);
}

#endif
