/* SPDX-License-Identifier: MIT */
/* The plain clients: blocking calls, one statement or pipeline for each batch, no retries. */
#include "plain.h"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <hiredis/hiredis.h>
#include <libpq-fe.h>
#include <mysql.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROW_MAX 4096

static const char *text_of(const struct weir_settings *settings, const char *key)
{
    return weir_settings_string(settings, key, "");
}

static int port_of(const struct weir_settings *settings)
{
    return (int)weir_settings_integer(settings, "port", 0);
}

/* "('id','bench',...),(...)": what was made here needs no escaping. */
static char *values_of(const struct weir_item *items, size_t count, const char *cast)
{
    char *sql = malloc(ROW_MAX * count + 256), *at = sql;

    at += snprintf(at, 256,
                   "INSERT INTO webhook_events (id, webhook_id, received_at, payload, headers)"
                   " VALUES ");
    for (size_t i = 0; i < count; i++)
        at += snprintf(at, ROW_MAX, "%s('%s','%s','2026-01-02 03:04:05.678901','%.*s'%s,'%.*s'%s)",
                       i == 0 ? "" : ",", items[i].id, items[i].webhook_id, (int)items[i].body_len,
                       items[i].body, cast, (int)items[i].headers_len, items[i].headers, cast);
    return sql;
}

/* ---- MySQL ----------------------------------------------------------------------------------- */

static void *my_open(const struct weir_settings *settings)
{
    MYSQL *mysql = mysql_init(NULL);

    if (mysql_real_connect(mysql, "127.0.0.1", text_of(settings, "user"),
                           text_of(settings, "password"), text_of(settings, "database"),
                           (unsigned)port_of(settings), NULL, 0) == NULL)
        bench_fail(mysql_error(mysql));
    return mysql;
}

static void my_write(void *client, const struct weir_item *items, size_t count)
{
    char *sql = values_of(items, count, "");

    if (mysql_real_query(client, sql, strlen(sql)) != 0)
        bench_fail(mysql_error(client));
    free(sql);
}

static void my_close(void *client)
{
    mysql_close(client);
}

/* ---- PostgreSQL ------------------------------------------------------------------------------ */

static void *pg_open(const struct weir_settings *settings)
{
    char text[512];

    snprintf(text, sizeof(text), "host=%s port=%d dbname=%s user=%s", text_of(settings, "host"),
             port_of(settings), text_of(settings, "database"), text_of(settings, "user"));
    PGconn *pg = PQconnectdb(text);
    if (PQstatus(pg) != CONNECTION_OK)
        bench_fail(PQerrorMessage(pg));
    return pg;
}

static void pg_write(void *client, const struct weir_item *items, size_t count)
{
    char *sql = values_of(items, count, "::jsonb");
    PGresult *result = PQexec(client, sql);

    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        bench_fail(PQerrorMessage(client));
    PQclear(result);
    free(sql);
}

static void pg_close(void *client)
{
    PQfinish(client);
}

/* ---- SQLite ---------------------------------------------------------------------------------- */

struct lite {
    sqlite3 *db;
    sqlite3_stmt *insert;
};

static void lite_run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        bench_fail(sqlite3_errmsg(db));
}

static void *lite_open(const struct weir_settings *settings)
{
    struct lite *lite = calloc(1, sizeof(*lite));

    if (sqlite3_open(text_of(settings, "path"), &lite->db) != SQLITE_OK)
        bench_fail(sqlite3_errmsg(lite->db));
    sqlite3_busy_timeout(lite->db, 10000);
    lite_run(lite->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
    if (sqlite3_prepare_v2(lite->db, "INSERT INTO webhook_events VALUES (?, ?, ?, ?, ?)", -1,
                           &lite->insert, NULL) != SQLITE_OK)
        bench_fail(sqlite3_errmsg(lite->db));
    return lite;
}

static void lite_write(void *client, const struct weir_item *items, size_t count)
{
    struct lite *lite = client;

    lite_run(lite->db, "BEGIN IMMEDIATE");
    for (size_t i = 0; i < count; i++) {
        sqlite3_bind_text(lite->insert, 1, items[i].id, -1, SQLITE_STATIC);
        sqlite3_bind_text(lite->insert, 2, items[i].webhook_id, -1, SQLITE_STATIC);
        sqlite3_bind_text(lite->insert, 3, "2026-01-02T03:04:05.678901Z", -1, SQLITE_STATIC);
        sqlite3_bind_text(lite->insert, 4, items[i].body, (int)items[i].body_len, SQLITE_STATIC);
        sqlite3_bind_text(lite->insert, 5, items[i].headers, (int)items[i].headers_len,
                          SQLITE_STATIC);
        if (sqlite3_step(lite->insert) != SQLITE_DONE)
            bench_fail(sqlite3_errmsg(lite->db));
        sqlite3_reset(lite->insert);
    }
    lite_run(lite->db, "COMMIT");
}

static void lite_close(void *client)
{
    struct lite *lite = client;

    sqlite3_finalize(lite->insert);
    sqlite3_close(lite->db);
    free(lite);
}

/* ---- Redis ----------------------------------------------------------------------------------- */

static void *re_open(const struct weir_settings *settings)
{
    redisContext *redis = redisConnect("127.0.0.1", port_of(settings));

    if (redis == NULL || redis->err != 0)
        bench_fail("redisConnect");
    freeReplyObject(redisCommand(redis, "AUTH %s", text_of(settings, "password")));
    return redis;
}

static void re_write(void *client, const struct weir_item *items, size_t count)
{
    redisReply *reply;

    for (size_t i = 0; i < count; i++)
        redisAppendCommand(client,
                           "XADD webhook_events * id %s webhook_id %s received_at %s headers %b"
                           " body %b",
                           items[i].id, items[i].webhook_id, "2026-01-02T03:04:05.678901Z",
                           items[i].headers, items[i].headers_len, items[i].body,
                           items[i].body_len);
    for (size_t i = 0; i < count; i++) {
        if (redisGetReply(client, (void **)&reply) != REDIS_OK || reply->type == REDIS_REPLY_ERROR)
            bench_fail("XADD");
        freeReplyObject(reply);
    }
}

static void re_close(void *client)
{
    redisFree(client);
}

/* ---- RabbitMQ -------------------------------------------------------------------------------- */

static void *mq_open(const struct weir_settings *settings)
{
    amqp_connection_state_t state = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(state);

    if (amqp_socket_open(socket, "127.0.0.1", port_of(settings)) != AMQP_STATUS_OK ||
        amqp_login(state, "/", 1, 131072, 0, AMQP_SASL_METHOD_PLAIN, text_of(settings, "user"),
                   text_of(settings, "password"))
                .reply_type != AMQP_RESPONSE_NORMAL)
        bench_fail("log-in");
    amqp_channel_open(state, 1);
    amqp_confirm_select(state, 1);
    if (amqp_get_rpc_reply(state).reply_type != AMQP_RESPONSE_NORMAL)
        bench_fail("confirm.select");
    return state;
}

/* Confirms come in any order, several at a time: how many is all that counts here. */
static size_t count_confirms(const amqp_basic_ack_t *ack, uint64_t *below)
{
    if (!ack->multiple) {
        *below += 1;
        return 1;
    }
    size_t count = (size_t)(ack->delivery_tag - *below);
    *below = ack->delivery_tag;
    return count;
}

static void mq_write(void *client, const struct weir_item *items, size_t count)
{
    static _Thread_local uint64_t below; /* tags that are confirmed */
    amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG, .delivery_mode = 2};
    size_t confirmed = 0;
    amqp_frame_t frame;

    for (size_t i = 0; i < count; i++) {
        amqp_bytes_t body = {.len = items[i].body_len, .bytes = (void *)items[i].body};
        properties.message_id = amqp_cstring_bytes(items[i].id);
        if (amqp_basic_publish(client, 1, amqp_empty_bytes, amqp_cstring_bytes("webhook_events"), 1,
                               0, &properties, body) != AMQP_STATUS_OK)
            bench_fail("publish");
    }
    while (confirmed < count) {
        if (amqp_simple_wait_frame(client, &frame) != AMQP_STATUS_OK ||
            frame.payload.method.id != AMQP_BASIC_ACK_METHOD)
            bench_fail("no confirm");
        confirmed += count_confirms(frame.payload.method.decoded, &below);
        amqp_maybe_release_buffers(client);
    }
}

static void mq_close(void *client)
{
    amqp_destroy_connection(client);
}

const struct plain *plain_find(const char *name)
{
    static const struct plain all[] = {{"mysql", my_open, my_write, my_close},
                                       {"postgresql", pg_open, pg_write, pg_close},
                                       {"sqlite", lite_open, lite_write, lite_close},
                                       {"redis", re_open, re_write, re_close},
                                       {"rabbitmq", mq_open, mq_write, mq_close}};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(all[i].name, name) == 0)
            return &all[i];
    bench_fail(name);
}
