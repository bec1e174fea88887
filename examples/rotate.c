/* SPDX-License-Identifier: MIT */
/* The configuration changes while a lease is out: nobody fails, and new leases are of version 2. */
#include <inttypes.h>
#include <stdio.h>

#include "custom_driver.h"

#define SECOND INT64_C(1000000000)

static int configure(struct weir_registry *registry, const char *path, struct weir_error *error)
{
    struct weir_settings *settings = NULL;
    struct weir_change *change = NULL;
    int status = weir_settings_new(&settings, "file", error);

    if (status == 0)
        status = weir_settings_set_string(settings, "path", path, error);
    if (status == 0)
        status = weir_change_begin(registry, &change, error);
    if (status == 0)
        status = weir_change_set(change, "journal", settings, error);
    if (status == 0)
        status = weir_change_commit(&change, error);
    weir_change_abort(&change);
    weir_settings_unref(&settings);
    return status;
}

static int append(struct weir_registry *registry, const char *next, uint32_t *version,
                  struct weir_error *error)
{
    struct weir_lease lease;
    int status = weir_acquire(registry, "journal", NULL, weir_now() + 5 * SECOND, &lease, error);

    if (status != 0)
        return status;
    /* The first time round, the new settings arrive while this lease of the old ones is held. */
    status = *version == 0 ? configure(registry, next, error) : 0;
    if (lease.version != *version)
        printf("a lease of version %" PRIu32 "\n", lease.version);
    *version = lease.version;
    if (status == 0)
        status = file_write(lease.conn, "one line\n");
    weir_release(registry, &lease, status);
    return status;
}

int main(int argc, char **argv)
{
    const char *next = argc > 1 ? argv[1] : "journal.txt";
    struct weir_error error = {.detail = ""};
    struct weir_registry *registry = NULL;
    struct weir_keeper *keeper = NULL;
    uint32_t version = 0;
    int status = weir_registry_new(&registry, NULL, &error);

    if (status == 0)
        status = weir_registry_add_driver(registry, &file_driver, &error);
    if (status == 0)
        status = weir_keeper_start(&keeper, registry, 0, &error);
    if (status == 0)
        status = configure(registry, "/dev/null", &error);
    /* Until the new version is proven, the old one goes on serving. */
    for (int64_t until = weir_now() + 5 * SECOND; status == 0 && version != 2;) {
        status = append(registry, next, &version, &error);
        if (status == 0 && weir_now() > until)
            status = weir_fail(&error, WEIR_EDEADLINE, "version 2 did not take over");
    }
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
