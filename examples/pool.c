/* SPDX-License-Identifier: MIT */
/*
 * A pool with a driver of one's own: files in a directory instead of sockets, to be short. Changes
 * the configuration while a lease is out, and shows that it is not disturbed.
 */
#include <stdio.h>
#include <unistd.h>

#include <weir/weir.h>

#define SECOND INT64_C(1000000000)

static int file_open(void *conn, const struct weir_settings *settings, int64_t deadline,
                     struct weir_error *error)
{
    FILE **file = conn;

    (void)deadline;
    *file = fopen(weir_settings_string(settings, "path", "/dev/null"), "a");
    return *file == NULL ? weir_fail(error, WEIR_ECONNECT, "cannot be opened") : 0;
}

static int file_check(void *conn, int64_t deadline, struct weir_error *error)
{
    (void)deadline;
    return ferror(*(FILE **)conn) ? weir_fail(error, WEIR_ELOST, "broken") : 0;
}

static void file_interrupt(void *conn, int64_t deadline)
{
    (void)conn, (void)deadline; /* nothing of it ever blocks for long */
}

static int file_close(void *conn, int64_t deadline)
{
    FILE *file = *(FILE **)conn;

    (void)deadline;
    return file != NULL && fclose(file) != 0 ? WEIR_EDEADLINE : 0;
}

static int file_classify(const char *native)
{
    (void)native;
    return WEIR_EINTERNAL;
}

static const struct weir_setting keys[] = {
    {"path", WEIR_SETTING_STRING, WEIR_SETTING_REQUIRED, 0, 0, NULL, "the file to append to"},
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static const struct weir_driver file_driver = {.abi = WEIR_DRIVER_ABI,
                                               .name = "file",
                                               .conn_size = sizeof(FILE *),
                                               .settings = keys,
                                               .min_size = 0,
                                               .max_size = 2,
                                               .open = file_open,
                                               .check = file_check,
                                               .interrupt = file_interrupt,
                                               .close = file_close,
                                               .classify = file_classify};

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

static int use(struct weir_registry *registry, struct weir_error *error)
{
    struct weir_lease lease;
    int status = weir_acquire(registry, "journal", NULL, weir_now() + 5 * SECOND, &lease, error);

    if (status != 0)
        return status;
    printf("a lease of version %u\n", lease.version);
    status = configure(registry, "/dev/stderr", error); /* the lease is good all the same */
    fprintf(*(FILE **)lease.conn, "hello\n");
    weir_release(registry, &lease, status);
    return status;
}

int main(void)
{
    struct weir_error error = {.detail = ""};
    struct weir_registry *registry = NULL;
    struct weir_keeper *keeper = NULL;
    int status = weir_registry_new(&registry, NULL, &error);

    if (status == 0)
        status = weir_registry_add_driver(registry, &file_driver, &error);
    if (status == 0)
        status = weir_keeper_start(&keeper, registry, 0, &error);
    if (status == 0)
        status = configure(registry, "/dev/null", &error);
    for (int i = 0; status == 0 && i < 2; i++)
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
