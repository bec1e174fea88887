/* SPDX-License-Identifier: MIT */
/*
 * Owns: opening, checking, resetting, interrupting and closing one PostgreSQL connection.
 * Never does: block past a deadline, or forget a socket that the server still holds open.
 * Lock: none; interrupt touches only what is atomic.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "conn.h"
#include "dial.h"
#include "reach.h"

#define STRING(name, help)                             \
    {                                                  \
        name, WEIR_SETTING_STRING, 0, 0, 0, NULL, help \
    }
#define SECRET(name, help)                                               \
    {                                                                    \
        name, WEIR_SETTING_STRING, WEIR_SETTING_SECRET, 0, 0, NULL, help \
    }
#define NUMBER(name, most, help)                           \
    {                                                      \
        name, WEIR_SETTING_INTEGER, 0, 0, most, NULL, help \
    }

static const struct weir_setting settings_table[] = {
    {"host", WEIR_SETTING_STRING, 0, 0, 0, "localhost",
     "name or address, several with commas, or the directory of a Unix socket"},
    {"port", WEIR_SETTING_INTEGER, 0, 1, 65535, "5432", "TCP port, or the socket's suffix"},
    STRING("database", "as in libpq, the user's name if absent"),
    STRING("user", "the role to log in as"),
    SECRET("password", "any bytes but NUL"),
    STRING("sslmode", "disable, allow, prefer, require, verify-ca or verify-full"),
    STRING("sslrootcert", "file of the authorities to trust"),
    STRING("sslcert", "file of the client's certificate"),
    STRING("sslkey", "file of its key"),
    SECRET("sslpassword", "the key's password"),
    STRING("sslcrl", "file of revoked certificates"),
    STRING("ssl_min_protocol_version", "TLSv1.2, TLSv1.3 ..."),
    STRING("ssl_max_protocol_version", "TLSv1.2, TLSv1.3 ..."),
    STRING("channel_binding", "disable, prefer or require"),
    STRING("gssencmode", "disable, prefer or require"),
    STRING("krbsrvname", "Kerberos service name"),
    STRING("application_name", "as the server shows it; weir if absent"),
    STRING("options", "command-line options for the server process"),
    STRING("passfile", "file of passwords"),
    STRING("requirepeer", "owner the server process must have, on a Unix socket"),
    STRING("target_session_attrs",
           "any, read-write, read-only, primary, standby or prefer-standby"),
    NUMBER("keepalives", 1, "1: TCP keep-alives, the default"),
    NUMBER("keepalives_idle", 86400, "seconds of idleness before the first"),
    NUMBER("keepalives_interval", 86400, "seconds between them"),
    NUMBER("keepalives_count", 1000, "so many lost ones end the connection"),
    NUMBER("tcp_user_timeout", 86400000, "milliseconds data may stay unacknowledged"),
    REACH_SETTINGS,
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static const char *const aliases[] = {"postgres", NULL};

/* ---- Validating ------------------------------------------------------------------------------ */

static int check_word(const struct weir_settings *settings, const char *key, const char *words,
                      struct weir_error *error)
{
    const char *value = weir_settings_string(settings, key, NULL);
    size_t len = value == NULL ? 0 : strlen(value);

    if (value == NULL)
        return 0;
    for (const char *at = words; *at != '\0'; at += strspn(at, " ")) {
        size_t n = strcspn(at, " ");
        if (n == len && memcmp(at, value, n) == 0)
            return 0;
        at += n;
    }
    return weir_fail_key(error, WEIR_EINVAL, key, "must be one of: %s", words);
}

static int pg_validate(const struct weir_settings *settings, struct weir_error *error)
{
    static const struct {
        const char *key, *words;
    } enumerations[] = {
        {"sslmode", "disable allow prefer require verify-ca verify-full"},
        {"ssl_min_protocol_version", "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3"},
        {"ssl_max_protocol_version", "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3"},
        {"channel_binding", "disable prefer require"},
        {"gssencmode", "disable prefer require"},
        {"target_session_attrs", "any read-write read-only primary standby prefer-standby"}};
    const char *host = weir_settings_string(settings, "host", "localhost");

    if (host[0] == '\0' || host[0] == ',' || host[strlen(host) - 1] == ',' ||
        strstr(host, ",,") != NULL)
        return weir_fail_key(error, WEIR_EINVAL, "host", "names an empty host");
    for (size_t i = 0; i < sizeof(enumerations) / sizeof(enumerations[0]); i++) {
        int status = check_word(settings, enumerations[i].key, enumerations[i].words, error);
        if (status != 0)
            return status;
    }
    return reach_validate(settings, error);
}

/* ---- Open ------------------------------------------------------------------------------------ */

/*
 * A commit that returns before it is on disk would make "stored" a lie. Roles and databases may
 * have it switched off; here it is on, unless the operator's own `options` say otherwise.
 */
static int insist_on_durability(struct pg_session *conn, const struct weir_settings *settings,
                                int64_t deadline, struct weir_error *error)
{
    if (strstr(weir_settings_string(settings, "options", ""), "synchronous_commit") != NULL)
        return 0;
    return pg_run(conn,
                  "SELECT pg_catalog.set_config('synchronous_commit', 'on', false)"
                  " WHERE pg_catalog.current_setting('synchronous_commit') = 'off'",
                  deadline, NULL, error);
}

/* To be shut down under a borrower, and to see the server close its end. */
static int keep_socket(struct pg_session *conn, struct weir_error *error)
{
    int fd = fcntl(PQsocket(conn->pg), F_DUPFD_CLOEXEC, 0);

    if (fd < 0)
        return weir_fail(error, WEIR_ERESOURCE, "socket: %s", strerror(errno));
    atomic_store(&conn->socket, fd + 1);
    return 0;
}

static int pg_open(void *bytes, const struct weir_settings *settings, int64_t deadline,
                   struct weir_error *error)
{
    struct pg_session *conn = bytes;
    int status = wake_init(&conn->wake, error);

    if (status == 0)
        status = pg_dial(conn, settings, deadline, error);
    if (status == 0)
        status = keep_socket(conn, error);
    if (status != 0)
        return status;
    if (PQsetnonblocking(conn->pg, 1) != 0)
        return pg_conn_fail(conn, WEIR_EINTERNAL, error);
    conn->own_cancel = PQgetCancel(conn->pg);
    atomic_store(&conn->cancel, PQgetCancel(conn->pg));
    return insist_on_durability(conn, settings, deadline, error);
}

/* ---- Check, reset, interrupt ----------------------------------------------------------------- */

static int pg_check(void *bytes, int64_t deadline, struct weir_error *error)
{
    return pg_run(bytes, "", deadline, NULL, error);
}

/* What a borrower may have changed in libpq, as opposed to the server. */
static int take_back(struct pg_session *conn, struct weir_error *error)
{
    atomic_store(&conn->lent, false);
    if (PQpipelineStatus(conn->pg) != PQ_PIPELINE_OFF && PQexitPipelineMode(conn->pg) != 1)
        return weir_fail(error, WEIR_ELOST, "a pipeline was left with results in it");
    if (PQsetnonblocking(conn->pg, 1) != 0)
        return pg_conn_fail(conn, WEIR_ELOST, error);
    return 0;
}

/* Nothing to do, mostly: libpq knows the transaction's state without a round trip. */
static int pg_reset(void *bytes, int64_t deadline, struct weir_error *error)
{
    struct pg_session *conn = bytes;
    int status = atomic_load(&conn->lent) ? take_back(conn, error) : 0;

    if (status != 0)
        return status;
    switch (PQtransactionStatus(conn->pg)) {
    case PQTRANS_IDLE: return 0;
    case PQTRANS_INTRANS:
    case PQTRANS_INERROR: return pg_run(conn, "ROLLBACK", deadline, NULL, error);
    default: return weir_fail(error, WEIR_ELOST, "a statement is still running");
    }
}

/* First the server, then the caller: once the caller returns, the connection may be closed. */
static void pg_interrupt(void *bytes, int64_t deadline)
{
    struct pg_session *conn = bytes;

    atomic_store(&conn->wake.raised, true); /* so that no new wait begins */
    bool lent = atomic_load(&conn->lent);
    if (lent) /* or its borrower would send the next statement after the cancelled one */
        shutdown(atomic_load(&conn->socket) - 1, SHUT_WR);
    pg_cancel(atomic_exchange(&conn->cancel, NULL), deadline);
    wake_raise(&conn->wake);
    if (lent)
        shutdown(atomic_load(&conn->socket) - 1, SHUT_RDWR);
}

/* ---- Close ----------------------------------------------------------------------------------- */

static void free_handles(struct pg_session *conn)
{
    PGcancel *cancel = atomic_exchange(&conn->cancel, NULL);

    if (cancel != NULL)
        PQfreeCancel(cancel);
    if (conn->own_cancel != NULL)
        PQfreeCancel(conn->own_cancel);
    conn->own_cancel = NULL;
    wake_fini(&conn->wake);
}

static int pg_close(void *bytes, int64_t deadline)
{
    struct pg_session *conn = bytes;
    int fd = atomic_exchange(&conn->socket, 0) - 1;
    int status = 0;

    PQfinish(conn->pg); /* says Terminate, and closes its own descriptor */
    conn->pg = NULL;
    if (fd >= 0) {
        status = dial_linger(fd, deadline);
        close(fd);
    }
    for (unsigned n = 0; n < PG_PREPARED_MAX; n++)
        free(conn->prepared[n]);
    free_handles(conn);
    return status;
}

static int pg_peek(void *bytes)
{
    const struct pg_session *conn = bytes;

    return dial_peek(PQsocket(conn->pg));
}

const struct weir_driver postgresql_driver = {.abi = WEIR_DRIVER_ABI,
                                              .name = "postgresql",
                                              .aliases = aliases,
                                              .conn_size = sizeof(struct pg_session),
                                              .settings = settings_table,
                                              .min_size = 2,
                                              .max_size = 10,
                                              .validate = pg_validate,
                                              .open = pg_open,
                                              .check = pg_check,
                                              .reset = pg_reset,
                                              .interrupt = pg_interrupt,
                                              .close = pg_close,
                                              .classify = pg_classify,
                                              .peek = pg_peek};
