/* SPDX-License-Identifier: MIT */
/*
 * Owns: reaching a broker: TCP or TLS, and logging in to a virtual host, within a deadline.
 * Never does: resolve a name on the caller's thread, as far as that can be helped: see below.
 * Lock: none.
 */
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.h"
#include "conn.h"
#include "dial.h"

#define FRAME_MAX 131072

int rabbit_dial_validate(const struct weir_settings *settings, struct weir_error *error)
{
    static const char *const files[] = {"ssl_ca", "ssl_cert", "ssl_key", "ssl_key_password",
                                        "ssl_verify"};
    const char *host = weir_settings_string(settings, "host", "localhost");
    double heartbeat = (double)weir_settings_integer(settings, "heartbeat", 60);
    double keepalive = weir_settings_seconds(settings, "keepalive_interval", 60);
    bool tls = weir_settings_boolean(settings, "tls", false);

    if (host[0] == '\0' || dial_is_path(host))
        return weir_fail_key(error, WEIR_EINVAL, "host", "must be a name or an address");
    if (heartbeat > 0 && keepalive > heartbeat)
        return weir_fail_key(error, WEIR_EINVAL, "keepalive_interval",
                             "must not be longer than heartbeat (%g), or the broker gives idle "
                             "connections up",
                             heartbeat);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && !tls; i++)
        if (weir_settings_has(settings, files[i]))
            return weir_fail_key(error, WEIR_EINVAL, files[i], "has no meaning without tls");
    if (weir_settings_has(settings, "ssl_cert") != weir_settings_has(settings, "ssl_key"))
        return weir_fail_key(error, WEIR_EINVAL, "ssl_key", "and ssl_cert go together");
    return 0;
}

static struct timeval span_until(int64_t deadline)
{
    int64_t left = deadline - clock_now();

    if (left < CLOCK_MS)
        left = CLOCK_MS;
    return (struct timeval){.tv_sec = (time_t)(left / CLOCK_SECOND),
                            .tv_usec = (suseconds_t)(left % CLOCK_SECOND / 1000)};
}

/* ---- Sockets --------------------------------------------------------------------------------- */

static int open_tcp(struct rabbit_conn *conn, const struct weir_settings *settings,
                    int64_t deadline, struct weir_error *error)
{
    int fd, status = dial_connect(&fd, weir_settings_string(settings, "host", "localhost"),
                                  (unsigned)weir_settings_integer(settings, "port", 5672),
                                  &conn->wake, deadline, error);

    if (status != 0)
        return status;
    amqp_socket_t *socket = amqp_tcp_socket_new(conn->state);
    if (socket == NULL) {
        close(fd);
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    }
    amqp_tcp_socket_set_sockfd(socket, fd);
    return 0;
}

static int set_files(amqp_socket_t *socket, const struct weir_settings *settings,
                     struct weir_error *error)
{
    const char *ca = weir_settings_string(settings, "ssl_ca", NULL);
    const char *cert = weir_settings_string(settings, "ssl_cert", NULL);
    const char *key = weir_settings_string(settings, "ssl_key", NULL);
    const char *password = weir_settings_string(settings, "ssl_key_password", NULL);

    if (ca != NULL && amqp_ssl_socket_set_cacert(socket, ca) != AMQP_STATUS_OK)
        return weir_fail_key(error, WEIR_ETLS, "ssl_ca", "%s cannot be read", ca);
    if (password != NULL)
        amqp_ssl_socket_set_key_passwd(socket, password);
    if (cert != NULL && amqp_ssl_socket_set_key(socket, cert, key) != AMQP_STATUS_OK)
        return weir_fail_key(error, WEIR_ETLS, "ssl_cert", "%s or %s cannot be read", cert, key);
    return 0;
}

/* rabbitmq-c opens this socket itself, and must have the host's name to check the certificate. */
static int open_tls(struct rabbit_conn *conn, const struct weir_settings *settings,
                    int64_t deadline, struct weir_error *error)
{
    const char *host = weir_settings_string(settings, "host", "localhost");
    bool verify = weir_settings_boolean(settings, "ssl_verify", true);
    struct dial_addresses addresses;
    amqp_socket_t *socket = amqp_ssl_socket_new(conn->state);

    conn->tls = true;
    if (socket == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    /* Without the name, a hanging resolver is found out here, where it can be left behind. */
    int status = dial_resolve(&addresses, host, deadline, error);
    if (status == 0)
        status = set_files(socket, settings, error);
    if (status != 0)
        return status;
    amqp_ssl_socket_set_verify_peer(socket, verify);
    amqp_ssl_socket_set_verify_hostname(socket, verify);
    amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
    struct timeval span = span_until(deadline);
    int code = amqp_socket_open_noblock(socket, verify ? host : addresses.numbers[0],
                                        (int)weir_settings_integer(settings, "port", 5671), &span);
    return code == AMQP_STATUS_OK ? 0 : rabbit_library_fail(code, error);
}

static int keep_socket(struct rabbit_conn *conn, struct weir_error *error)
{
    int fd = fcntl(amqp_get_sockfd(conn->state), F_DUPFD_CLOEXEC, 0);

    if (fd < 0)
        return weir_fail(error, WEIR_ERESOURCE, "socket: %s", strerror(errno));
    atomic_store(&conn->fd, fd + 1);
    return 0;
}

/* ---- Logging in ------------------------------------------------------------------------------ */

static amqp_table_entry_t text_entry(const char *key, const char *value)
{
    return (amqp_table_entry_t){
        .key = amqp_cstring_bytes(key),
        .value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes(value)}};
}

static amqp_table_entry_t flag_entry(const char *key)
{
    return (amqp_table_entry_t){.key = amqp_cstring_bytes(key),
                                .value = {.kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1}};
}

static amqp_rpc_reply_t log_in(struct rabbit_conn *conn, const struct weir_settings *settings)
{
    amqp_table_entry_t flags[] = {flag_entry("connection.blocked"), flag_entry("basic.nack"),
                                  flag_entry("publisher_confirms"),
                                  flag_entry("authentication_failure_close")};
    amqp_table_entry_t entries[] = {
        text_entry("connection_name", weir_settings_string(settings, "application_name", "weir")),
        {.key = amqp_cstring_bytes("capabilities"),
         .value = {
             .kind = AMQP_FIELD_KIND_TABLE,
             .value.table = {.num_entries = sizeof(flags) / sizeof(flags[0]), .entries = flags}}}};
    amqp_table_t properties = {.num_entries = sizeof(entries) / sizeof(entries[0]),
                               .entries = entries};

    return amqp_login_with_properties(
        conn->state, weir_settings_string(settings, "vhost", "/"), RABBIT_CHANNEL, FRAME_MAX,
        (int)weir_settings_integer(settings, "heartbeat", 60), &properties, AMQP_SASL_METHOD_PLAIN,
        weir_settings_string(settings, "user", "guest"),
        weir_settings_string(settings, "password", "guest"));
}

/* Before the connection stands, a refusal is about credentials, and an end about reaching it. */
static int login_status(int status, struct weir_error *error)
{
    int meant = status;

    if (error != NULL && strcmp(error->native, "403") == 0)
        meant = WEIR_EAUTH;
    else if (status == WEIR_ELOST)
        meant = WEIR_ECONNECT;
    if (error != NULL)
        error->status = meant;
    return meant;
}

int rabbit_dial(struct rabbit_conn *conn, const struct weir_settings *settings, int64_t deadline,
                struct weir_error *error)
{
    struct rabbit_call call;
    struct weir_error own;

    error = error == NULL ? &own : error;
    conn->state = amqp_new_connection();
    if (conn->state == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    int status = weir_settings_boolean(settings, "tls", false)
                     ? open_tls(conn, settings, deadline, error)
                     : open_tcp(conn, settings, deadline, error);
    if (status == 0)
        status = keep_socket(conn, error);
    if (status == 0)
        status = rabbit_call_begin(&call, conn, deadline, error);
    if (status != 0)
        return login_status(status, error);
    struct timeval span = span_until(deadline);
    amqp_set_handshake_timeout(conn->state, &span);
    amqp_rpc_reply_t reply = log_in(conn, settings);
    status = rabbit_reply(&reply, error);
    status = status == 0 ? 0 : login_status(status, error);
    return rabbit_call_end(&call, status, error);
}
