/* SPDX-License-Identifier: MIT */
/*
 * Owns: opening, checking, interrupting and closing one Redis connection.
 * Never does: block past a deadline, or forget a socket that the server still holds open.
 * Lock: none; interrupt touches only what is atomic.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "dial.h"
#include "reach.h"

static const struct weir_setting settings_table[] = {
    {"host", WEIR_SETTING_STRING, 0, 0, 0, "localhost",
     "name or address, or the path of a Unix socket"},
    {"port", WEIR_SETTING_INTEGER, 0, 1, 65535, "6379", "TCP port"},
    {"database", WEIR_SETTING_INTEGER, 0, 0, 1000000, "0", "number of the database"},
    {"user", WEIR_SETTING_STRING, 0, 0, 0, NULL, "ACL user; the default user if absent"},
    {"password", WEIR_SETTING_STRING, WEIR_SETTING_SECRET, 0, 0, NULL, "any bytes but NUL"},
    {"application_name", WEIR_SETTING_STRING, 0, 0, 0, "weir", "the name in CLIENT LIST"},
    {"tls", WEIR_SETTING_BOOLEAN, 0, 0, 0, "false",
     "not to be had from hiredis 0.14: true is refused"},
    REACH_SETTINGS,
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

/* ---- Validating ------------------------------------------------------------------------------ */

static int redis_validate(const struct weir_settings *settings, struct weir_error *error)
{
    const char *name = weir_settings_string(settings, "application_name", "weir");

    if (weir_settings_boolean(settings, "tls", false))
        return weir_fail_key(error, WEIR_EINVAL, "tls",
                             "the Redis client library, hiredis 0.14, has no TLS; use a Unix "
                             "socket, or a tunnel such as stunnel");
    if (weir_settings_string(settings, "host", "localhost")[0] == '\0')
        return weir_fail_key(error, WEIR_EINVAL, "host", "names an empty host");
    if (weir_settings_has(settings, "user") && !weir_settings_has(settings, "password"))
        return weir_fail_key(error, WEIR_EINVAL, "password", "is required with user");
    for (const char *at = name; *at != '\0'; at++)
        if (*at <= ' ' || *at > '~')
            return weir_fail_key(error, WEIR_EINVAL, "application_name",
                                 "may hold printable ASCII without spaces only");
    return reach_validate(settings, error);
}

/* ---- Open ------------------------------------------------------------------------------------ */

static int log_in(struct redis_conn *conn, const struct weir_settings *settings, int64_t deadline,
                  struct weir_error *error)
{
    const char *user = weir_settings_string(settings, "user", NULL);
    const char *password = weir_settings_string(settings, "password", NULL);
    const char *with_user[] = {"AUTH", user, password};
    const char *without[] = {"AUTH", password};

    if (password == NULL)
        return 0;
    if (user != NULL)
        return redis_run(conn, 3, with_user, NULL, deadline, error);
    return redis_run(conn, 2, without, NULL, deadline, error);
}

static int select_database(struct redis_conn *conn, const struct weir_settings *settings,
                           int64_t deadline, struct weir_error *error)
{
    char number[16];
    const char *arguments[] = {"SELECT", number};

    conn->database = (int)weir_settings_integer(settings, "database", 0);
    if (conn->database == 0)
        return 0;
    snprintf(number, sizeof(number), "%d", conn->database);
    return redis_run(conn, 2, arguments, NULL, deadline, error);
}

/* A courtesy to whoever reads CLIENT LIST; an account that may not do it does without. */
static int set_name(struct redis_conn *conn, const struct weir_settings *settings, int64_t deadline,
                    struct weir_error *error)
{
    const char *arguments[] = {"CLIENT", "SETNAME",
                               weir_settings_string(settings, "application_name", "weir")};
    int status = redis_run(conn, 3, arguments, NULL, deadline, error);

    return status == WEIR_EDENIED || status == WEIR_ESCHEMA ? 0 : status;
}

static int ping(struct redis_conn *conn, int64_t deadline, struct weir_error *error)
{
    const char *arguments[] = {"PING"};
    int status = redis_run(conn, 1, arguments, NULL, deadline, error);

    return status == WEIR_EDENIED ? 0 : status; /* it has answered */
}

static int dial(struct redis_conn *conn, const struct weir_settings *settings, int64_t deadline,
                struct weir_error *error)
{
    struct outbound outbound;
    int fd = -1, status = reach_read(&outbound, settings, error);

    if (status == 0)
        status = dial_connect(&fd, weir_settings_string(settings, "host", "localhost"),
                              (unsigned)weir_settings_integer(settings, "port", 6379), &outbound,
                              &conn->wake, deadline, error);
    conn->fd = fd + 1;
    outbound_fini(&outbound);
    return status;
}

static int redis_open(void *bytes, const struct weir_settings *settings, int64_t deadline,
                      struct weir_error *error)
{
    struct redis_conn *conn = bytes;
    int status = wake_init(&conn->wake, error);

    if (status == 0)
        status = dial(conn, settings, deadline, error);
    if (status != 0)
        return status;
    conn->reader = redisReaderCreate();
    if (conn->reader == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    status = log_in(conn, settings, deadline, error);
    if (status == 0)
        status = select_database(conn, settings, deadline, error);
    if (status == 0)
        status = set_name(conn, settings, deadline, error);
    return status != 0 ? status : ping(conn, deadline, error);
}

/* ---- Check, interrupt, close ----------------------------------------------------------------- */

static int redis_check(void *bytes, int64_t deadline, struct weir_error *error)
{
    return ping(bytes, deadline, error);
}

/* Bytes on their way in either direction are somebody's unfinished conversation. */
static bool is_quiet(const redisContext *context)
{
    return context->err == 0 && context->obuf[0] == '\0' &&
           context->reader->pos == context->reader->len;
}

static void take_end(void *context, size_t number, const redisReply *reply)
{
    static const char *const harmless[] = {"ERR DISCARD without MULTI", "NOPERM", "NOAUTH"};
    bool *ended = context, known = number > 0 || reply->type == REDIS_REPLY_STATUS;

    for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]) && !known; i++)
        known = reply->type == REDIS_REPLY_ERROR &&
                strncmp(reply->str, harmless[i], strlen(harmless[i])) == 0;
    *ended = *ended && known;
}

/* MULTI, WATCH and SELECT are undone; whatever else is going on, this connection is done. */
static int take_back(struct redis_conn *conn, int64_t deadline, struct weir_error *error)
{
    struct pipeline pipeline = {.bytes = NULL};
    char number[16];
    const char *discard[] = {"DISCARD"}, *unwatch[] = {"UNWATCH"}, *select[] = {"SELECT", number};
    bool ended = true;
    size_t taken;

    snprintf(number, sizeof(number), "%d", conn->database);
    int status = pipeline_add(&pipeline, 1, discard, NULL);
    if (status == 0)
        status = pipeline_add(&pipeline, 1, unwatch, NULL);
    if (status == 0)
        status = pipeline_add(&pipeline, 2, select, NULL);
    if (status == 0)
        status = redis_exchange(conn, &pipeline, take_end, &ended, &taken, deadline, error);
    pipeline_fini(&pipeline);
    if (status == 0 && !ended)
        status = weir_fail(error, WEIR_ELOST, "the connection was left subscribed");
    return status;
}

static int redis_reset(void *bytes, int64_t deadline, struct weir_error *error)
{
    struct redis_conn *conn = bytes;

    if (!atomic_exchange(&conn->lent, false))
        return 0;
    if (!is_quiet(conn->borrowed))
        return weir_fail(error, WEIR_ELOST, "a reply was left unread");
    return take_back(conn, deadline, error);
}

/* Redis has nothing to be asked to stop: a command that has begun ends by itself. */
static void redis_interrupt(void *bytes, int64_t deadline)
{
    struct redis_conn *conn = bytes;

    (void)deadline;
    wake_raise(&conn->wake);
    if (atomic_load(&conn->lent))
        shutdown(conn->fd - 1, SHUT_RDWR);
}

static int redis_close(void *bytes, int64_t deadline)
{
    struct redis_conn *conn = bytes;
    int status = 0;

    if (conn->borrowed != NULL)
        redisFreeKeepFd(conn->borrowed);
    conn->borrowed = NULL;
    if (conn->fd > 0) {
        status = dial_linger(conn->fd - 1, deadline);
        close(conn->fd - 1);
        conn->fd = 0;
    }
    if (conn->reader != NULL)
        redisReaderFree(conn->reader);
    conn->reader = NULL;
    wake_fini(&conn->wake);
    return status;
}

static int redis_peek(void *bytes)
{
    const struct redis_conn *conn = bytes;

    return dial_peek(conn->fd - 1);
}

const struct weir_driver redis_driver = {.abi = WEIR_DRIVER_ABI,
                                         .name = "redis",
                                         .conn_size = sizeof(struct redis_conn),
                                         .settings = settings_table,
                                         .min_size = 1,
                                         .max_size = 10,
                                         .validate = redis_validate,
                                         .open = redis_open,
                                         .check = redis_check,
                                         .reset = redis_reset,
                                         .interrupt = redis_interrupt,
                                         .close = redis_close,
                                         .classify = redis_classify,
                                         .peek = redis_peek};
