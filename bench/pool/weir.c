/* SPDX-License-Identifier: MIT */
/*
 * Owns: libweir as one of the pools that are measured, through its public API only.
 * Never does: anything an embedder would not do: a registry, a keeper, acquire and release.
 * Lock: none; the registry has its own.
 */
#include "peer.h"

#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

const char *const peer_name = "weir";
const char *const peer_has_no_waiters = NULL;

static struct weir_registry *registry;
static struct weir_keeper *keeper;
static unsigned size, secret;

_Static_assert(sizeof(struct weir_lease) <= HELD_BYTES, "a lease does not fit");

/* ---- A driver for the fake server ------------------------------------------------------------ */

static int dummy_open(void *conn, const struct weir_settings *settings, int64_t deadline,
                      struct weir_error *error)
{
    (void)deadline;
    if (!backend_open(conn, (unsigned)weir_settings_integer(settings, "password", 0)))
        return weir_fail(error, WEIR_ECONNECT, "refused");
    return 0;
}

static int dummy_check(void *conn, int64_t deadline, struct weir_error *error)
{
    (void)conn, (void)deadline, (void)error;
    return 0;
}

static void dummy_interrupt(void *conn, int64_t deadline)
{
    (void)conn, (void)deadline;
}

static int dummy_close(void *conn, int64_t deadline)
{
    (void)deadline;
    backend_close(conn);
    return 0;
}

static int dummy_classify(const char *native)
{
    (void)native;
    return WEIR_EINTERNAL;
}

static const struct weir_setting keys[] = {
    {"password", WEIR_SETTING_INTEGER, 0, 0, 1e9, NULL, "what it logs in with"},
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static const struct weir_driver dummy = {.abi = WEIR_DRIVER_ABI,
                                         .name = "dummy",
                                         .conn_size = sizeof(struct resource),
                                         .settings = keys,
                                         .min_size = 0,
                                         .max_size = 8,
                                         .open = dummy_open,
                                         .check = dummy_check,
                                         .interrupt = dummy_interrupt,
                                         .close = dummy_close,
                                         .classify = dummy_classify};

/* ---- The pool -------------------------------------------------------------------------------- */

static void must(int status, const struct weir_error *error)
{
    if (status != 0)
        frame_die(error->detail);
}

static void configure(void)
{
    struct weir_error error = {.status = 0};
    struct weir_settings *settings;
    struct weir_change *change;

    must(weir_settings_new(&settings, "dummy", &error), &error);
    must(weir_settings_set_integer(settings, "password", secret, &error), &error);
    must(weir_settings_set_integer(settings, "pool_max_size", size, &error), &error);
    must(weir_change_begin(registry, &change, &error), &error);
    must(weir_change_set(change, "db", settings, &error), &error);
    must(weir_change_commit(&change, &error), &error);
    weir_settings_unref(&settings);
}

/* A version is one more than the last with each change of the password, and so is the password. */
static void observe(void *context, const struct weir_event *event)
{
    (void)context;
    if (event->type == WEIR_EVENT_VERSION_SWITCHED)
        frame_switched(event->version);
}

void peer_start(unsigned max, int64_t patience)
{
    struct weir_registry_options options = {.observe = observe};
    struct weir_error error = {.status = 0};

    (void)patience; /* each acquire says its own */
    size = max;
    secret = 1;
    must(weir_registry_new(&registry, &options, &error), &error);
    must(weir_registry_add_driver(registry, &dummy, &error), &error);
    must(weir_keeper_start(&keeper, registry, 0, &error), &error);
    configure();
}

bool peer_take(struct held *held, int64_t deadline)
{
    struct weir_lease *lease = (struct weir_lease *)held->room;

    if (weir_acquire(registry, "db", NULL, deadline, lease, NULL) != 0)
        return false;
    held->resource = lease->conn;
    return true;
}

bool peer_try(struct held *held)
{
    struct weir_lease *lease = (struct weir_lease *)held->room;

    if (weir_try_acquire(registry, "db", NULL, lease, NULL) != 0)
        return false;
    held->resource = lease->conn;
    return true;
}

void peer_give(struct held *held, bool broken)
{
    weir_release(registry, (struct weir_lease *)held->room, broken ? WEIR_ELOST : 0);
}

bool peer_rotates_in_place(void)
{
    return true;
}

void peer_expect_rotation(void)
{
}

void peer_rotate(unsigned password)
{
    secret = password;
    configure();
}

bool peer_resize(unsigned max)
{
    size = max;
    configure();
    return true;
}

bool peer_close(void)
{
    weir_registry_close(registry, weir_now() + 10 * SECOND);
    if (weir_keeper_drain(keeper, weir_now() + 20 * SECOND) != 0)
        frame_die("the registry did not drain");
    return true;
}

void peer_stop(void)
{
    peer_close();
    weir_keeper_stop(&keeper);
    weir_registry_free(&registry);
}
