/* SPDX-License-Identifier: MIT */
/*
 * Owns: the fake servers and the driver to them. Never does: sleep, or read a real clock.
 * Lock: none; one thread.
 */
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake fake;

int64_t fake_now(void *context)
{
    (void)context;
    return fake.now;
}

void fake_reset(void)
{
    fake = (struct fake){.now = 1000000000};
}

/* I22: nobody may hold the registry's lock while a driver is called. */
static void enter(void)
{
    if (fake.registry_mutex == NULL)
        return;
    if (pthread_mutex_trylock(fake.registry_mutex) != 0)
        fake_violation("I22", "the registry's lock is held during a driver call");
    else
        pthread_mutex_unlock(fake.registry_mutex);
}

static struct fake_conn *enter_conn(void *bytes)
{
    struct fake_conn *conn = bytes;

    enter();
    if (conn->magic != FAKE_MAGIC)
        fake_violation("I9", "a driver call on a backend connection that is not open");
    return conn;
}

static int open_status(const struct fake_server *server, const char *password)
{
    switch (server->mode) {
    case FAKE_DOWN: return WEIR_ECONNECT;
    case FAKE_CROWDED: return WEIR_ECROWDED;
    default: return strcmp(server->refused, password) == 0 ? WEIR_EAUTH : 0;
    }
}

static int fake_open(void *bytes, const struct weir_settings *settings, int64_t deadline,
                     struct weir_error *error)
{
    struct fake_conn *conn = bytes;
    struct fake_server *server = &fake.servers[weir_settings_integer(settings, "server", 0)];

    (void)deadline;
    enter();
    if (conn->magic != 0)
        fake_violation("I9", "open on bytes that are not fresh");
    *conn = (struct fake_conn){.magic = FAKE_MAGIC,
                               .server = server,
                               .settings = settings,
                               .interrupted = conn->interrupted};
    server->opens++;
    server->seen++;
    if (server->seen > server->peak)
        server->peak = server->seen;
    int status = open_status(server, weir_settings_string(settings, "password", ""));
    if (conn->interrupted)
        status = WEIR_EINTERRUPTED;
    if (status == 0 && server->fail_opens > 0) {
        server->fail_opens--;
        status = WEIR_ELOST;
    }
    conn->up = status == 0;
    return status == 0 ? 0 : weir_fail(error, status, "the fake server says no");
}

static int fake_check(void *bytes, int64_t deadline, struct weir_error *error)
{
    struct fake_conn *conn = enter_conn(bytes);
    struct fake_server *server = conn->server;

    (void)deadline;
    server->checks++;
    if (conn->interrupted)
        return weir_fail(error, WEIR_EINTERRUPTED, "interrupted");
    if (server->fail_checks > 0) {
        server->fail_checks--;
        return weir_fail(error, WEIR_ELOST, "the check was made to fail");
    }
    if (!conn->up || conn->broken || server->mode == FAKE_DOWN)
        return weir_fail(error, WEIR_ELOST, "the socket is dead");
    return server->mode == FAKE_READONLY ? weir_fail(error, WEIR_EREADONLY, "read-only") : 0;
}

static int fake_reset_conn(void *bytes, int64_t deadline, struct weir_error *error)
{
    struct fake_conn *conn = enter_conn(bytes);

    (void)deadline;
    conn->server->resets++;
    if (conn->server->fail_resets == 0)
        return 0;
    conn->server->fail_resets--;
    return weir_fail(error, WEIR_ELOST, "the reset was made to fail");
}

static void fake_interrupt(void *bytes, int64_t deadline)
{
    struct fake_conn *conn = bytes;

    (void)deadline;
    enter();
    if (conn->magic != FAKE_MAGIC && conn->magic != 0)
        fake_violation("I9", "an interrupt of a backend connection that was closed");
    if (conn->interrupted)
        fake_violation("I9", "a backend connection was interrupted twice");
    conn->interrupted = true;
    fake.interrupts++;
}

static int fake_close(void *bytes, int64_t deadline)
{
    struct fake_conn *conn = enter_conn(bytes);

    (void)deadline;
    conn->server->closes++;
    conn->server->seen--;
    conn->magic = 0xdead;
    return 0;
}

static int fake_peek(void *bytes)
{
    const struct fake_conn *conn = enter_conn(bytes);

    return conn->broken || conn->server->mode == FAKE_DOWN ? WEIR_ELOST : 0;
}

static int fake_classify(const char *native)
{
    (void)native;
    return WEIR_EINTERNAL;
}

/* The embedder's proof: may this user write? */
int fake_prove(void *context, const char *name, const struct weir_driver *driver, void *bytes,
               int64_t deadline, struct weir_error *error)
{
    struct fake_conn *conn = enter_conn(bytes);
    const char *password = weir_settings_string(conn->settings, "password", "");

    (void)context, (void)name, (void)driver, (void)deadline;
    if (conn->server->denied[0] != '\0' && strcmp(conn->server->denied, password) == 0)
        return weir_fail(error, WEIR_EDENIED, "may not insert");
    return 0;
}

static const struct weir_setting fake_keys[] = {
    {"server", WEIR_SETTING_INTEGER, 0, 0, FAKE_SERVERS_MAX - 1, "0", "which fake server"},
    {"password", WEIR_SETTING_STRING, WEIR_SETTING_SECRET, 0, 0, "", "its password"},
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

#define DRIVER(type, to_reset)                                                                    \
    {                                                                                             \
        .abi = WEIR_DRIVER_ABI, .name = type, .conn_size = sizeof(struct fake_conn),              \
        .settings = fake_keys, .min_size = 0, .max_size = 4, .open = fake_open,                   \
        .check = fake_check, .reset = to_reset, .interrupt = fake_interrupt, .close = fake_close, \
        .classify = fake_classify, .peek = fake_peek                                              \
    }

const struct weir_driver fake_driver = DRIVER("fake", fake_reset_conn);
const struct weir_driver fake_other_driver = DRIVER("other", NULL);

struct weir_settings *fake_settings(const char *type, int server, const char *password, int min,
                                    int max)
{
    struct weir_settings *settings;
    int status = weir_settings_new(&settings, type, NULL);

    if (status == 0)
        status = weir_settings_set_integer(settings, "server", server, NULL);
    if (status == 0)
        status = weir_settings_set_string(settings, "password", password, NULL);
    if (status == 0 && min >= 0)
        status = weir_settings_set_integer(settings, "pool_min_size", min, NULL);
    if (status == 0 && max >= 0)
        status = weir_settings_set_integer(settings, "pool_max_size", max, NULL);
    if (status != 0)
        weir_settings_unref(&settings);
    return settings;
}
