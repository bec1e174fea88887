/* SPDX-License-Identifier: MIT */
/* Borrow one connection. Its driver is in this file: a backend connection is a temporary file. */
#include <stdio.h>
#include <weir/weir.h>

static int open_file(void *conn, const struct weir_settings *settings, int64_t deadline,
                     struct weir_error *error)
{
    (void)settings, (void)deadline;
    *(FILE **)conn = tmpfile(); /* the driver's bytes, which the borrower is given */
    return *(FILE **)conn != NULL ? 0 : weir_fail(error, WEIR_ECONNECT, "no temporary file");
}

static int check_file(void *conn, int64_t deadline, struct weir_error *error)
{
    (void)deadline;
    return ferror(*(FILE **)conn) == 0 ? 0 : weir_fail(error, WEIR_ELOST, "a write has failed");
}

static void interrupt_file(void *conn, int64_t deadline)
{
    (void)conn, (void)deadline; /* nothing done with a file blocks for long */
}

static int close_file(void *conn, int64_t deadline)
{
    (void)deadline;
    return *(FILE **)conn != NULL ? fclose(*(FILE **)conn) : 0;
}

static int classify(const char *native)
{
    return native == NULL ? 0 : WEIR_EINTERNAL; /* files have no codes of their own */
}

static const struct weir_driver driver = {.abi = WEIR_DRIVER_ABI,
                                          .name = "file",
                                          .conn_size = sizeof(FILE *),
                                          .settings = &(const struct weir_setting){.name = NULL},
                                          .max_size = 2,
                                          .open = open_file,
                                          .check = check_file,
                                          .interrupt = interrupt_file,
                                          .close = close_file,
                                          .classify = classify};

int main(void)
{
    struct weir_error error = {.detail = ""};
    struct weir_registry *registry = NULL;
    struct weir_keeper *keeper = NULL;
    struct weir_settings *settings = NULL;
    struct weir_change *change = NULL;
    struct weir_lease lease;

    if (weir_registry_new(&registry, NULL, &error) != 0 ||
        weir_keeper_start(&keeper, registry, 0, &error) != 0)
        return 1;
    int failed = weir_registry_add_driver(registry, &driver, &error) ||
                 weir_settings_new(&settings, "file", &error) ||
                 weir_change_begin(registry, &change, &error) ||
                 weir_change_set(change, "notes", settings, &error) ||
                 weir_change_commit(&change, &error) ||
                 weir_acquire(registry, "notes", NULL, weir_now() + 5000000000, &lease, &error);
    if (!failed) {
        int status = fputs("a note\n", *(FILE **)lease.conn) >= 0 ? 0 : WEIR_ELOST;
        printf("borrowed of version %u, wrote: %s\n", lease.version, weir_strerror(status));
        weir_release(registry, &lease, status); /* the status decides what becomes of it */
    } else {
        fprintf(stderr, "%s: %s\n", weir_strerror(error.status), error.detail);
    }
    weir_change_abort(&change);
    weir_settings_unref(&settings);
    weir_registry_close(registry, weir_now());
    weir_keeper_drain(keeper, WEIR_NEVER);
    weir_keeper_stop(&keeper);
    weir_registry_free(&registry);
    return failed;
}
