/* SPDX-License-Identifier: MIT */
/*
 * Owns: the options of a MySQL module, and the text of its statements.
 * Never does: talk to a server. Lock: none; a target does not change.
 */
#include "target.h"

#include <stdlib.h>

#include "sql.h"

#define IDENTIFIER_MAX 64

const struct weir_setting mysql_options_table[] = {
    {"table", WEIR_SETTING_STRING, 0, 0, 0, "webhook_events",
     "table or database.table to write to"},
    SCHEMA_OPTIONS,
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

const char *const mysql_aliases[] = {"mariadb", NULL};

static void put_head(struct sql *sql, const struct weir_target *target)
{
    const struct schema *schema = target->schema;

    sql_put(sql, "INSERT INTO %s (", target->table);
    for (unsigned i = 0; i < schema->columns_count; i++)
        sql_put(sql, "%s`%s`", i == 0 ? "" : ", ", schema->columns[i].name);
    sql_put(sql, ") VALUES ");
}

static void put_marks(struct sql *sql, const struct weir_target *target)
{
    for (unsigned i = 0; i < target->schema->columns_count; i++)
        sql_put(sql, "%s", i == 0 ? "(?" : ", ?");
    sql_put(sql, ")");
}

/*
 * The key's conflict replaces the row, unless what is there came in later: a retry may be late.
 * Assignments happen from left to right, so received_at, which the others compare, comes last.
 */
static void put_tail(struct sql *sql, const struct weir_target *target)
{
    const struct schema *schema = target->schema;

    if (schema->upsert == NULL)
        return;
    sql_put(sql, " ON DUPLICATE KEY UPDATE ");
    for (unsigned i = 0; i < schema->columns_count; i++)
        if (schema->columns[i].type != SCHEMA_RECEIVED)
            sql_put(sql, "`%s` = IF(VALUES(received_at) >= received_at, VALUES(`%s`), `%s`), ",
                    schema->columns[i].name, schema->columns[i].name, schema->columns[i].name);
    sql_put(sql, "received_at = GREATEST(VALUES(received_at), received_at)");
}

static void put_insert(struct sql *sql, const struct weir_target *target)
{
    sql_put(sql, "%s%s%s", target->head, target->marks, target->tail);
    /* So that a statement prepared without these indexes is another one: see get_statement. */
    for (unsigned i = 0; i < target->schema->indexes_count; i++)
        sql_put(sql, " /* %s */", target->schema->indexes[i].name);
}

static void put_create(struct sql *sql, const struct weir_target *target)
{
    const struct schema *schema = target->schema;

    sql_put(sql, "CREATE TABLE IF NOT EXISTS %s (", target->table);
    for (unsigned i = 0; i < schema->columns_count; i++) {
        const struct schema_column *column = &schema->columns[i];
        bool not_null = column->field == NULL || column->field->not_null;
        bool unique = column->field != NULL && column->field->unique;
        sql_put(sql, "%s`%s` %s %s%s%s", i == 0 ? "" : ", ", column->name,
                schema_sql_type(SCHEMA_MYSQL, column->type), not_null ? "NOT NULL" : "NULL",
                unique ? " UNIQUE" : "", column->type == SCHEMA_ID ? " PRIMARY KEY" : "");
    }
    sql_put(sql, ") ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
}

static bool make_sql(const struct weir_target *target, char **out,
                     void (*fill)(struct sql *sql, const struct weir_target *target))
{
    struct sql sql;

    if (sql_init(&sql))
        fill(&sql, target);
    *out = sql.text;
    return sql.text != NULL;
}

static bool make_all(struct weir_target *target)
{
    return make_sql(target, &target->head, put_head) &&
           make_sql(target, &target->marks, put_marks) &&
           make_sql(target, &target->tail, put_tail) &&
           make_sql(target, &target->insert, put_insert) &&
           make_sql(target, &target->create, put_create);
}

void mysql_target_free(struct weir_target **at)
{
    struct weir_target *target = *at;

    *at = NULL;
    if (target == NULL)
        return;
    schema_free(&target->schema);
    free(target->head);
    free(target->marks);
    free(target->tail);
    free(target->insert);
    free(target->create);
    free(target);
}

static int fill_target(struct weir_target *target, const struct weir_settings *options,
                       struct weir_error *error)
{
    const char *name = weir_settings_string(options, "table", "webhook_events");
    int status =
        sql_quote_table(target->table, sizeof(target->table), name, '`', IDENTIFIER_MAX, error);

    if (status == 0)
        status = schema_new(&target->schema, options, SCHEMA_MYSQL, error);
    if (status == 0 && !make_all(target))
        status = weir_fail(error, WEIR_ENOMEM, "out of memory");
    return status;
}

int mysql_target_new(struct weir_target **out, const struct weir_settings *options,
                     struct weir_error *error)
{
    int status = weir_settings_check_options(options, mysql_options_table, error);

    *out = NULL;
    if (status != 0)
        return status;
    struct weir_target *target = calloc(1, sizeof(*target));
    if (target == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    status = fill_target(target, options, error);
    if (status == 0)
        *out = target;
    else
        mysql_target_free(&target);
    return status;
}
