/* SPDX-License-Identifier: MIT */
/*
 * Owns: opening, checking, interrupting and closing one RabbitMQ connection.
 * Never does: block past a deadline, or forget a socket that the broker still holds open.
 * Lock: none; interrupt touches only what is atomic.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "dial.h"
#include "reach.h"

static const struct weir_setting settings_table[] = {
    {"host", WEIR_SETTING_STRING, 0, 0, 0, "localhost", "name or address"},
    {"port", WEIR_SETTING_INTEGER, 0, 1, 65535, "5672, 5671 with tls", "TCP port"},
    {"vhost", WEIR_SETTING_STRING, 0, 0, 0, "/", "virtual host"},
    {"user", WEIR_SETTING_STRING, 0, 0, 0, "guest", "the account to log in as"},
    {"password", WEIR_SETTING_STRING, WEIR_SETTING_SECRET, 0, 0, "guest", "any bytes but NUL"},
    {"heartbeat", WEIR_SETTING_INTEGER, 0, 0, 3600, "60", "seconds; 0: none"},
    {"application_name", WEIR_SETTING_STRING, 0, 0, 0, "weir", "connection_name at the broker"},
    {"tls", WEIR_SETTING_BOOLEAN, 0, 0, 0, "false", "TLS 1.2 or later"},
    {"ssl_verify", WEIR_SETTING_BOOLEAN, 0, 0, 0, "true",
     "check the broker's certificate and name"},
    {"ssl_ca", WEIR_SETTING_STRING, 0, 0, 0, NULL, "file of the authorities to trust"},
    {"ssl_cert", WEIR_SETTING_STRING, 0, 0, 0, NULL, "file of the client's certificate"},
    {"ssl_key", WEIR_SETTING_STRING, 0, 0, 0, NULL, "file of its key"},
    {"ssl_key_password", WEIR_SETTING_STRING, WEIR_SETTING_SECRET, 0, 0, NULL,
     "the key's password"},
    REACH_SETTINGS,
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static const char *const aliases[] = {"amqp", NULL};

/* The channel too, so that a broker which grants none is found out now. */
static int rabbit_open(void *bytes, const struct weir_settings *settings, int64_t deadline,
                       struct weir_error *error)
{
    struct rabbit_conn *conn = bytes;
    struct rabbit_call call;
    int status = wake_init(&conn->wake, error);

    if (status == 0)
        status = rabbit_dial(conn, settings, deadline, error);
    if (status == 0)
        status = rabbit_call_begin(&call, conn, deadline, error);
    if (status != 0)
        return status;
    return rabbit_call_end(&call, rabbit_channel(conn, error), error);
}

/* confirm.select a second time changes nothing, and is a round trip. Heartbeats go with it. */
static int rabbit_check(void *bytes, int64_t deadline, struct weir_error *error)
{
    struct rabbit_conn *conn = bytes;
    struct rabbit_call call;
    int status = rabbit_call_begin(&call, conn, deadline, error);

    if (status != 0)
        return status;
    status = rabbit_channel(conn, error);
    if (status == 0) {
        amqp_confirm_select(conn->state, RABBIT_CHANNEL);
        status = rabbit_channel_reply(conn, error);
    }
    amqp_maybe_release_buffers(conn->state);
    return rabbit_call_end(&call, status, error);
}

/*
 * What a borrower did on the channel (consumers, deliveries without an ack, confirms still to come,
 * a transaction) ends with the channel.
 */
static int rabbit_reset(void *bytes, int64_t deadline, struct weir_error *error)
{
    struct rabbit_conn *conn = bytes;
    struct rabbit_call call;

    if (!conn->lent)
        return 0;
    conn->lent = false;
    int status = rabbit_call_begin(&call, conn, deadline, error);
    if (status != 0)
        return status;
    status = rabbit_channel_renew(conn, error);
    if (status != 0 && weir_remedy(status) != WEIR_REMEDY_RECONNECT)
        status = weir_fail(error, WEIR_ELOST, "the channel could not be closed");
    return rabbit_call_end(&call, status, error);
}

/* AMQP has no way to take back what was published; the caller, at least, returns. */
static void rabbit_interrupt(void *bytes, int64_t deadline)
{
    struct rabbit_conn *conn = bytes;

    (void)deadline;
    wake_raise(&conn->wake);
    int fd = atomic_load(&conn->fd) - 1;
    if (fd >= 0)
        shutdown(fd, SHUT_RDWR);
}

static void say_goodbye(struct rabbit_conn *conn, int64_t deadline)
{
    struct rabbit_call call;

    if (rabbit_call_begin(&call, conn, deadline, NULL) != 0)
        return;
    amqp_connection_close(conn->state, AMQP_REPLY_SUCCESS);
    rabbit_call_end(&call, 0, NULL);
}

static int rabbit_close(void *bytes, int64_t deadline)
{
    struct rabbit_conn *conn = bytes;
    int fd = atomic_load(&conn->fd) - 1, status = 0;

    if (fd >= 0 && conn->channel_open)
        say_goodbye(conn, deadline);
    atomic_store(&conn->fd, 0);
    if (fd >= 0) {
        status = dial_linger(fd, deadline);
        close(fd);
    }
    if (conn->state != NULL)
        amqp_destroy_connection(conn->state);
    conn->state = NULL;
    wake_fini(&conn->wake);
    return status;
}

static int rabbit_peek(void *bytes)
{
    const struct rabbit_conn *conn = bytes;

    return dial_peek(atomic_load(&conn->fd) - 1);
}

const struct weir_driver rabbitmq_driver = {.abi = WEIR_DRIVER_ABI,
                                            .name = "rabbitmq",
                                            .aliases = aliases,
                                            .conn_size = sizeof(struct rabbit_conn),
                                            .settings = settings_table,
                                            .min_size = 1,
                                            .max_size = 5,
                                            .validate = rabbit_dial_validate,
                                            .open = rabbit_open,
                                            .check = rabbit_check,
                                            .reset = rabbit_reset,
                                            .interrupt = rabbit_interrupt,
                                            .close = rabbit_close,
                                            .classify = rabbit_classify,
                                            .peek = rabbit_peek};
