/* SPDX-License-Identifier: MIT */
/*
 * Owns: writing webhooks into one MySQL or MariaDB table: one statement, one commit for each batch.
 * Never does: alter a payload; take "duplicate key" for "stored" without looking for the id.
 * Lock: none here; creating the table is ordered by a named lock at the server.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "rows.h"

#define IDENTIFIER_MAX 64
#define SQL_MAX        1024
#define PACKET_HEAD    1024 /* of a statement, before its rows */

struct weir_target {
    char table[MY_TABLE_MAX]; /* quoted: `database`.`table` or `table` */
};

static const struct weir_setting options_table[] = {
    {"table", WEIR_SETTING_STRING, 0, 0, 0, "webhook_events",
     "table or database.table to write to"},
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static const char *const aliases[] = {"mariadb", NULL};

/* ---- Targets --------------------------------------------------------------------------------- */

static bool is_identifier(const char *name, size_t len)
{
    bool digit_first = len > 0 && name[0] >= '0' && name[0] <= '9';

    return len > 0 && len <= IDENTIFIER_MAX && !digit_first &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") >= len;
}

static int mysql_target_new(struct weir_target **out, const struct weir_settings *options,
                            struct weir_error *error)
{
    const char *name = weir_settings_string(options, "table", "webhook_events");
    int status = weir_settings_check_options(options, options_table, error);
    const char *dot = strchr(name, '.');
    const char *table = dot == NULL ? name : dot + 1;

    *out = NULL;
    if (status != 0)
        return status;
    if ((dot != NULL && !is_identifier(name, (size_t)(dot - name))) ||
        !is_identifier(table, strlen(table)))
        return weir_fail_key(error, WEIR_EINVAL, "table",
                             "must be table or database.table, each 1 to %d letters, digits and "
                             "underscores, not beginning with a digit",
                             IDENTIFIER_MAX);
    struct weir_target *target = calloc(1, sizeof(*target));
    if (target == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    if (dot != NULL)
        snprintf(target->table, sizeof(target->table), "`%.*s`.`%s`", (int)(dot - name), name,
                 table);
    else
        snprintf(target->table, sizeof(target->table), "`%s`", table);
    *out = target;
    return 0;
}

static void mysql_target_free(struct weir_target **target)
{
    free(*target);
    *target = NULL;
}

/* ---- The table ------------------------------------------------------------------------------- */

static int run(struct my_conn *conn, const char *sql, int64_t deadline, struct weir_error *error)
{
    return my_run(conn, sql, strlen(sql), deadline, NULL, error);
}

/* The named lock is a hint to others only: whoever comes without it finds IF NOT EXISTS. */
static int create_table(struct my_conn *conn, const char *table, int64_t deadline,
                        struct weir_error *error)
{
    char sql[SQL_MAX];

    int status = run(conn, "DO GET_LOCK('weir creates a table', 10)", deadline, error);
    if (status != 0)
        return status;
    snprintf(sql, sizeof(sql),
             "CREATE TABLE IF NOT EXISTS %s ("
             "id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,"
             " webhook_id VARCHAR(1024) NOT NULL, received_at DATETIME(6) NOT NULL,"
             " payload JSON NOT NULL, headers JSON NOT NULL)"
             " ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
             table);
    status = run(conn, sql, deadline, error);
    if (status != 0 && weir_remedy(status) == WEIR_REMEDY_RECONNECT)
        return status; /* and the lock went with the connection */
    int unlocked = run(conn, "DO RELEASE_LOCK('weir creates a table')", deadline, NULL);
    return status != 0 ? status : unlocked;
}

static int look_read_only(struct my_conn *conn, int64_t deadline, struct weir_error *error)
{
    static const char sql[] = "SELECT @@global.read_only";
    MYSQL_RES *result;
    int status = my_run(conn, sql, sizeof(sql) - 1, deadline, &result, error);

    if (status != 0)
        return status;
    MYSQL_ROW row = mysql_fetch_row(result);
    if (row != NULL && row[0] != NULL && strcmp(row[0], "0") != 0)
        status = weir_fail(error, WEIR_EREADONLY, "the server is read-only");
    mysql_free_result(result);
    return status;
}

/*
 * Preparing the INSERT proves that the table is there, has the columns, and that this account may
 * write them; it takes no lock that a writer's could hold up.
 */
static int look(struct my_conn *conn, const char *table, int64_t deadline, struct weir_error *error)
{
    MYSQL_STMT *statement;

    my_forget(conn, table);
    return my_prepare(conn, table, &statement, deadline, error);
}

static int see_to_table(struct my_conn *conn, const char *table, int64_t deadline,
                        struct weir_error *error)
{
    int status = look(conn, table, deadline, error);

    if (status != WEIR_EUNPREPARED)
        return status;
    status = create_table(conn, table, deadline, error);
    return status != 0 ? status : look(conn, table, deadline, error);
}

static int mysql_sink_prepare(const struct weir_target *target, void *bytes, int64_t deadline,
                              struct weir_error *error)
{
    struct my_conn *conn = bytes;
    int status = look_read_only(conn, deadline, error);

    return status != 0 ? status : see_to_table(conn, target->table, deadline, error);
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* One call of write: what is still to be stored. */
struct write {
    struct my_conn *conn;
    const char *table;
    int64_t deadline;
    struct weir_error *error;
    struct rows *rows; /* NULL: multi-row statements */
    struct weir_item *left[WEIR_BATCH_MAX];
};

static int insert_arrays(struct write *write, struct weir_item *const *items, size_t count)
{
    unsigned rows = (unsigned)count;
    MYSQL_STMT *statement;
    int status = my_prepare(write->conn, write->table, &statement, write->deadline, write->error);

    if (status != 0)
        return status;
    rows_bind(write->rows, items, count);
    if (mysql_stmt_attr_set(statement, STMT_ATTR_ARRAY_SIZE, &rows) != 0 ||
        mysql_stmt_bind_param(statement, write->rows->binds) != 0)
        return my_fail_statement(statement, 0, write->error);
    return my_execute(write->conn, statement, write->deadline, write->error);
}

static int insert_text(struct write *write, struct weir_item *const *items, size_t count)
{
    size_t len;
    char *sql;
    int status = rows_text(&sql, &len, write->conn->mysql, write->table, items, count);

    if (status != 0)
        return weir_fail(write->error, status, "out of memory for a batch of %zu", count);
    status = my_run(write->conn, sql, len, write->deadline, NULL, write->error);
    free(sql);
    return status;
}

static int insert(struct write *write, struct weir_item *const *items, size_t count)
{
    if (write->rows != NULL)
        return insert_arrays(write, items, count);
    return insert_text(write, items, count);
}

/* ---- Duplicates: is it our own row, written before, or somebody else's unique key? ----------- */

static int find_ids(struct write *write, struct weir_item *const *items, size_t count,
                    MYSQL_RES **out)
{
    char sql[SQL_MAX + WEIR_BATCH_MAX * (WEIR_ID_LEN + 3)];
    size_t len =
        (size_t)snprintf(sql, sizeof(sql), "SELECT id FROM %s WHERE id IN (", write->table);

    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(sql + len, sizeof(sql) - len, "%s'%s'", i == 0 ? "" : ",",
                                items[i]->id);
    len += (size_t)snprintf(sql + len, sizeof(sql) - len, ")");
    return my_run(write->conn, sql, len, write->deadline, out, write->error);
}

/* Those that are not there yet move to the front; *count becomes their number. */
static int weed(struct write *write, struct weir_item **items, size_t *count)
{
    MYSQL_RES *result;
    MYSQL_ROW row;
    size_t left = 0, all = *count;
    int status = find_ids(write, items, all, &result);

    if (status != 0)
        return status;
    while ((row = mysql_fetch_row(result)) != NULL)
        for (size_t i = 0; i < all && row[0] != NULL; i++)
            if (strcmp(items[i]->id, row[0]) == 0)
                items[i]->status = 0;
    mysql_free_result(result);
    for (size_t i = 0; i < all; i++)
        if (items[i]->status != 0)
            items[left++] = items[i];
    *count = left;
    return 0;
}

static int insert_new(struct write *write, struct weir_item **items, size_t count)
{
    size_t all = count;
    int status = insert(write, items, count);

    if (status != WEIR_EREJECTED || strncmp(write->error->native, "1062 ", 5) != 0)
        return status;
    status = weed(write, items, &count);
    if (status != 0 || count == 0)
        return status;
    if (count == all)
        return weir_fail(write->error, WEIR_EREJECTED, "duplicate entry for a key beside id");
    return insert(write, items, count);
}

/* ---- Packets --------------------------------------------------------------------------------- */

/* How many of the items fit one packet of the server's, from the first on; 0: not even one. */
static size_t fitting(const struct write *write, struct weir_item *const *items, size_t count)
{
    size_t size = PACKET_HEAD, n = 0;

    while (n < count && (size += rows_item_size(items[n])) <= write->conn->packet_max)
        n++;
    return n;
}

/* A batch that is too much for one packet takes several statements, each a commit of its own. */
static int write_left(struct write *write, size_t count)
{
    for (size_t done = 0; done < count;) {
        size_t n = fitting(write, write->left + done, count - done);
        if (n == 0) {
            write->left[done++]->status = WEIR_EREJECTED;
            continue;
        }
        struct weir_item *items[WEIR_BATCH_MAX];
        memcpy(items, write->left + done, n * sizeof(items[0]));
        int status = insert_new(write, items, n);
        if (status != 0)
            return status;
        for (size_t i = 0; i < n; i++)
            write->left[done + i]->status = 0;
        done += n;
    }
    return 0;
}

static int mysql_sink_write(const struct weir_target *target, void *bytes, struct weir_item *items,
                            size_t count, int64_t deadline, struct weir_error *error)
{
    struct my_conn *conn = bytes;
    struct weir_error own;
    struct write write = {.conn = conn,
                          .table = target->table,
                          .deadline = deadline,
                          .error = error == NULL ? &own : error};

    if (conn->binds_arrays) {
        write.rows = malloc(sizeof(*write.rows));
        if (write.rows == NULL)
            return weir_fail(error, WEIR_ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < count; i++)
        write.left[i] = &items[i];
    int status = write_left(&write, count);
    if (status == WEIR_EUNPREPARED) {
        my_forget(conn, target->table);
        status = see_to_table(conn, target->table, deadline, write.error);
        if (status == 0)
            status = write_left(&write, count);
    }
    free(write.rows);
    return status;
}

const struct weir_sink mysql_sink = {.abi = WEIR_SINK_ABI,
                                     .name = "mysql",
                                     .aliases = aliases,
                                     .driver = &mysql_driver,
                                     .options = options_table,
                                     .target_new = mysql_target_new,
                                     .target_free = mysql_target_free,
                                     .prepare = mysql_sink_prepare,
                                     .write = mysql_sink_write};
