/* SPDX-License-Identifier: MIT */
/*
 * Owns: opening, checking, resetting, interrupting and closing one MySQL or MariaDB connection.
 * Never does: block past a deadline, or forget a socket that the server still holds open.
 * Lock: none; interrupt touches only what is atomic.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "conn.h"
#include "dial.h"
#include "reach.h"

#define PACKET_MIN (64u << 10) /* believed of a server that does not say */

#define STRING(name, help)                             \
    {                                                  \
        name, WEIR_SETTING_STRING, 0, 0, 0, NULL, help \
    }
#define SECRET(name, help)                                               \
    {                                                                    \
        name, WEIR_SETTING_STRING, WEIR_SETTING_SECRET, 0, 0, NULL, help \
    }

static const struct weir_setting settings_table[] = {
    {"host", WEIR_SETTING_STRING, 0, 0, 0, "localhost",
     "name or address, or the path of a Unix socket"},
    {"port", WEIR_SETTING_INTEGER, 0, 1, 65535, "3306", "TCP port"},
    {"database", WEIR_SETTING_STRING, WEIR_SETTING_REQUIRED, 0, 0, NULL, "the database"},
    STRING("user", "the account to log in as"),
    SECRET("password", "any bytes but NUL"),
    {"ssl_mode", WEIR_SETTING_STRING, 0, 0, 0, "preferred",
     "disabled, preferred, required, verify_ca or verify_identity"},
    STRING("ssl_ca", "file of the authorities to trust"),
    STRING("ssl_capath", "directory of them"),
    STRING("ssl_cert", "file of the client's certificate"),
    STRING("ssl_key", "file of its key"),
    SECRET("ssl_key_password", "the key's password"),
    STRING("ssl_cipher", "permitted ciphers"),
    STRING("ssl_crl", "file of revoked certificates"),
    STRING("tls_version", "TLSv1.2,TLSv1.3 ..."),
    {"application_name", WEIR_SETTING_STRING, 0, 0, 0, "weir", "program_name at the server"},
    {"array_binding", WEIR_SETTING_BOOLEAN, 0, 0, 0, "true",
     "one execution for many rows, where the server can (MariaDB)"},
    REACH_SETTINGS,
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static const char *const aliases[] = {"mariadb", NULL};

/* ---- Open ------------------------------------------------------------------------------------ */

/*
 * Strict whatever the server's default, so that nothing is stored truncated; times are in UTC;
 * every statement is its own transaction.
 */
static int set_session(struct my_conn *conn, int64_t deadline, struct weir_error *error)
{
    static const char sql[] =
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,"
        "NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', autocommit = 1";

    return my_run(conn, sql, sizeof(sql) - 1, deadline, NULL, error);
}

static int read_packet_max(struct my_conn *conn, int64_t deadline, struct weir_error *error)
{
    static const char sql[] = "SELECT @@max_allowed_packet";
    MYSQL_RES *result;
    int status = my_run(conn, sql, sizeof(sql) - 1, deadline, &result, error);

    if (status != 0)
        return status;
    MYSQL_ROW row = mysql_fetch_row(result);
    if (row != NULL && row[0] != NULL)
        conn->packet_max = (size_t)strtoull(row[0], NULL, 10);
    if (conn->packet_max < PACKET_MIN)
        conn->packet_max = PACKET_MIN;
    mysql_free_result(result);
    return 0;
}

static bool server_binds_arrays(MYSQL *mysql)
{
    unsigned long extended = 0;

    return mariadb_get_infov(mysql, MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES, &extended) ==
               0 &&
           (extended & (MARIADB_CLIENT_STMT_BULK_OPERATIONS >> 32)) != 0;
}

/* The socket belongs to libmariadb, which closes it on any error; our own sees the server's end. */
static int keep_socket(struct my_conn *conn, struct weir_error *error)
{
    int fd = fcntl(mysql_get_socket(conn->mysql), F_DUPFD_CLOEXEC, 0);

    if (fd < 0)
        return weir_fail(error, WEIR_ERESOURCE, "socket: %s", strerror(errno));
    atomic_store(&conn->fd, fd + 1);
    return 0;
}

static int mysql_backend_open(void *bytes, const struct weir_settings *settings, int64_t deadline,
                              struct weir_error *error)
{
    struct my_conn *conn = bytes;
    int status = wake_init(&conn->wake, error);

    if (status == 0)
        status = my_dial(conn, settings, deadline, error);
    if (status == 0)
        status = keep_socket(conn, error);
    if (status != 0)
        return status;
    conn->binds_arrays =
        weir_settings_boolean(settings, "array_binding", true) && server_binds_arrays(conn->mysql);
    atomic_store(&conn->thread_id, mysql_thread_id(conn->mysql));
    /* The pool's settings are counted, and only their values are constant. */
    atomic_store(&conn->settings, (struct weir_settings *)settings);
    status = set_session(conn, deadline, error);
    return status != 0 ? status : read_packet_max(conn, deadline, error);
}

/* ---- Check, reset, interrupt ----------------------------------------------------------------- */

static int mysql_backend_check(void *bytes, int64_t deadline, struct weir_error *error)
{
    struct my_conn *conn = bytes;
    int failed, status = 0;
    int wait = mysql_ping_start(&failed, conn->mysql);

    while (wait != 0) {
        my_wait(conn, &wait, deadline, &status, error);
        wait = mysql_ping_cont(&failed, conn->mysql, wait);
    }
    return failed != 0 || status != 0 ? my_fail(conn, status, error) : 0;
}

/* What a borrower may have left undone, beside a transaction. */
static int take_back(struct my_conn *conn, unsigned flags, int64_t deadline,
                     struct weir_error *error)
{
    static const char sql[] = "SET SESSION autocommit = 1";

    atomic_store(&conn->lent, false);
    my_unblock(conn, true);
    if ((flags & SERVER_STATUS_AUTOCOMMIT) != 0)
        return 0;
    return my_run(conn, sql, sizeof(sql) - 1, deadline, NULL, error);
}

/* The server tells with every answer whether a transaction is open. */
static int mysql_backend_reset(void *bytes, int64_t deadline, struct weir_error *error)
{
    struct my_conn *conn = bytes;
    unsigned flags = 0;
    int status = 0;

    if (conn->mysql->status != MYSQL_STATUS_READY || mysql_more_results(conn->mysql))
        return weir_fail(error, WEIR_ELOST, "a result was not read to its end");
    if (mariadb_get_infov(conn->mysql, MARIADB_CONNECTION_SERVER_STATUS, &flags) != 0)
        return weir_fail(error, WEIR_EINTERNAL, "the connection's state is not known");
    if ((flags & SERVER_STATUS_IN_TRANS) != 0)
        status = my_run(conn, "ROLLBACK", strlen("ROLLBACK"), deadline, NULL, error);
    if (status == 0 && atomic_load(&conn->lent))
        status = take_back(conn, flags, deadline, error);
    return status;
}

/* First the server, then the caller: once the caller returns, the connection may be closed. */
static void mysql_backend_interrupt(void *bytes, int64_t deadline)
{
    struct my_conn *conn = bytes;

    atomic_store(&conn->wake.raised, true); /* so that no new wait begins */
    struct weir_settings *settings = atomic_exchange(&conn->settings, NULL);
    if (settings != NULL)
        my_kill(settings, conn->number, atomic_load(&conn->thread_id), deadline);
    wake_raise(&conn->wake);
    if (atomic_load(&conn->lent))
        shutdown(atomic_load(&conn->fd) - 1, SHUT_RDWR);
}

/* ---- Close ----------------------------------------------------------------------------------- */

static void say_goodbye(struct my_conn *conn, int64_t deadline)
{
    int status = 0;
    int wait = mysql_close_start(conn->mysql);

    while (wait != 0) {
        my_wait(conn, &wait, deadline, &status, NULL);
        wait = mysql_close_cont(conn->mysql, wait);
    }
    conn->mysql = NULL;
}

static int mysql_backend_close(void *bytes, int64_t deadline)
{
    struct my_conn *conn = bytes;
    int fd = atomic_exchange(&conn->fd, 0) - 1, status = 0;

    atomic_store(&conn->settings, NULL);
    /* Broken or interrupted: libmariadb must find its socket dead rather than wait on it. */
    if (fd >= 0 && wake_raised(&conn->wake))
        shutdown(fd, SHUT_WR);
    my_forget_all(conn);
    if (conn->mysql != NULL)
        say_goodbye(conn, deadline);
    if (fd >= 0) {
        status = dial_linger(fd, deadline);
        close(fd);
    }
    wake_fini(&conn->wake);
    return status;
}

static int mysql_backend_peek(void *bytes)
{
    const struct my_conn *conn = bytes;

    return dial_peek(atomic_load(&conn->fd) - 1);
}

const struct weir_driver mysql_driver = {.abi = WEIR_DRIVER_ABI,
                                         .name = "mysql",
                                         .aliases = aliases,
                                         .conn_size = sizeof(struct my_conn),
                                         .settings = settings_table,
                                         .min_size = 1,
                                         .max_size = 10,
                                         .validate = my_dial_validate,
                                         .open = mysql_backend_open,
                                         .check = mysql_backend_check,
                                         .reset = mysql_backend_reset,
                                         .interrupt = mysql_backend_interrupt,
                                         .close = mysql_backend_close,
                                         .classify = my_classify,
                                         .peek = mysql_backend_peek};
