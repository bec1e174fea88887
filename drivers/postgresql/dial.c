/* SPDX-License-Identifier: MIT */
/*
 * Owns: reaching a server: hosts, addresses, libpq's parameters, connecting within a deadline.
 * Never does: resolve a name on the caller's thread, since that cannot be bounded.
 * Lock: none.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "conn.h"
#include "dial.h"
#include "reach.h"

#define ADDRESSES_MAX 16 /* tried for one backend connection, over all hosts */
#define KEYWORDS_MAX  40

/* One place to try. */
struct place {
    char host[DIAL_HOST_MAX];     /* for TLS, .pgpass and messages; or a socket directory */
    char number[DIAL_NUMBER_MAX]; /* "" for a socket directory */
};

struct places {
    const struct outbound *outbound; /* what may be one */
    struct place items[ADDRESSES_MAX];
    size_t count;
    char refused[DIAL_REFUSED_MAX]; /* why some are none */
};

/* ---- Names ----------------------------------------------------------------------------------- */

static void add(struct places *places, const char *host, const char *number)
{
    if (places->count == ADDRESSES_MAX)
        return;
    struct place *place = &places->items[places->count++];
    snprintf(place->host, sizeof(place->host), "%s", host);
    snprintf(place->number, sizeof(place->number), "%s", number);
}

/* The environment or a service file would lead somewhere else: "hostaddr" goes before a path. */
static int check_path(const char *path, struct weir_error *error)
{
    PQconninfoOption *defaults = PQconndefaults();
    int status = 0;

    for (const PQconninfoOption *at = defaults; at != NULL && at->keyword != NULL; at++)
        if (strcmp(at->keyword, "hostaddr") == 0 && at->val != NULL && at->val[0] != '\0')
            status = weir_fail_key(error, WEIR_EADDRESS, "host",
                                   "%s is a Unix socket, but PGHOSTADDR or a service names %s",
                                   path, at->val);
    PQconninfoFree(defaults);
    return status;
}

static int add_path(struct places *places, const char *path, struct weir_error *error)
{
    int status = dial_permits_path(path, places->outbound, error);

    if (status == 0)
        status = check_path(path, error);
    if (status == 0)
        add(places, path, "");
    return status;
}

static int add_host(struct places *places, const char *host, int64_t deadline,
                    struct weir_error *error)
{
    struct dial_addresses found;

    if (dial_is_path(host))
        return add_path(places, host, error);
    int status = dial_resolve(&found, host, places->outbound, deadline, error);
    for (size_t i = 0; i < found.count; i++)
        add(places, host, found.items[i].number);
    if (found.refused[0] != '\0')
        memcpy(places->refused, found.refused, sizeof(found.refused));
    return status;
}

/* "a,b,/run/postgresql": a host that leads nowhere only counts if there is no other. */
static int find_places(struct places *places, const char *hosts, int64_t deadline,
                       struct weir_error *error)
{
    int status = 0;

    for (const char *at = hosts;; at++) {
        size_t len = strcspn(at, ",");
        char host[DIAL_HOST_MAX];
        if (len >= DIAL_HOST_MAX)
            return weir_fail(error, WEIR_ECONFIG, "a host of more than %d bytes",
                             DIAL_HOST_MAX - 1);
        memcpy(host, at, len);
        host[len] = '\0';
        status = add_host(places, host, deadline, error);
        at += len;
        if (*at == '\0')
            break;
    }
    return places->count > 0 ? 0 : status;
}

/* ---- libpq's parameters ---------------------------------------------------------------------- */

struct parameters {
    const char *keys[KEYWORDS_MAX + 1], *values[KEYWORDS_MAX + 1];
    char numbers[KEYWORDS_MAX][24];
    size_t count;
};

static void set(struct parameters *parameters, const char *key, const char *value)
{
    if (value == NULL || parameters->count == KEYWORDS_MAX)
        return;
    parameters->keys[parameters->count] = key;
    parameters->values[parameters->count++] = value;
}

static void set_number(struct parameters *parameters, const char *key, int64_t value)
{
    char *text = parameters->numbers[parameters->count];

    snprintf(text, sizeof(parameters->numbers[0]), "%lld", (long long)value);
    set(parameters, key, text);
}

static void set_all(struct parameters *parameters, const struct weir_settings *settings,
                    const struct place *place, const char *target)
{
    static const char *const strings[] = {"user",
                                          "password",
                                          "sslmode",
                                          "sslrootcert",
                                          "sslcert",
                                          "sslkey",
                                          "sslcrl",
                                          "sslpassword",
                                          "sslcompression",
                                          "ssl_min_protocol_version",
                                          "ssl_max_protocol_version",
                                          "channel_binding",
                                          "gssencmode",
                                          "krbsrvname",
                                          "application_name",
                                          "options",
                                          "passfile",
                                          "requirepeer"};
    static const char *const numbers[] = {"keepalives", "keepalives_idle", "keepalives_interval",
                                          "keepalives_count", "tcp_user_timeout"};

    set(parameters, "host", place->host);
    if (place->number[0] != '\0')
        set(parameters, "hostaddr", place->number);
    set_number(parameters, "port", weir_settings_integer(settings, "port", 5432));
    set(parameters, "dbname", weir_settings_string(settings, "database", NULL));
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
        set(parameters, strings[i], weir_settings_string(settings, strings[i], NULL));
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (weir_settings_has(settings, numbers[i]))
            set_number(parameters, numbers[i], weir_settings_integer(settings, numbers[i], 0));
    set(parameters, "target_session_attrs", target);
    set(parameters, "fallback_application_name", "weir");
    set(parameters, "client_encoding", "UTF8");
}

/* ---- Connecting ------------------------------------------------------------------------------ */

static int follow(struct pg_session *conn, int64_t deadline, struct weir_error *error)
{
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;

    while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
        short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        int status = pg_wait(conn, events, deadline, error);
        if (status != 0)
            return status;
        state = PQconnectPoll(conn->pg);
    }
    return state == PGRES_POLLING_OK ? 0 : pg_conn_fail(conn, WEIR_ECONNECT, error);
}

/* A server's notices would be printed by libpq, in the middle of the operator's log. */
static void ignore_notice(void *context, const PGresult *notice)
{
    (void)context, (void)notice;
}

static int connect_to(struct pg_session *conn, const struct weir_settings *settings,
                      const struct place *place, const char *target, int64_t deadline,
                      struct weir_error *error)
{
    struct parameters parameters = {.count = 0};

    PQfinish(conn->pg);
    set_all(&parameters, settings, place, target);
    conn->pg = PQconnectStartParams(parameters.keys, parameters.values, 0);
    if (conn->pg == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    PQsetNoticeReceiver(conn->pg, ignore_notice, NULL);
    PQsetErrorVerbosity(conn->pg, PQERRORS_VERBOSE); /* so that the code is in the message */
    if (PQstatus(conn->pg) == CONNECTION_BAD)
        return pg_conn_fail(conn, WEIR_ECONNECT, error);
    int status = follow(conn, deadline, error);
    PQsetErrorVerbosity(conn->pg, PQERRORS_DEFAULT);
    return status;
}

/* A wrong password is wrong everywhere; another host does not make it right. */
static bool is_final(int status)
{
    return status == 0 || status == WEIR_EINTERRUPTED || status == WEIR_ENOMEM ||
           status == WEIR_EAUTH || status == WEIR_ECONFIG;
}

/* Each address gets a fair share of the time that is left, so that a silent one is passed over. */
static int try_all(struct pg_session *conn, const struct weir_settings *settings,
                   const struct places *places, const char *target, int64_t deadline,
                   struct weir_error *error)
{
    int status = WEIR_ECONNECT;

    for (size_t i = 0; i < places->count; i++) {
        int64_t now = clock_now();
        int64_t share = (deadline - now) / (int64_t)(places->count - i);
        status =
            connect_to(conn, settings, &places->items[i], target, clock_add(now, share), error);
        if (is_final(status))
            return status;
    }
    dial_add_refused(places->refused, error);
    return status;
}

static int dial_places(struct pg_session *conn, const struct weir_settings *settings,
                       struct places *places, int64_t deadline, struct weir_error *error)
{
    const char *target = weir_settings_string(settings, "target_session_attrs", "any");
    const char *hosts = weir_settings_string(settings, "host", "localhost");
    bool prefer = strcmp(target, "prefer-standby") == 0;
    int status = find_places(places, hosts, deadline, error);

    if (status != 0)
        return status;
    if (prefer) {
        int64_t now = clock_now();
        status = try_all(conn, settings, places, "standby", now + (deadline - now) / 2, error);
        if (is_final(status))
            return status;
    }
    return try_all(conn, settings, places, prefer ? "any" : target, deadline, error);
}

int pg_dial(struct pg_session *conn, const struct weir_settings *settings, int64_t deadline,
            struct weir_error *error)
{
    struct outbound outbound;
    struct places places = {.outbound = &outbound};
    int status = reach_read(&outbound, settings, error);

    if (status == 0)
        status = dial_places(conn, settings, &places, deadline, error);
    outbound_fini(&outbound);
    return status;
}
