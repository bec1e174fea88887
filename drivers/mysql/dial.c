/* SPDX-License-Identifier: MIT */
/*
 * Owns: reaching a server: libmariadb's options, connecting within a deadline, and KILL.
 * Never does: let libmariadb resolve a name: it would ask again, and nobody would judge the answer.
 * Lock: none.
 */
#include <errmsg.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "conn.h"
#include "dial.h"
#include "reach.h"
#include "spare.h"
#include "watchdog.h"

#define KILL_SECONDS 2                /* for the connection that kills */
#define GRACE        (200 * CLOCK_MS) /* past a deadline, for what watches it itself */

/* ---- Options --------------------------------------------------------------------------------- */

/* As MySQL's --ssl-mode has them. */
static const char *const modes[] = {"disabled", "preferred", "required", "verify_ca",
                                    "verify_identity"};
enum mode { MODE_DISABLED, MODE_PREFERRED, MODE_REQUIRED, MODE_VERIFY_CA, MODE_VERIFY_IDENTITY };

static int mode_of(const struct weir_settings *settings)
{
    const char *name = weir_settings_string(settings, "ssl_mode", "preferred");

    for (int i = 0; i < (int)(sizeof(modes) / sizeof(modes[0])); i++)
        if (strcmp(name, modes[i]) == 0)
            return i;
    return -1;
}

int my_dial_validate(const struct weir_settings *settings, struct weir_error *error)
{
    const char *host = weir_settings_string(settings, "host", "localhost");
    int mode = mode_of(settings);

    if (host[0] == '\0')
        return weir_fail_key(error, WEIR_EINVAL, "host", "names an empty host");
    if (strchr(host, ',') != NULL)
        return weir_fail_key(error, WEIR_EINVAL, "host", "must be one host");
    if (mode < 0)
        return weir_fail_key(error, WEIR_EINVAL, "ssl_mode",
                             "must be one of: disabled preferred required verify_ca "
                             "verify_identity");
    if (mode == MODE_VERIFY_CA && !weir_settings_has(settings, "ssl_ca") &&
        !weir_settings_has(settings, "ssl_capath"))
        return weir_fail_key(error, WEIR_EINVAL, "ssl_ca", "is required for ssl_mode verify_ca");
    if (mode >= MODE_REQUIRED && dial_is_path(host))
        return weir_fail_key(error, WEIR_EINVAL, "ssl_mode", "there is no TLS on a Unix socket");
    return reach_validate(settings, error);
}

static void set_tls(MYSQL *mysql, const struct weir_settings *settings)
{
    static const struct {
        const char *key;
        enum mysql_option option;
    } files[] = {{"ssl_ca", MYSQL_OPT_SSL_CA},
                 {"ssl_capath", MYSQL_OPT_SSL_CAPATH},
                 {"ssl_cert", MYSQL_OPT_SSL_CERT},
                 {"ssl_key", MYSQL_OPT_SSL_KEY},
                 {"ssl_key_password", MARIADB_OPT_TLS_PASSPHRASE},
                 {"ssl_cipher", MYSQL_OPT_SSL_CIPHER},
                 {"ssl_crl", MYSQL_OPT_SSL_CRL},
                 {"tls_version", MARIADB_OPT_TLS_VERSION}};
    my_bool use = 1; /* if the server has it, whatever the option's name; see check_tls */
    my_bool verify = mode_of(settings) == MODE_VERIFY_IDENTITY;

    if (mode_of(settings) == MODE_DISABLED)
        return;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (weir_settings_has(settings, files[i].key))
            mysql_options(mysql, files[i].option,
                          weir_settings_string(settings, files[i].key, NULL));
    mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &use);
    mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
}

/* A handle with all options set; NULL without memory. */
static MYSQL *make_handle(const struct weir_settings *settings)
{
    bool is_path = dial_is_path(weir_settings_string(settings, "host", "localhost"));
    unsigned protocol = is_path ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    MYSQL *mysql = mysql_init(NULL);
    my_bool off = 0;

    if (mysql == NULL)
        return NULL;
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol); /* "localhost" is a host like any other */
    mysql_options(mysql, MYSQL_OPT_RECONNECT, &off);
    mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
    mysql_options4(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name",
                   weir_settings_string(settings, "application_name", "weir"));
    set_tls(mysql, settings);
    return mysql;
}

/* ---- Connecting ------------------------------------------------------------------------------ */

/* libmariadb does without TLS if the server has none. */
static int check_tls(struct my_conn *conn, const struct weir_settings *settings,
                     struct weir_error *error)
{
    if (mode_of(settings) < MODE_REQUIRED || mysql_get_ssl_cipher(conn->mysql) != NULL)
        return 0;
    return weir_fail(error, WEIR_ETLS, "the server has no TLS");
}

/*
 * libmariadb reads the host's text twice: to connect, before it first waits, and once the server
 * has greeted it, for the certificate. So the text is the number that was judged, and then the
 * name that the certificate must bear. Has it been the name? If not, nothing has been verified.
 */
static int check_name(struct my_conn *conn, const struct weir_settings *settings, const char *name,
                      struct weir_error *error)
{
    const char *used = NULL;

    if (mode_of(settings) != MODE_VERIFY_IDENTITY)
        return 0;
    if (mariadb_get_infov(conn->mysql, MARIADB_CONNECTION_HOST, &used) == 0 && used != NULL &&
        strcmp(used, name) == 0)
        return 0;
    return weir_fail(error, WEIR_ETLS, "the certificate was not compared with %s", name);
}

/*
 * The handshake of TLS is not split: it blocks, until the watchdog ends it. The watchdog's socket
 * is a duplicate, since libmariadb closes its own on any error; -1 if there is none yet.
 */
static int watch(struct my_conn *conn, struct watchdog *watchdog, int64_t deadline)
{
    int fd = fcntl(mysql_get_socket(conn->mysql), F_DUPFD_CLOEXEC, 0);

    if (fd >= 0 && watchdog_set(watchdog, fd, clock_add(deadline, GRACE)) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Drive the split call to its end. What came of it is in conn->mysql. */
static bool log_in(struct my_conn *conn, const struct weir_settings *settings, const char *number,
                   const char *database, int64_t deadline, int *status, struct weir_error *error)
{
    const char *name = weir_settings_string(settings, "host", "localhost");
    bool is_path = dial_is_path(name), bitten = false;
    char host[DIAL_HOST_MAX];
    MYSQL *connected = NULL;
    struct watchdog watchdog;
    int fd = -1;

    snprintf(host, sizeof(host), "%s", number);
    int wait = mysql_real_connect_start(&connected, conn->mysql, is_path ? NULL : host,
                                        weir_settings_string(settings, "user", NULL),
                                        weir_settings_string(settings, "password", ""), database,
                                        (unsigned)weir_settings_integer(settings, "port", 3306),
                                        is_path ? name : NULL, 0);
    snprintf(host, sizeof(host), "%s", name);
    while (wait != 0) {
        if (fd < 0 && mode_of(settings) != MODE_DISABLED)
            fd = watch(conn, &watchdog, deadline);
        my_wait(conn, &wait, deadline, status, error);
        wait = mysql_real_connect_cont(&connected, conn->mysql, wait);
    }
    if (fd >= 0) {
        bitten = watchdog_clear(&watchdog);
        close(fd);
    }
    if (*status == 0 && bitten)
        *status = weir_fail(error, WEIR_EDEADLINE, "no answer in time");
    return connected != NULL && *status == 0;
}

/* To a number, or, without one, to the path that is the host. */
static int connect_to(struct my_conn *conn, const struct weir_settings *settings,
                      const char *number, const char *database, int64_t deadline,
                      struct weir_error *error)
{
    int status = 0;

    mysql_close(conn->mysql);
    conn->tls = false;
    conn->mysql = make_handle(settings);
    if (conn->mysql == NULL || mysql_options(conn->mysql, MYSQL_OPT_NONBLOCK, 0) != 0)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    if (log_in(conn, settings, number, database, deadline, &status, error)) {
        conn->tls = mysql_get_ssl_cipher(conn->mysql) != NULL;
        my_unblock(conn, true);
        status = check_tls(conn, settings, error);
        return status != 0 ? status
                           : check_name(conn, settings,
                                        weir_settings_string(settings, "host", "localhost"), error);
    }
    status = my_fail(conn, status, error);
    /* Lost while logging in: not reached, rather than lost. */
    if (status == WEIR_ELOST) {
        status = WEIR_ECONNECT;
        if (error != NULL)
            error->status = status;
    }
    return status;
}

/* A wrong password is wrong at each address. */
static bool is_final(int status)
{
    return status != WEIR_ECONNECT && status != WEIR_EDEADLINE;
}

static int dial_host(struct my_conn *conn, const struct weir_settings *settings, const char *host,
                     const struct outbound *outbound, int64_t deadline, struct weir_error *error)
{
    const char *database = weir_settings_string(settings, "database", NULL);
    struct dial_addresses addresses;
    int status = dial_resolve(&addresses, host, outbound, deadline, error);

    if (status != 0)
        return status;
    for (size_t i = 0; i < addresses.count; i++) {
        const char *number = addresses.items[i].number;
        int64_t now = clock_now();
        int64_t share = (deadline - now) / (int64_t)(addresses.count - i);
        status = connect_to(conn, settings, number, database, clock_add(now, share > 0 ? share : 0),
                            error);
        memcpy(conn->number, number, sizeof(conn->number));
        if (is_final(status))
            return status;
    }
    dial_add_refused(addresses.refused, error);
    return status;
}

static int dial_path(struct my_conn *conn, const struct weir_settings *settings, const char *path,
                     const struct outbound *outbound, int64_t deadline, struct weir_error *error)
{
    const char *database = weir_settings_string(settings, "database", NULL);
    int status = dial_permits_path(path, outbound, error);

    return status != 0 ? status : connect_to(conn, settings, "", database, deadline, error);
}

int my_dial(struct my_conn *conn, const struct weir_settings *settings, int64_t deadline,
            struct weir_error *error)
{
    const char *host = weir_settings_string(settings, "host", "localhost");
    struct outbound outbound;
    int status = reach_read(&outbound, settings, error);

    if (status == 0)
        status = dial_is_path(host) ? dial_path(conn, settings, host, &outbound, deadline, error)
                                    : dial_host(conn, settings, host, &outbound, deadline, error);
    outbound_fini(&outbound);
    return status;
}

/* ---- KILL ------------------------------------------------------------------------------------ */

struct kill {
    struct weir_settings *settings; /* owned */
    char number[DIAL_NUMBER_MAX];   /* of the server that knows the thread's id */
    unsigned long thread_id;
};

/* On a spare thread, since the handshake of TLS blocks. */
static void kill_work(void *job)
{
    struct kill *kill = job;
    struct my_conn conn = {.mysql = NULL};
    int64_t until = clock_add(clock_now(), KILL_SECONDS * CLOCK_SECOND);
    char sql[64];

    int len = snprintf(sql, sizeof(sql), "KILL CONNECTION %lu", kill->thread_id);
    int status = wake_init(&conn.wake, NULL);
    if (status == 0)
        status = connect_to(&conn, kill->settings, kill->number, NULL, until, NULL);
    if (status == 0)
        my_run(&conn, sql, (size_t)len, until, NULL, NULL);
    mysql_close(conn.mysql);
    mysql_thread_end();
    wake_fini(&conn.wake);
}

static void kill_discard(void *job)
{
    struct kill *kill = job;

    weir_settings_unref(&kill->settings);
    free(kill);
}

void my_kill(struct weir_settings *settings, const char *number, unsigned long thread_id,
             int64_t deadline)
{
    struct kill *kill = calloc(1, sizeof(*kill));

    if (kill == NULL)
        return;
    kill->settings = weir_settings_ref(settings);
    kill->thread_id = thread_id;
    snprintf(kill->number, sizeof(kill->number), "%s", number);
    if (spare_run(kill_work, kill_discard, kill, deadline) == 0)
        kill_discard(kill);
}
