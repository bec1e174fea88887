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

#define ADDRESSES_MAX 16 /* tried for one backend connection, over all hosts */
#define KEYWORDS_MAX  40

/* One place to try. */
struct address {
    char host[DIAL_HOST_MAX];   /* for TLS, .pgpass and messages; or a socket directory */
    char number[DIAL_HOST_MAX]; /* "" for a socket directory */
};

struct addresses {
    struct address items[ADDRESSES_MAX];
    size_t count;
};

/* ---- Names ----------------------------------------------------------------------------------- */

/* Both have room for DIAL_HOST_MAX bytes, or the text is known to be shorter. */
static void copy(char *to, const char *text)
{
    size_t len = strnlen(text, DIAL_HOST_MAX - 1);

    memcpy(to, text, len);
    to[len] = '\0';
}

static void add(struct addresses *addresses, const char *host, const char *number)
{
    if (addresses->count == ADDRESSES_MAX)
        return;
    struct address *address = &addresses->items[addresses->count++];
    copy(address->host, host);
    copy(address->number, number);
}

static int add_host(struct addresses *addresses, const char *host, int64_t deadline,
                    struct weir_error *error)
{
    struct dial_addresses found;

    if (dial_is_path(host)) {
        add(addresses, host, "");
        return 0;
    }
    int status = dial_resolve(&found, host, deadline, error);
    for (size_t i = 0; i < found.count; i++)
        add(addresses, host, found.numbers[i]);
    return status;
}

/* "a,b,/run/postgresql": a host that cannot be resolved only counts if there is no other. */
static int find_addresses(struct addresses *addresses, const char *hosts, int64_t deadline,
                          struct weir_error *error)
{
    int status = 0;

    addresses->count = 0;
    for (const char *at = hosts;; at++) {
        size_t len = strcspn(at, ",");
        char host[DIAL_HOST_MAX];
        if (len >= DIAL_HOST_MAX)
            return weir_fail(error, WEIR_ECONFIG, "a host of more than %d bytes",
                             DIAL_HOST_MAX - 1);
        memcpy(host, at, len);
        host[len] = '\0';
        status = add_host(addresses, host, deadline, error);
        at += len;
        if (*at == '\0')
            break;
    }
    return addresses->count > 0 ? 0 : status;
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
                    const struct address *address, const char *target)
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

    set(parameters, "host", address->host);
    if (address->number[0] != '\0')
        set(parameters, "hostaddr", address->number);
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
                      const struct address *address, const char *target, int64_t deadline,
                      struct weir_error *error)
{
    struct parameters parameters = {.count = 0};

    PQfinish(conn->pg);
    set_all(&parameters, settings, address, target);
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
                   const struct addresses *addresses, const char *target, int64_t deadline,
                   struct weir_error *error)
{
    int status = WEIR_ECONNECT;

    for (size_t i = 0; i < addresses->count; i++) {
        int64_t now = clock_now();
        int64_t share = (deadline - now) / (int64_t)(addresses->count - i);
        status =
            connect_to(conn, settings, &addresses->items[i], target, clock_add(now, share), error);
        if (is_final(status))
            return status;
    }
    return status;
}

int pg_dial(struct pg_session *conn, const struct weir_settings *settings, int64_t deadline,
            struct weir_error *error)
{
    struct addresses addresses;
    const char *target = weir_settings_string(settings, "target_session_attrs", "any");
    const char *hosts = weir_settings_string(settings, "host", "localhost");
    bool prefer = strcmp(target, "prefer-standby") == 0;
    int status = find_addresses(&addresses, hosts, deadline, error);

    if (status != 0)
        return status;
    if (prefer) {
        int64_t now = clock_now();
        status = try_all(conn, settings, &addresses, "standby", now + (deadline - now) / 2, error);
        if (is_final(status))
            return status;
    }
    return try_all(conn, settings, &addresses, prefer ? "any" : target, deadline, error);
}
