/* SPDX-License-Identifier: MIT */
/* RabbitMQ: what becomes of what a borrower leaves behind, and of one who does not come back. */
#include "house.h"

#include <amqp.h>
#include <poll.h>
#include <signal.h>
#include <weir/rabbitmq.h>

#define CHANNEL WEIR_RABBITMQ_CHANNEL

static amqp_connection_state_t mq;
static amqp_bytes_t queue;

static bool went_well(void)
{
    amqp_rpc_reply_t reply = amqp_get_rpc_reply(mq);

    return reply.reply_type == AMQP_RESPONSE_NORMAL;
}

static void take_mq(void)
{
    take();
    mq = weir_rabbitmq_handle(&lease);
    HOLDS(mq != NULL);
}

static amqp_connection_state_t again(void)
{
    give();
    take_mq();
    return mq;
}

/* The next delivery's body, as a string; "" if none comes in time. */
static const char *receive(int seconds)
{
    static char body[32];
    amqp_envelope_t envelope;
    struct timeval patience = {.tv_sec = seconds};
    amqp_rpc_reply_t reply = amqp_consume_message(mq, &envelope, &patience, 0);

    snprintf(body, sizeof(body), "%s", "");
    if (reply.reply_type != AMQP_RESPONSE_NORMAL)
        return body;
    snprintf(body, sizeof(body), "%.*s", (int)envelope.message.body.len,
             (char *)envelope.message.body.bytes);
    amqp_destroy_envelope(&envelope);
    return body;
}

static bool consume(void)
{
    amqp_basic_consume(mq, CHANNEL, queue, amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
    return went_well();
}

static bool publish(const char *body)
{
    return amqp_basic_publish(mq, CHANNEL, amqp_empty_bytes, queue, 1, 0, NULL,
                              amqp_cstring_bytes(body)) == AMQP_STATUS_OK;
}

/* Something of the broker's is there to be read. */
static bool has_come(void)
{
    struct pollfd fd = {.fd = amqp_get_sockfd(mq), .events = POLLIN};

    return poll(&fd, 1, 10000) == 1;
}

static void what_is_left_behind(void)
{
    const amqp_connection_state_t first = mq;

    HOLDS(publish("one") && has_come()); /* its confirm is left there */
    HOLDS(again() == first && consume() && strcmp(receive(10), "one") == 0);
    HOLDS(again() == first && consume() && strcmp(receive(10), "one") == 0); /* no ack: once more */
    HOLDS(again() == first && publish("two")); /* no consumer is left to steal it */
    amqp_queue_declare(mq, CHANNEL, amqp_cstring_bytes("no such queue"), 1, 0, 0, 0,
                       amqp_empty_table);
    HOLDS(!went_well()); /* the broker has closed the channel */
    give();
    take_mq();
    HOLDS(consume() && strcmp(receive(10), "one") == 0 && strcmp(receive(10), "two") == 0);
}

static void *sleep_long(void *nothing)
{
    HOLDS(strcmp(receive(600), "") == 0);
    HOLDS(!consume());
    HOLDS(weir_release(registry, &lease, WEIR_EINTERRUPTED) == 0);
    return nothing;
}

int main(int argc, char **argv)
{
    pthread_t borrower;

    (void)argc;
    signal(SIGPIPE, SIG_IGN);
    queue = amqp_cstring_bytes(argv[2]);
    set_up(weir_rabbitmq_driver(), argv + 3);
    HOLDS(weir_rabbitmq_handle(&lease) == NULL);
    take_mq();
    if (strcmp(argv[1], "left") == 0)
        what_is_left_behind();
    HOLDS(pthread_create(&borrower, NULL, sleep_long, NULL) == 0);
    wait_for_the_test(argv[1]);
    close_under(borrower);
    tear_down();
    return 0;
}
