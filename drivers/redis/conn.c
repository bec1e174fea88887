/* SPDX-License-Identifier: MIT */
/*
 * Owns: sending commands and reading replies within a deadline, and what the replies mean.
 * Never does: block in hiredis, or trust that a reply which did not come means "not done".
 * Lock: none; what another thread may touch is atomic.
 */
#include "conn.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"

#define READ_MAX (16 * 1024)

/* ---- Replies --------------------------------------------------------------------------------- */

int redis_verdict(const redisReply *reply, struct weir_error *error)
{
    if (reply->type != REDIS_REPLY_ERROR)
        return 0;
    int status = weir_fail(error, redis_classify(reply->str), "%s", reply->str);
    if (error != NULL)
        snprintf(error->native, sizeof(error->native), "%.*s", (int)strcspn(reply->str, " "),
                 reply->str);
    return status;
}

/* ---- Sending and reading --------------------------------------------------------------------- */

struct exchange {
    struct redis_conn *conn;
    const char *bytes; /* not sent yet */
    size_t left;
    size_t expected;
    size_t *taken;
    void (*take)(void *context, size_t number, const redisReply *reply);
    void *context;
};

static int lost(struct weir_error *error)
{
    return weir_fail(error, WEIR_ELOST, "%s", strerror(errno));
}

static int send_some(struct exchange *exchange, struct weir_error *error)
{
    while (exchange->left > 0) {
        ssize_t n = send(exchange->conn->fd - 1, exchange->bytes, exchange->left,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : lost(error);
        exchange->bytes += n;
        exchange->left -= (size_t)n;
    }
    return 0;
}

static int take_replies(struct exchange *exchange, struct weir_error *error)
{
    redisReader *reader = exchange->conn->reader;
    void *reply;

    for (;;) {
        if (redisReaderGetReply(reader, &reply) != REDIS_OK)
            return weir_fail(error, WEIR_ELOST, "not Redis's protocol: %s", reader->errstr);
        if (reply == NULL)
            return 0;
        if (*exchange->taken == exchange->expected) {
            freeReplyObject(reply);
            return weir_fail(error, WEIR_ELOST, "a reply that nobody asked for");
        }
        exchange->take(exchange->context, (*exchange->taken)++, reply);
        freeReplyObject(reply);
    }
}

static int read_some(struct exchange *exchange, struct weir_error *error)
{
    char bytes[READ_MAX];
    ssize_t n = recv(exchange->conn->fd - 1, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : lost(error);
    if (n == 0)
        return weir_fail(error, WEIR_ELOST, "the server closed the connection");
    if (redisReaderFeed(exchange->conn->reader, bytes, (size_t)n) != REDIS_OK)
        return weir_fail(error, WEIR_ENOMEM, "out of memory for a reply");
    return take_replies(exchange, error);
}

/* Both at once: a server whose replies are not read stops reading commands. */
int redis_exchange(struct redis_conn *conn, const struct pipeline *pipeline,
                   void (*take)(void *context, size_t number, const redisReply *reply),
                   void *context, size_t *taken, int64_t deadline, struct weir_error *error)
{
    struct exchange exchange = {.conn = conn,
                                .bytes = pipeline->bytes,
                                .left = pipeline->len,
                                .expected = pipeline->commands,
                                .taken = taken,
                                .take = take,
                                .context = context};
    int status = 0;

    *taken = 0;
    while (status == 0 && *taken < pipeline->commands) {
        status = send_some(&exchange, error);
        short events = exchange.left > 0 ? POLLIN | POLLOUT : POLLIN;
        if (status == 0)
            status = wake_wait(&conn->wake, conn->fd - 1, events, deadline, error);
        if (status == 0)
            status = read_some(&exchange, error);
    }
    return status;
}

/* ---- One command ----------------------------------------------------------------------------- */

struct single {
    int status;
    struct weir_error *error;
    struct redis_answer *out;
};

static void take_single(void *context, size_t number, const redisReply *reply)
{
    struct single *single = context;

    (void)number;
    single->status = redis_verdict(reply, single->error);
    if (single->out == NULL)
        return;
    snprintf(single->out->text, sizeof(single->out->text), "%s",
             reply->str == NULL ? "" : reply->str);
    single->out->number = reply->integer;
}

int redis_run(struct redis_conn *conn, int count, const char *const *arguments,
              struct redis_answer *out, int64_t deadline, struct weir_error *error)
{
    struct pipeline pipeline = {.bytes = NULL};
    struct single single = {.error = error, .out = out};
    size_t taken;

    int status = pipeline_add(&pipeline, count, arguments, NULL);
    if (status != 0)
        weir_fail(error, status, "out of memory");
    else
        status = redis_exchange(conn, &pipeline, take_single, &single, &taken, deadline, error);
    pipeline_fini(&pipeline);
    return status != 0 ? status : single.status;
}
