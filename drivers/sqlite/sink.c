/* SPDX-License-Identifier: MIT */
/*
 * Owns: writing webhooks into one SQLite table: one transaction for each batch.
 * Never does: alter a payload; it is stored as the text that came in.
 * Lock: none; a target does not change, a conn belongs to one caller.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "conn.h"

#define SQL_MAX 512

struct weir_target {
    char table[SQLITE_TABLE_MAX + 1];
};

static const struct weir_setting options_table[] = {
    {"table", WEIR_SETTING_STRING, 0, 0, 0, "webhook_events", "the table to write to"},
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static const char *const aliases[] = {"sqlite3", NULL};

/* ---- Targets --------------------------------------------------------------------------------- */

static bool is_identifier(const char *name)
{
    size_t len = strlen(name);
    bool digit_first = name[0] >= '0' && name[0] <= '9';

    return len > 0 && len <= SQLITE_TABLE_MAX && !digit_first &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == len &&
           sqlite3_strnicmp(name, "sqlite_", 7) != 0;
}

static int sqlite_target_new(struct weir_target **out, const struct weir_settings *options,
                             struct weir_error *error)
{
    const char *table = weir_settings_string(options, "table", "webhook_events");
    int status = weir_settings_check_options(options, options_table, error);

    *out = NULL;
    if (status != 0)
        return status;
    if (!is_identifier(table))
        return weir_fail_key(error, WEIR_EINVAL, "table",
                             "must be 1 to %d letters, digits and underscores, not begin with a "
                             "digit or sqlite_",
                             SQLITE_TABLE_MAX);
    *out = calloc(1, sizeof(**out));
    if (*out == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    memcpy((*out)->table, table, strlen(table));
    return 0;
}

static void sqlite_target_free(struct weir_target **target)
{
    free(*target);
    *target = NULL;
}

/* ---- The table ------------------------------------------------------------------------------- */

static int create_table(struct sqlite_conn *conn, const char *table, struct weir_error *error)
{
    char sql[SQL_MAX];

    sqlite3_snprintf(sizeof(sql), sql,
                     "CREATE TABLE IF NOT EXISTS \"%w\" (id TEXT PRIMARY KEY NOT NULL,"
                     " webhook_id TEXT NOT NULL, received_at TEXT NOT NULL,"
                     " payload TEXT NOT NULL, headers TEXT NOT NULL)",
                     table);
    return sqlite_run(conn, sql, error);
}

static int prepare_insert(struct sqlite_conn *conn, const char *table, struct weir_error *error)
{
    char sql[SQL_MAX];

    if (conn->insert != NULL && strcmp(conn->table, table) == 0)
        return 0;
    sqlite_unprepare(conn);
    sqlite3_snprintf(sizeof(sql), sql,
                     "INSERT INTO \"%w\" (id, webhook_id, received_at, payload, headers)"
                     " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO NOTHING",
                     table);
    if (sqlite3_prepare_v3(conn->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &conn->insert, NULL) ==
        SQLITE_OK) {
        memcpy(conn->table, table, strlen(table) + 1);
        return 0;
    }
    int status = sqlite_fail(conn, error, "prepare");
    if (sqlite3_extended_errcode(conn->db) != SQLITE_ERROR)
        return status;
    /* SQLite has one code for all of these; only its words tell them apart. */
    bool absent = strstr(sqlite3_errmsg(conn->db), "no such table") != NULL;
    status = absent ? WEIR_EUNPREPARED : WEIR_ESCHEMA;
    if (error != NULL)
        error->status = status;
    return status;
}

/* Look first; create only what is absent, once. */
static int see_to_table(struct sqlite_conn *conn, const char *table, struct weir_error *error)
{
    int status = prepare_insert(conn, table, error);

    if (status != WEIR_EUNPREPARED)
        return status;
    status = create_table(conn, table, error);
    return status != 0 ? status : prepare_insert(conn, table, error);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void bind(sqlite3_stmt *insert, const struct weir_item *item, const char *received_at)
{
    sqlite3_bind_text(insert, 1, item->id, WEIR_ID_LEN, SQLITE_STATIC);
    sqlite3_bind_text(insert, 2, item->webhook_id, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 3, received_at, -1, SQLITE_STATIC);
    sqlite3_bind_text64(insert, 4, item->body, item->body_len, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_bind_text64(insert, 5, item->headers, item->headers_len, SQLITE_STATIC, SQLITE_UTF8);
}

/* A row refused for good fails alone, if the transaction lives on; anything else fails the batch.
 */
static int insert_item(struct sqlite_conn *conn, struct weir_item *item, struct weir_error *error)
{
    char received_at[CLOCK_STAMP_MAX];
    int status = 0;

    clock_stamp(item->received_at, 6, received_at);
    bind(conn->insert, item, received_at);
    if (sqlite3_step(conn->insert) != SQLITE_DONE)
        status = sqlite_fail(conn, error, "insert");
    sqlite3_reset(conn->insert);
    sqlite3_clear_bindings(conn->insert);
    item->status = status;
    if (status == WEIR_EREJECTED && !sqlite3_get_autocommit(conn->db))
        return 0;
    return status;
}

static int insert_all(struct sqlite_conn *conn, const char *table, struct weir_item *items,
                      size_t count, struct weir_error *error)
{
    int status = see_to_table(conn, table, error);

    for (size_t i = 0; status == 0 && i < count; i++)
        status = insert_item(conn, &items[i], error);
    if (status == 0 && atomic_load(&conn->interrupted))
        status = weir_fail(error, WEIR_EINTERRUPTED, "%s: interrupted", conn->path);
    return status != 0 ? status : sqlite_run(conn, "COMMIT", error);
}

static void roll_back(struct sqlite_conn *conn)
{
    if (!sqlite3_get_autocommit(conn->db))
        sqlite3_exec(conn->db, "ROLLBACK", NULL, NULL, NULL);
    sqlite_unprepare(conn);
}

/* One transaction takes the write lock, and does or undoes everything in it. */
static int in_transaction(struct sqlite_conn *conn, const char *table, struct weir_item *items,
                          size_t count, struct weir_error *error)
{
    int status = sqlite_same_file(conn, error);

    if (status == 0)
        status = sqlite_run(conn, "BEGIN IMMEDIATE", error);
    if (status != 0)
        return status;
    status = insert_all(conn, table, items, count, error);
    if (status == 0)
        return 0;
    roll_back(conn);
    for (size_t i = 0; i < count; i++)
        items[i].status = WEIR_PENDING;
    return status;
}

static int sqlite_write(const struct weir_target *target, void *bytes, struct weir_item *items,
                        size_t count, int64_t deadline, struct weir_error *error)
{
    struct sqlite_conn *conn = bytes;

    conn->deadline = deadline;
    int status = in_transaction(conn, target->table, items, count, error);
    /* The table went away after the statement was prepared: once more, from the start. */
    if (status == WEIR_EUNPREPARED || status == WEIR_EINTERNAL)
        status = in_transaction(conn, target->table, items, count, error);
    return status;
}

/* Everything a write does, but for the rows. */
static int sqlite_prepare(const struct weir_target *target, void *bytes, int64_t deadline,
                          struct weir_error *error)
{
    struct sqlite_conn *conn = bytes;

    conn->deadline = deadline;
    return in_transaction(conn, target->table, NULL, 0, error);
}

const struct weir_sink sqlite_sink = {.abi = WEIR_SINK_ABI,
                                      .name = "sqlite",
                                      .aliases = aliases,
                                      .driver = &sqlite_driver,
                                      .options = options_table,
                                      .target_new = sqlite_target_new,
                                      .target_free = sqlite_target_free,
                                      .prepare = sqlite_prepare,
                                      .write = sqlite_write};
