/* SPDX-License-Identifier: MIT */
/* The least there is: one connection, one keeper, one lease. Here the backend is SQLite. */
#include <inttypes.h>
#include <stdio.h>

#include <weir/weir.h>

#include "sqlite.h"

#define SECOND INT64_C(1000000000)

/* A change is built aside, then committed in one step; this one configures a single name. */
static int configure(struct weir_registry *registry, const char *file, struct weir_error *error)
{
    struct weir_settings *settings = NULL;
    struct weir_change *change = NULL;
    int status = weir_settings_new(&settings, "sqlite", error);

    if (status == 0)
        status = weir_settings_set_string(settings, "path", file, error);
    if (status == 0)
        status = weir_change_begin(registry, &change, error);
    if (status == 0)
        status = weir_change_set(change, "orders", settings, error);
    if (status == 0)
        status = weir_change_commit(&change, error);
    weir_change_abort(&change);
    weir_settings_unref(&settings);
    return status;
}

static int use(struct weir_registry *registry, struct weir_error *error)
{
    struct weir_lease lease;
    int status = weir_acquire(registry, "orders", NULL, weir_now() + 5 * SECOND, &lease, error);

    if (status != 0)
        return status;
    status = lease.driver->check(lease.conn, weir_now() + SECOND, error);
    printf("version %" PRIu32 ": %s\n", lease.version, weir_strerror(status));
    weir_release(registry, &lease, status); /* the status decides what becomes of it */
    return status;
}

int main(int argc, char **argv)
{
    struct weir_error error = {.detail = ""};
    struct weir_registry *registry = NULL;
    struct weir_keeper *keeper = NULL;
    int status = weir_registry_new(&registry, NULL, &error);

    if (status == 0)
        status = weir_registry_add_driver(registry, &sqlite_driver, &error);
    if (status == 0)
        status = weir_keeper_start(&keeper, registry, 0, &error);
    if (status == 0)
        status = configure(registry, argc > 1 ? argv[1] : "example.db", &error);
    if (status == 0)
        status = use(registry, &error);
    if (status != 0)
        fprintf(stderr, "%s: %s\n", weir_strerror(status), error.detail);
    if (registry != NULL)
        weir_registry_close(registry, weir_now() + SECOND);
    if (keeper != NULL)
        weir_keeper_drain(keeper, weir_now() + 5 * SECOND);
    weir_keeper_stop(&keeper);
    weir_registry_free(&registry);
    return status != 0;
}
