/* SPDX-License-Identifier: MIT */
/*
 * Owns: reaching a server: libmariadb's options, connecting within a deadline, and KILL.
 * Never does: resolve a name on the caller's thread, as far as that can be helped: see below.
 * Lock: none.
 */
#include <errmsg.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "conn.h"
#include "dial.h"
#include "spare.h"

#define KILL_SECONDS 2 /* libmariadb's own bound for the connection that kills */

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
    return 0;
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

/* Where to connect to: a path, or a host's name or number, and the port. */
struct place {
    const char *host, *path;
    unsigned port;
};

static struct place place_of(const struct weir_settings *settings, const char *host)
{
    bool is_path = dial_is_path(host);

    return (struct place){.host = is_path ? NULL : host,
                          .path = is_path ? host : NULL,
                          .port = (unsigned)weir_settings_integer(settings, "port", 3306)};
}

/* libmariadb does without TLS if the server has none. */
static int check_tls(struct my_conn *conn, const struct weir_settings *settings,
                     struct weir_error *error)
{
    if (mode_of(settings) < MODE_REQUIRED || mysql_get_ssl_cipher(conn->mysql) != NULL)
        return 0;
    return weir_fail(error, WEIR_ETLS, "the server has no TLS");
}

static int connect_to(struct my_conn *conn, const struct weir_settings *settings, const char *host,
                      int64_t deadline, struct weir_error *error)
{
    struct place place = place_of(settings, host);
    MYSQL *connected = NULL;
    int status = 0;

    mysql_close(conn->mysql);
    conn->mysql = make_handle(settings);
    if (conn->mysql == NULL || mysql_options(conn->mysql, MYSQL_OPT_NONBLOCK, 0) != 0)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    int wait = mysql_real_connect_start(
        &connected, conn->mysql, place.host, weir_settings_string(settings, "user", NULL),
        weir_settings_string(settings, "password", ""),
        weir_settings_string(settings, "database", NULL), place.port, place.path, 0);
    while (wait != 0) {
        my_wait(conn, &wait, deadline, &status, error);
        wait = mysql_real_connect_cont(&connected, conn->mysql, wait);
    }
    if (connected != NULL && status == 0)
        return check_tls(conn, settings, error);
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

/*
 * The name is looked up first, on a spare thread, and then its numbers are tried. Only where the
 * certificate must bear the name does libmariadb get the name, and looks it up once more.
 */
static int dial_host(struct my_conn *conn, const struct weir_settings *settings, const char *host,
                     int64_t deadline, struct weir_error *error)
{
    struct dial_addresses addresses;
    int status = dial_resolve(&addresses, host, deadline, error);

    if (status != 0)
        return status;
    if (mode_of(settings) == MODE_VERIFY_IDENTITY)
        return connect_to(conn, settings, host, deadline, error);
    status = weir_fail(error, WEIR_ERESOLVE, "%s: no address", host);
    for (size_t i = 0; i < addresses.count; i++) {
        int64_t now = clock_now();
        int64_t share = (deadline - now) / (int64_t)(addresses.count - i);
        status = connect_to(conn, settings, addresses.numbers[i],
                            clock_add(now, share > 0 ? share : 0), error);
        if (is_final(status))
            break;
    }
    return status;
}

int my_dial(struct my_conn *conn, const struct weir_settings *settings, int64_t deadline,
            struct weir_error *error)
{
    const char *host = weir_settings_string(settings, "host", "localhost");

    if (dial_is_path(host))
        return connect_to(conn, settings, host, deadline, error);
    return dial_host(conn, settings, host, deadline, error);
}

/* ---- KILL ------------------------------------------------------------------------------------ */

struct kill {
    struct weir_settings *settings; /* owned */
    unsigned long thread_id;
};

/* Blocking calls, on a spare thread. */
static void kill_work(void *job)
{
    struct kill *kill = job;
    const struct weir_settings *settings = kill->settings;
    struct place place = place_of(settings, weir_settings_string(settings, "host", "localhost"));
    unsigned seconds = KILL_SECONDS;
    char sql[64];
    MYSQL *mysql = make_handle(settings);

    if (mysql == NULL)
        return;
    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &seconds);
    mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
    if (mysql_real_connect(mysql, place.host, weir_settings_string(settings, "user", NULL),
                           weir_settings_string(settings, "password", ""), NULL, place.port,
                           place.path, 0) != NULL) {
        int len = snprintf(sql, sizeof(sql), "KILL CONNECTION %lu", kill->thread_id);
        mysql_real_query(mysql, sql, (unsigned long)len);
    }
    mysql_close(mysql);
    mysql_thread_end();
}

static void kill_discard(void *job)
{
    struct kill *kill = job;

    weir_settings_unref(&kill->settings);
    free(kill);
}

void my_kill(struct weir_settings *settings, unsigned long thread_id, int64_t deadline)
{
    struct kill *kill = calloc(1, sizeof(*kill));

    if (kill == NULL)
        return;
    kill->settings = weir_settings_ref(settings);
    kill->thread_id = thread_id;
    if (spare_run(kill_work, kill_discard, kill, deadline) == 0)
        kill_discard(kill);
}
