/* SPDX-License-Identifier: MIT */
/* For the examples: a driver that needs no server, and how each of them begins and ends. */
#ifndef TOY_H
#define TOY_H

#include <stdio.h>

#include <weir/weir.h>

#define SECOND INT64_C(1000000000)

struct toy {
    const char *word; /* the settings' */
};

static int toy_open(void *conn, const struct weir_settings *settings, int64_t deadline,
                    struct weir_error *error)
{
    (void)deadline, (void)error;
    ((struct toy *)conn)->word = weir_settings_string(settings, "word", "");
    return 0;
}

static int toy_check(void *conn, int64_t deadline, struct weir_error *error)
{
    (void)conn, (void)deadline, (void)error;
    return 0;
}

static void toy_interrupt(void *conn, int64_t deadline)
{
    (void)conn, (void)deadline;
}

static int toy_close(void *conn, int64_t deadline)
{
    (void)conn, (void)deadline;
    return 0;
}

static int toy_classify(const char *native)
{
    return native == NULL ? 0 : WEIR_EINTERNAL;
}

static const struct weir_setting toy_settings[] = {
    {"word", WEIR_SETTING_STRING, WEIR_SETTING_REQUIRED, 0, 0, NULL, "any"},
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static const struct weir_driver toy_driver = {.abi = WEIR_DRIVER_ABI,
                                              .name = "toy",
                                              .conn_size = sizeof(struct toy),
                                              .settings = toy_settings,
                                              .max_size = 4,
                                              .open = toy_open,
                                              .check = toy_check,
                                              .interrupt = toy_interrupt,
                                              .close = toy_close,
                                              .classify = toy_classify};

/* Configure, or change, the connection "example": one key, one value. */
static inline int toy_configure(struct weir_registry *registry, const char *type, const char *key,
                                const char *value, struct weir_error *error)
{
    struct weir_settings *settings = NULL;
    struct weir_change *change = NULL;
    int status = weir_settings_new(&settings, type, error);

    if (status == 0)
        status = weir_settings_set_string(settings, key, value, error);
    if (status == 0)
        status = weir_change_begin(registry, &change, error);
    if (status == 0)
        status = weir_change_set(change, "example", settings, error);
    if (status == 0)
        status = weir_change_commit(&change, error);
    weir_change_abort(&change);
    weir_settings_unref(&settings);
    return status;
}

/* A registry that knows one driver, and its keeper. */
static inline int toy_begin(struct weir_registry **registry, struct weir_keeper **keeper,
                            const struct weir_driver *driver, struct weir_error *error)
{
    int status = weir_registry_new(registry, NULL, error);

    if (status == 0)
        status = weir_registry_add_driver(*registry, driver, error);
    if (status == 0)
        status = weir_keeper_start(keeper, *registry, 0, error);
    return status;
}

/* Says what went wrong, if something did; the program's exit code. */
static inline int toy_end(struct weir_registry **registry, struct weir_keeper **keeper, int status,
                          const struct weir_error *error)
{
    if (status != 0)
        fprintf(stderr, "%s: %s\n", weir_strerror(status), error->detail);
    if (*registry != NULL)
        weir_registry_close(*registry, weir_now() + SECOND);
    if (*keeper != NULL)
        weir_keeper_drain(*keeper, weir_now() + 5 * SECOND);
    weir_keeper_stop(keeper);
    weir_registry_free(registry);
    return status != 0;
}

#endif
