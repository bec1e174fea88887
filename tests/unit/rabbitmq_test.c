/* SPDX-License-Identifier: MIT */
/* The RabbitMQ backend without a broker: every row of its classifier, settings, options. */
#include "given.h"

#include <amqp.h>
#include <stdio.h>

#include "rabbitmq.h"

static const struct {
    int code, status;
} rows[] = {{311, WEIR_EREJECTED},
            {312, WEIR_ESCHEMA},
            {313, WEIR_ESCHEMA},
            {320, WEIR_EDOWN},
            {402, WEIR_ECONFIG},
            {403, WEIR_EDENIED},
            {404, WEIR_EUNPREPARED},
            {405, WEIR_ECONFLICT},
            {406, WEIR_ESCHEMA},
            {501, WEIR_ELOST},
            {502, WEIR_ELOST},
            {503, WEIR_ELOST},
            {504, WEIR_ELOST},
            {505, WEIR_ELOST},
            {506, WEIR_ERESOURCE},
            {530, WEIR_ECONFIG},
            {540, WEIR_ESCHEMA},
            {541, WEIR_EDOWN},
            {AMQP_STATUS_NO_MEMORY, WEIR_ENOMEM},
            {AMQP_STATUS_BAD_AMQP_DATA, WEIR_ELOST},
            {AMQP_STATUS_UNKNOWN_CLASS, WEIR_ELOST},
            {AMQP_STATUS_UNKNOWN_METHOD, WEIR_ELOST},
            {AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED, WEIR_ERESOLVE},
            {AMQP_STATUS_INCOMPATIBLE_AMQP_VERSION, WEIR_ECONNECT},
            {AMQP_STATUS_CONNECTION_CLOSED, WEIR_ELOST},
            {AMQP_STATUS_SOCKET_ERROR, WEIR_ELOST},
            {AMQP_STATUS_TABLE_TOO_BIG, WEIR_EREJECTED},
            {AMQP_STATUS_WRONG_METHOD, WEIR_ELOST},
            {AMQP_STATUS_TIMEOUT, WEIR_EDEADLINE},
            {AMQP_STATUS_HEARTBEAT_TIMEOUT, WEIR_ELOST},
            {AMQP_STATUS_UNEXPECTED_STATE, WEIR_ELOST},
            {AMQP_STATUS_SOCKET_CLOSED, WEIR_ELOST},
            {AMQP_STATUS_BROKER_UNSUPPORTED_SASL_METHOD, WEIR_EAUTH},
            {AMQP_STATUS_TCP_ERROR, WEIR_ELOST},
            {AMQP_STATUS_SSL_ERROR, WEIR_ETLS},
            {AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED, WEIR_ETLS},
            {AMQP_STATUS_SSL_PEER_VERIFY_FAILED, WEIR_ETLS},
            {AMQP_STATUS_SSL_CONNECTION_FAILED, WEIR_ETLS},
            {200, WEIR_EINTERNAL},
            {AMQP_STATUS_INVALID_PARAMETER, WEIR_EINTERNAL}};

static void every_code_has_its_status(void)
{
    char native[16];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(native, sizeof(native), "%d", rows[i].code);
        CHECK_INT(rabbitmq_driver.classify(native), rows[i].status);
    }
}

static void settings_are_checked(void)
{
    const struct weir_driver *driver = &rabbitmq_driver;

    CHECK_STRING(fault_of_settings(driver, WORDS("host=a", "vhost=/x")), "");
    CHECK_STRING(fault_of_settings(driver, WORDS("host=/run/socket")), "host");
    CHECK_STRING(fault_of_settings(driver, WORDS("heartbeat#10")), "keepalive_interval");
    CHECK_STRING(fault_of_settings(driver, WORDS("heartbeat#10", "keepalive_interval#10")), "");
    CHECK_STRING(fault_of_settings(driver, WORDS("heartbeat#0", "keepalive_interval#900")), "");
    CHECK_STRING(fault_of_settings(driver, WORDS("ssl_ca=/etc/ca.pem")), "ssl_ca");
    CHECK_STRING(fault_of_settings(driver, WORDS("tls?true", "ssl_ca=/etc/ca.pem")), "");
    CHECK_STRING(fault_of_settings(driver, WORDS("tls?true", "ssl_cert=/etc/a.pem")), "ssl_key");
}

static void options_are_checked(void)
{
    const struct weir_sink *sink = &rabbitmq_sink;
    char name[300] = "queue_name=";

    CHECK_STRING(fault_of_options(sink, WORDS("queue_name=q", "queue_type=classic")), "");
    CHECK_STRING(fault_of_options(sink, WORDS("exchange=x", "routing_key=a.{webhook_id}")), "");
    CHECK_STRING(fault_of_options(sink, WORDS("queue_type=stream")), "queue_type");
    CHECK_STRING(fault_of_options(sink, WORDS("queue_name=")), "queue_name");
    CHECK_STRING(fault_of_options(sink, WORDS("exchange=x", "queue_name=q")), "queue_name");
    CHECK_STRING(fault_of_options(sink, WORDS("exchange=x", "queue_type=quorum")), "queue_type");
    CHECK_STRING(fault_of_options(sink, WORDS("routing_key=k")), "routing_key");
    CHECK_STRING(fault_of_options(sink, WORDS("exchange=x", "routing_key={who}")), "routing_key");
    memset(name + strlen(name), 'q', 256);
    CHECK_STRING(fault_of_options(sink, WORDS(name)), "queue_name");
}

TEST_MAIN(TEST(every_code_has_its_status), TEST(settings_are_checked), TEST(options_are_checked))
