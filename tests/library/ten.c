/* SPDX-License-Identifier: MIT */
/* libpq connections, pooled: host, port and query are arguments, the rest is from the environment.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <weir/postgresql.h>
#include <weir/weir.h>

int main(int argc, char **argv)
{
    struct weir_registry *registry = NULL;
    struct weir_keeper *keeper = NULL;
    struct weir_settings *settings = NULL;
    struct weir_change *change = NULL;
    struct weir_lease lease;
    struct weir_error error = {.detail = ""};

    int failed = argc != 4 || weir_registry_new(&registry, NULL, &error) ||
                 weir_registry_add_driver(registry, weir_postgresql_driver(), &error) ||
                 weir_keeper_start(&keeper, registry, 0, &error) ||
                 weir_settings_new(&settings, "postgresql", &error) ||
                 weir_settings_set_string(settings, "host", argv[1], &error) ||
                 weir_settings_set_integer(settings, "port", atoi(argv[2]), &error) ||
                 weir_change_begin(registry, &change, &error) ||
                 weir_change_set(change, "db", settings, &error) ||
                 weir_change_commit(&change, &error) ||
                 weir_acquire(registry, "db", NULL, weir_now() + 5000000000, &lease, &error);
    if (failed) {
        fprintf(stderr, "%s\n", error.detail);
        return 1;
    }
    PGresult *result = PQexec(weir_postgresql_handle(&lease), argv[3]);
    puts(PQgetvalue(result, 0, 0));
    PQclear(result);
    weir_release(registry, &lease, 0);

    weir_settings_unref(&settings);
    weir_registry_close(registry, weir_now());
    weir_keeper_drain(keeper, WEIR_NEVER);
    weir_keeper_stop(&keeper);
    weir_registry_free(&registry);
    return 0;
}
