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
#include "sql.h"
#include "target.h"

/* ---- The table ------------------------------------------------------------------------------- */

static int run(struct my_conn *conn, const char *sql, int64_t deadline, struct weir_error *error)
{
    return my_run(conn, sql, strlen(sql), deadline, NULL, error);
}

/* The named lock is a hint to others only: whoever comes without it finds IF NOT EXISTS. */
static int run_locked(struct my_conn *conn, const char *sql, int64_t deadline,
                      struct weir_error *error)
{
    int status = run(conn, "DO GET_LOCK('weir creates a table', 10)", deadline, error);

    if (status == 0)
        status = run(conn, sql, deadline, error);
    if (status != 0 && weir_remedy(status) == WEIR_REMEDY_RECONNECT)
        return status; /* and the lock went with the connection */
    int unlocked = run(conn, "DO RELEASE_LOCK('weir creates a table')", deadline, NULL);
    return status != 0 ? status : unlocked;
}

/* ---- Indexes --------------------------------------------------------------------------------- */

static int has_index(struct my_conn *conn, const struct weir_target *target,
                     const struct schema_index *index, bool *there, int64_t deadline,
                     struct weir_error *error)
{
    char sql[512];
    MYSQL_RES *result;
    int len = snprintf(sql, sizeof(sql), "SHOW INDEX FROM %s WHERE Key_name = '%s'", target->table,
                       index->name);
    int status = my_run(conn, sql, (size_t)len, deadline, &result, error);

    *there = status == 0 && mysql_num_rows(result) > 0;
    if (status == 0)
        mysql_free_result(result);
    return status;
}

static int create_index(struct my_conn *conn, const struct weir_target *target,
                        const struct schema_index *index, int64_t deadline,
                        struct weir_error *error)
{
    char sql[2048];
    struct weir_error own;
    size_t len = (size_t)snprintf(sql, sizeof(sql), "CREATE %sINDEX `%s` ON %s (",
                                  index->unique ? "UNIQUE " : "", index->name, target->table);

    error = error == NULL ? &own : error;
    for (unsigned i = 0; i < index->columns_count; i++)
        len += (size_t)snprintf(sql + len, sizeof(sql) - len, "%s`%s`", i == 0 ? "" : ", ",
                                index->columns[i]);
    snprintf(sql + len, sizeof(sql) - len, ")");
    int status = run_locked(conn, sql, deadline, error);
    bool exists = status != 0 && strncmp(error->native, "1061 ", 5) == 0;
    return exists ? 0 : status;
}

static int see_to_indexes(struct my_conn *conn, const struct weir_target *target, int64_t deadline,
                          struct weir_error *error)
{
    int status = 0;

    for (unsigned i = 0; i < target->schema->indexes_count && status == 0; i++) {
        const struct schema_index *index = &target->schema->indexes[i];
        bool there;
        status = has_index(conn, target, index, &there, deadline, error);
        if (status == 0 && !there)
            status = create_index(conn, target, index, deadline, error);
    }
    return status;
}

/* ---- Proving --------------------------------------------------------------------------------- */

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
static int look(struct my_conn *conn, const struct weir_target *target, int64_t deadline,
                struct weir_error *error)
{
    MYSQL_STMT *statement;
    bool is_new;

    my_forget(conn, target->insert);
    int status = my_prepare(conn, target->insert, &statement, &is_new, deadline, error);
    return status != 0 ? status : see_to_indexes(conn, target, deadline, error);
}

static int see_to_table(struct my_conn *conn, const struct weir_target *target, int64_t deadline,
                        struct weir_error *error)
{
    int status = look(conn, target, deadline, error);

    if (status != WEIR_EUNPREPARED)
        return status;
    status = run_locked(conn, target->create, deadline, error);
    return status != 0 ? status : look(conn, target, deadline, error);
}

static int mysql_sink_prepare(const struct weir_target *target, void *bytes, int64_t deadline,
                              struct weir_error *error)
{
    struct my_conn *conn = bytes;
    int status = look_read_only(conn, deadline, error);

    return status != 0 ? status : see_to_table(conn, target, deadline, error);
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* One call of write. */
struct write {
    struct my_conn *conn;
    const struct weir_target *target;
    int64_t deadline;
    struct weir_error *error;
    struct rowset set;
    struct rows *rows; /* NULL: multi-row statements */
};

/* Preparing proves the table; rows in text form need that only once, for the indexes. */
static int get_statement(struct write *write, MYSQL_STMT **statement)
{
    bool is_new;
    int status = my_prepare(write->conn, write->target->insert, statement, &is_new, write->deadline,
                            write->error);

    if (status == 0 && is_new)
        status = see_to_indexes(write->conn, write->target, write->deadline, write->error);
    return status;
}

static int insert_arrays(struct write *write, const struct rows_part *part, MYSQL_STMT *statement)
{
    unsigned rows = (unsigned)part->count;

    rows_bind(write->rows, part);
    if (mysql_stmt_attr_set(statement, STMT_ATTR_ARRAY_SIZE, &rows) != 0 ||
        mysql_stmt_bind_param(statement, write->rows->binds) != 0)
        return my_fail_statement(statement, 0, write->error);
    return my_execute(write->conn, statement, write->deadline, write->error);
}

static int insert_text(struct write *write, const struct rows_part *part)
{
    const struct weir_target *target = write->target;
    size_t len;
    char *sql;
    int status = rows_text(&sql, &len, write->conn->mysql, target->head, target->tail, part);

    if (status != 0)
        return weir_fail(write->error, status, "out of memory for a batch of %zu", part->count);
    status = my_run(write->conn, sql, len, write->deadline, NULL, write->error);
    free(sql);
    return status;
}

static int insert(struct write *write, const struct rows_part *part)
{
    MYSQL_STMT *statement;
    int status = get_statement(write, &statement);

    if (status != 0)
        return status;
    return write->rows != NULL ? insert_arrays(write, part, statement) : insert_text(write, part);
}

/* ---- Duplicates: is it our own row, written before, or somebody else's unique key? ----------- */

static int find_ids(struct write *write, const struct rows_part *part, MYSQL_RES **out)
{
    struct sql sql;

    if (!sql_init(&sql))
        return weir_fail(write->error, WEIR_ENOMEM, "out of memory");
    sql_put(&sql, "SELECT id FROM %s WHERE id IN (", write->target->table);
    for (size_t i = 0; i < part->count; i++)
        sql_put(&sql, "%s'%s'", i == 0 ? "" : ",", write->set.items[part->numbers[i]]->id);
    sql_put(&sql, ")");
    int status = my_run(write->conn, sql.text, sql.len, write->deadline, out, write->error);
    sql_fini(&sql);
    return status;
}

/* Take out of the part those that are there already. */
static int weed(struct write *write, struct rows_part *part)
{
    MYSQL_RES *result;
    MYSQL_ROW row;
    size_t left = 0;
    int status = find_ids(write, part, &result);

    if (status != 0)
        return status;
    while ((row = mysql_fetch_row(result)) != NULL)
        for (size_t i = 0; i < part->count && row[0] != NULL; i++)
            if (strcmp(write->set.items[part->numbers[i]]->id, row[0]) == 0)
                write->set.items[part->numbers[i]]->status = 0;
    mysql_free_result(result);
    for (size_t i = 0; i < part->count; i++)
        if (write->set.items[part->numbers[i]]->status != 0)
            part->numbers[left++] = part->numbers[i];
    part->count = left;
    return 0;
}

static int insert_new(struct write *write, struct rows_part *part)
{
    size_t all = part->count;
    int status = insert(write, part);

    if (status != WEIR_EREJECTED || strncmp(write->error->native, "1062 ", 5) != 0)
        return status;
    status = weed(write, part);
    if (status != 0 || part->count == 0)
        return status;
    if (part->count == all)
        return weir_fail(write->error, WEIR_EREJECTED, "duplicate entry for a key beside id");
    return insert(write, part);
}

/* ---- Packets --------------------------------------------------------------------------------- */

/* As many rows as one packet of the server's holds, from row `from` on; 0: not even one. */
static size_t cut(const struct write *write, size_t from, struct rows_part *part)
{
    size_t size = SQL_MAX;

    *part = (struct rows_part){.set = &write->set};
    for (size_t i = from; i < write->set.count; i++) {
        size += rows_size(&write->set, i);
        if (size > write->conn->packet_max)
            break;
        part->numbers[part->count++] = i;
    }
    return part->count;
}

/* A batch that is too much for one packet takes several statements, each a commit of its own. */
static int write_rows(struct write *write)
{
    struct rows_part part;

    for (size_t done = 0; done < write->set.count;) {
        size_t n = cut(write, done, &part);
        if (n == 0) {
            write->set.items[done++]->status = WEIR_EREJECTED;
            continue;
        }
        int status = insert_new(write, &part);
        if (status != 0)
            return status;
        for (size_t i = 0; i < n; i++)
            write->set.items[done + i]->status = 0;
        done += n;
    }
    for (size_t i = 0; i < write->set.earlier_count; i++)
        write->set.earlier[i]->status = 0;
    return 0;
}

static int write_prepared(struct write *write)
{
    int status = write_rows(write);

    if (status != WEIR_EUNPREPARED)
        return status;
    my_forget(write->conn, write->target->insert);
    status = see_to_table(write->conn, write->target, write->deadline, write->error);
    return status != 0 ? status : write_rows(write);
}

static int mysql_sink_write(const struct weir_target *target, void *bytes, struct weir_item *items,
                            size_t count, int64_t deadline, struct weir_error *error)
{
    struct my_conn *conn = bytes;
    struct weir_error own;
    struct write write = {.conn = conn,
                          .target = target,
                          .deadline = deadline,
                          .error = error == NULL ? &own : error};

    if (conn->binds_arrays && (write.rows = malloc(sizeof(*write.rows))) == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    int status = rowset_init(&write.set, target->schema, items, count);
    if (status == 0) {
        status = write_prepared(&write);
        rowset_fini(&write.set);
    } else {
        weir_fail(error, status, "out of memory for a batch of %zu", count);
    }
    free(write.rows);
    return status;
}

const struct weir_sink mysql_sink = {.abi = WEIR_SINK_ABI,
                                     .name = "mysql",
                                     .aliases = mysql_aliases,
                                     .driver = &mysql_driver,
                                     .options = mysql_options_table,
                                     .target_new = mysql_target_new,
                                     .target_free = mysql_target_free,
                                     .prepare = mysql_sink_prepare,
                                     .write = mysql_sink_write};
