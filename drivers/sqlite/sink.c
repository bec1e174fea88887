/* SPDX-License-Identifier: MIT */
/*
 * Owns: writing webhooks into one SQLite table: one transaction for each batch.
 * Never does: alter a payload; it is stored as the text that came in.
 * Lock: none; a target does not change, a conn belongs to one caller.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "conn.h"
#include "rowset.h"

struct weir_target {
    char table[SQLITE_TABLE_MAX + 1];
    struct schema *schema;
    char *insert, *create; /* SQL; create makes the indexes, too */
};

static const struct weir_setting options_table[] = {
    {"table", WEIR_SETTING_STRING, 0, 0, 0, "webhook_events", "the table to write to"},
    SCHEMA_OPTIONS,
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static const char *const aliases[] = {"sqlite3", NULL};

/* ---- Targets --------------------------------------------------------------------------------- */

static bool is_table(const char *name)
{
    return schema_is_identifier(name, strlen(name), SQLITE_TABLE_MAX) &&
           sqlite3_strnicmp(name, "sqlite_", 7) != 0;
}

/*
 * The key's conflict replaces the row, unless what is there came in later: a retry may be late.
 * Without a key, a conflict is an id that has been written before.
 */
static void put_conflict(sqlite3_str *sql, const struct schema *schema)
{
    if (schema->upsert == NULL) {
        sqlite3_str_appendall(sql, " ON CONFLICT (id) DO NOTHING");
        return;
    }
    sqlite3_str_appendf(sql, " ON CONFLICT (\"%w\") DO UPDATE SET ", schema->upsert->column);
    for (unsigned i = 0; i < schema->columns_count; i++)
        sqlite3_str_appendf(sql, "%s\"%w\" = excluded.\"%w\"", i == 0 ? "" : ", ",
                            schema->columns[i].name, schema->columns[i].name);
    sqlite3_str_appendall(sql, " WHERE weir.received_at <= excluded.received_at");
}

static char *make_insert(const struct weir_target *target)
{
    const struct schema *schema = target->schema;
    sqlite3_str *sql = sqlite3_str_new(NULL);

    sqlite3_str_appendf(sql, "INSERT INTO \"%w\" AS weir (", target->table);
    for (unsigned i = 0; i < schema->columns_count; i++)
        sqlite3_str_appendf(sql, "%s\"%w\"", i == 0 ? "" : ", ", schema->columns[i].name);
    sqlite3_str_appendall(sql, ") VALUES (");
    for (unsigned i = 0; i < schema->columns_count; i++)
        sqlite3_str_appendf(sql, "%s?%u", i == 0 ? "" : ", ", i + 1);
    sqlite3_str_appendall(sql, ")");
    put_conflict(sql, schema);
    /* So that a statement prepared without these indexes is another one: see prepare_insert. */
    for (unsigned i = 0; i < schema->indexes_count; i++)
        sqlite3_str_appendf(sql, " /* %s */", schema->indexes[i].name);
    return sqlite3_str_finish(sql);
}

static void put_index(sqlite3_str *sql, const char *table, const struct schema_index *index)
{
    sqlite3_str_appendf(sql, "; CREATE %sINDEX IF NOT EXISTS \"%w\" ON \"%w\" (",
                        index->unique ? "UNIQUE " : "", index->name, table);
    for (unsigned i = 0; i < index->columns_count; i++)
        sqlite3_str_appendf(sql, "%s\"%w\"", i == 0 ? "" : ", ", index->columns[i]);
    sqlite3_str_appendall(sql, ")");
}

static char *make_create(const struct weir_target *target)
{
    const struct schema *schema = target->schema;
    sqlite3_str *sql = sqlite3_str_new(NULL);

    sqlite3_str_appendf(sql, "CREATE TABLE IF NOT EXISTS \"%w\" (", target->table);
    for (unsigned i = 0; i < schema->columns_count; i++) {
        const struct schema_column *column = &schema->columns[i];
        bool not_null = column->field == NULL || column->field->not_null;
        bool unique = column->field != NULL && column->field->unique;
        sqlite3_str_appendf(sql, "%s\"%w\" %s%s%s%s", i == 0 ? "" : ", ", column->name,
                            schema_sql_type(SCHEMA_SQLITE, column->type),
                            column->type == SCHEMA_ID ? " PRIMARY KEY" : "",
                            not_null ? " NOT NULL" : "", unique ? " UNIQUE" : "");
    }
    sqlite3_str_appendall(sql, ")");
    for (unsigned i = 0; i < schema->indexes_count; i++)
        put_index(sql, target->table, &schema->indexes[i]);
    return sqlite3_str_finish(sql);
}

static void sqlite_target_free(struct weir_target **at)
{
    struct weir_target *target = *at;

    *at = NULL;
    if (target == NULL)
        return;
    schema_free(&target->schema);
    sqlite3_free(target->insert);
    sqlite3_free(target->create);
    free(target);
}

static int fill_target(struct weir_target *target, const struct weir_settings *options,
                       struct weir_error *error)
{
    int status = schema_new(&target->schema, options, SCHEMA_SQLITE, error);

    if (status != 0)
        return status;
    target->insert = make_insert(target);
    target->create = make_create(target);
    if (target->insert == NULL || target->create == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    return 0;
}

static int sqlite_target_new(struct weir_target **out, const struct weir_settings *options,
                             struct weir_error *error)
{
    const char *table = weir_settings_string(options, "table", "webhook_events");
    int status = weir_settings_check_options(options, options_table, error);

    *out = NULL;
    if (status != 0)
        return status;
    if (!is_table(table))
        return weir_fail_key(error, WEIR_EINVAL, "table",
                             "must be 1 to %d letters, digits and underscores, not begin with a "
                             "digit or sqlite_",
                             SQLITE_TABLE_MAX);
    struct weir_target *target = calloc(1, sizeof(*target));
    if (target == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    memcpy(target->table, table, strlen(table));
    status = fill_target(target, options, error);
    if (status == 0)
        *out = target;
    else
        sqlite_target_free(&target);
    return status;
}

/* ---- The table ------------------------------------------------------------------------------- */

static int prepare_failed(struct sqlite_conn *conn, struct weir_error *error)
{
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

/* The first time on a backend connection, indexes are looked after, which needs no other look. */
static int prepare_insert(struct sqlite_conn *conn, const struct weir_target *target,
                          struct weir_error *error)
{
    if (conn->insert != NULL && strcmp(conn->sql, target->insert) == 0)
        return 0;
    sqlite_unprepare(conn);
    if (sqlite3_prepare_v3(conn->db, target->insert, -1, SQLITE_PREPARE_PERSISTENT, &conn->insert,
                           NULL) != SQLITE_OK)
        return prepare_failed(conn, error);
    conn->sql = strdup(target->insert);
    if (conn->sql == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    return target->schema->indexes_count == 0 ? 0 : sqlite_run(conn, target->create, error);
}

/* Look first; create only what is absent, once. */
static int see_to_table(struct sqlite_conn *conn, const struct weir_target *target,
                        struct weir_error *error)
{
    int status = prepare_insert(conn, target, error);

    if (status != WEIR_EUNPREPARED)
        return status;
    status = sqlite_run(conn, target->create, error);
    return status != 0 ? status : prepare_insert(conn, target, error);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void bind_text(sqlite3_stmt *insert, int place, const char *text, size_t len)
{
    if (text == NULL)
        sqlite3_bind_null(insert, place);
    else
        sqlite3_bind_text64(insert, place, text, len, SQLITE_STATIC, SQLITE_UTF8);
}

/* As text; the columns' affinities make numbers of them. */
static void bind(sqlite3_stmt *insert, const struct rowset *rows, size_t row,
                 const char *received_at)
{
    const struct weir_item *item = rows->items[row];
    const struct cell *cell;

    for (unsigned i = 0; i < rows->schema->columns_count; i++) {
        const struct schema_column *column = &rows->schema->columns[i];
        int place = (int)i + 1;
        switch (column->type) {
        case SCHEMA_ID: bind_text(insert, place, item->id, WEIR_ID_LEN); break;
        case SCHEMA_NAME:
            bind_text(insert, place, item->webhook_id, strlen(item->webhook_id));
            break;
        case SCHEMA_RECEIVED: bind_text(insert, place, received_at, strlen(received_at)); break;
        case SCHEMA_PAYLOAD: bind_text(insert, place, item->body, item->body_len); break;
        case SCHEMA_HEADERS: bind_text(insert, place, item->headers, item->headers_len); break;
        default:
            cell = rowset_cell(rows, row, column->field);
            bind_text(insert, place, cell->text, cell->len);
        }
    }
}

/* A row refused for good fails alone, if the transaction lives on; anything else fails the batch.
 */
static int insert_row(struct sqlite_conn *conn, const struct rowset *rows, size_t row,
                      struct weir_error *error)
{
    struct weir_item *item = rows->items[row];
    char received_at[CLOCK_STAMP_MAX];
    int status = 0;

    clock_stamp(item->received_at, 6, received_at);
    bind(conn->insert, rows, row, received_at);
    if (sqlite3_step(conn->insert) != SQLITE_DONE)
        status = sqlite_fail(conn, error, "insert");
    sqlite3_reset(conn->insert);
    sqlite3_clear_bindings(conn->insert);
    item->status = status;
    if (status == WEIR_EREJECTED && !sqlite3_get_autocommit(conn->db))
        return 0;
    return status;
}

static int insert_all(struct sqlite_conn *conn, const struct weir_target *target,
                      const struct rowset *rows, struct weir_error *error)
{
    int status = see_to_table(conn, target, error);

    for (size_t i = 0; status == 0 && i < rows->count; i++)
        status = insert_row(conn, rows, i, error);
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
static int in_transaction(struct sqlite_conn *conn, const struct weir_target *target,
                          struct rowset *rows, struct weir_error *error)
{
    int status = sqlite_same_file(conn, error);

    if (status == 0)
        status = sqlite_run(conn, "BEGIN IMMEDIATE", error);
    if (status != 0)
        return status;
    status = insert_all(conn, target, rows, error);
    if (status == 0)
        return 0;
    roll_back(conn);
    for (size_t i = 0; i < rows->count; i++)
        rows->items[i]->status = WEIR_PENDING;
    return status;
}

static int sqlite_write(const struct weir_target *target, void *bytes, struct weir_item *items,
                        size_t count, int64_t deadline, struct weir_error *error)
{
    struct sqlite_conn *conn = bytes;
    struct rowset rows;

    conn->deadline = deadline;
    if (rowset_init(&rows, target->schema, items, count) != 0)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    int status = in_transaction(conn, target, &rows, error);
    /* The table went away after the statement was prepared: once more, from the start. */
    if (status == WEIR_EUNPREPARED || status == WEIR_EINTERNAL)
        status = in_transaction(conn, target, &rows, error);
    for (size_t i = 0; status == 0 && i < rows.earlier_count; i++)
        rows.earlier[i]->status = 0;
    rowset_fini(&rows);
    return status;
}

/* Everything a write does, but for the rows. */
static int sqlite_prepare(const struct weir_target *target, void *bytes, int64_t deadline,
                          struct weir_error *error)
{
    struct sqlite_conn *conn = bytes;
    struct rowset none = {.schema = target->schema};

    conn->deadline = deadline;
    return in_transaction(conn, target, &none, error);
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
