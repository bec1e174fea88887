/* SPDX-License-Identifier: MIT */
/*
 * Owns: reaching a broker: TCP or TLS, and logging in to a virtual host, within a deadline.
 * Never does: let rabbitmq-c resolve a name: it would ask again, and nobody would judge the answer.
 * Lock: none.
 */
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.h"
#include "conn.h"
#include "dial.h"
#include "reach.h"

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
    return reach_validate(settings, error);
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
                    const struct outbound *outbound, int64_t deadline, struct weir_error *error)
{
    int fd, status = dial_connect(&fd, weir_settings_string(settings, "host", "localhost"),
                                  (unsigned)weir_settings_integer(settings, "port", 5672), outbound,
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

static bool is_number(const char *host)
{
    struct address address;

    return address_parse(&address, host, strlen(host));
}

/* rabbitmq-c would announce the number; a broker behind a proxy is found by its name. */
static void announce_name(const SSL *ssl, int where, int result)
{
    char *name = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    (void)result;
    if (where & SSL_CB_HANDSHAKE_START)
        SSL_set_tlsext_host_name((SSL *)ssl, is_number(name) ? NULL : name);
}

/*
 * rabbitmq-c opens this socket itself, by number, and then would compare that with the certificate:
 * OpenSSL is told the name instead, and compares while it checks the chain.
 */
static int expect_name(amqp_socket_t *socket, const char *name, bool verify,
                       struct weir_error *error)
{
    SSL_CTX *context = amqp_ssl_socket_get_context(socket);
    X509_VERIFY_PARAM *expected = SSL_CTX_get0_param(context);
    int done = 1;

    amqp_ssl_socket_set_verify_peer(socket, verify);
    amqp_ssl_socket_set_verify_hostname(socket, false);
    SSL_CTX_set_app_data(context, (void *)name); /* the settings' own, which outlive it */
    SSL_CTX_set_info_callback(context, announce_name);
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (verify)
        done = is_number(name) ? X509_VERIFY_PARAM_set1_ip_asc(expected, name)
                               : X509_VERIFY_PARAM_set1_host(expected, name, 0);
    return done == 1 ? 0 : weir_fail(error, WEIR_ETLS, "%s cannot be verified", name);
}

static int open_number(amqp_socket_t *socket, const char *number, int port, int64_t deadline,
                       struct weir_error *error)
{
    struct timeval span = span_until(deadline);
    int code = amqp_socket_open_noblock(socket, number, port, &span);

    return code == AMQP_STATUS_OK ? 0 : rabbit_library_fail(code, error);
}

static int open_any(struct rabbit_conn *conn, amqp_socket_t *socket,
                    const struct dial_addresses *addresses, int port, int64_t deadline,
                    struct weir_error *error)
{
    int status = WEIR_ECONNECT;

    for (size_t i = 0; i < addresses->count; i++) {
        int64_t now = clock_now();
        int64_t share = (deadline - now) / (int64_t)(addresses->count - i);
        if (wake_raised(&conn->wake))
            return weir_fail(error, WEIR_EINTERRUPTED, "interrupted");
        status =
            open_number(socket, addresses->items[i].number, port, clock_add(now, share), error);
        if (status == 0 || status == WEIR_ETLS)
            return status;
    }
    dial_add_refused(addresses->refused, error);
    return status;
}

static int open_tls(struct rabbit_conn *conn, const struct weir_settings *settings,
                    const struct outbound *outbound, int64_t deadline, struct weir_error *error)
{
    const char *host = weir_settings_string(settings, "host", "localhost");
    bool verify = weir_settings_boolean(settings, "ssl_verify", true);
    struct dial_addresses addresses;
    amqp_socket_t *socket = amqp_ssl_socket_new(conn->state);

    conn->tls = true;
    if (socket == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    int status = dial_resolve(&addresses, host, outbound, deadline, error);
    if (status == 0)
        status = set_files(socket, settings, error);
    if (status == 0)
        status = expect_name(socket, host, verify, error);
    if (status != 0)
        return status;
    amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
    return open_any(conn, socket, &addresses, (int)weir_settings_integer(settings, "port", 5671),
                    deadline, error);
}

static int open_socket(struct rabbit_conn *conn, const struct weir_settings *settings,
                       int64_t deadline, struct weir_error *error)
{
    struct outbound outbound;
    int status = reach_read(&outbound, settings, error);

    if (status == 0)
        status = weir_settings_boolean(settings, "tls", false)
                     ? open_tls(conn, settings, &outbound, deadline, error)
                     : open_tcp(conn, settings, &outbound, deadline, error);
    outbound_fini(&outbound);
    return status;
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
    int status = open_socket(conn, settings, deadline, error);
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
