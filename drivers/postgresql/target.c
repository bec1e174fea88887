/* SPDX-License-Identifier: MIT */
/*
 * Owns: the options of a PostgreSQL module, and the text of its statements.
 * Never does: talk to a server. Lock: none; a target does not change.
 */
#include "target.h"

#include <stdlib.h>

#include "sql.h"

#define IDENTIFIER_MAX 63 /* NAMEDATALEN - 1 */

const struct weir_setting pg_options[] = {
    {"table", WEIR_SETTING_STRING, 0, 0, 0, "webhook_events", "table or schema.table to write to"},
    SCHEMA_OPTIONS,
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

const char *const pg_aliases[] = {"postgres", NULL};

/*
 * The key's conflict replaces the row, unless what is there came in later: a retry may be late.
 * Without a key, a conflict is an id that has been written before.
 */
static void put_conflict(struct sql *sql, const struct schema *schema)
{
    if (schema->upsert == NULL) {
        sql_put(sql, " ON CONFLICT (id) DO NOTHING");
        return;
    }
    sql_put(sql, " ON CONFLICT (\"%s\") DO UPDATE SET ", schema->upsert->column);
    for (unsigned i = 0; i < schema->columns_count; i++)
        sql_put(sql, "%s\"%s\" = EXCLUDED.\"%s\"", i == 0 ? "" : ", ", schema->columns[i].name,
                schema->columns[i].name);
    sql_put(sql, " WHERE weir.received_at <= EXCLUDED.received_at");
}

static void put_insert(struct sql *sql, const char *table, const struct schema *schema)
{
    sql_put(sql, "INSERT INTO %s AS weir (", table);
    for (unsigned i = 0; i < schema->columns_count; i++)
        sql_put(sql, "%s\"%s\"", i == 0 ? "" : ", ", schema->columns[i].name);
    sql_put(sql, ") SELECT ");
    for (unsigned i = 0; i < schema->columns_count; i++)
        sql_put(sql, "%sc%u::%s", i == 0 ? "" : ", ", i,
                schema_sql_type(SCHEMA_POSTGRESQL, schema->columns[i].type));
    sql_put(sql, " FROM unnest(");
    for (unsigned i = 0; i < schema->columns_count; i++) {
        enum schema_type type = schema->columns[i].type;
        bool binary = type == SCHEMA_ID || type == SCHEMA_RECEIVED;
        sql_put(sql, "%s$%u::%s[]", i == 0 ? "" : ", ", i + 1,
                binary ? schema_sql_type(SCHEMA_POSTGRESQL, type) : "text");
    }
    sql_put(sql, ") AS batch (");
    for (unsigned i = 0; i < schema->columns_count; i++)
        sql_put(sql, "%sc%u", i == 0 ? "" : ", ", i);
    sql_put(sql, ")");
    put_conflict(sql, schema);
    /* So that a statement prepared without these indexes is another one: see prepare_insert. */
    for (unsigned i = 0; i < schema->indexes_count; i++)
        sql_put(sql, " /* %s */", schema->indexes[i].name);
}

static void put_create(struct sql *sql, const char *table, const struct schema *schema)
{
    sql_put(sql, "SELECT " CREATE_LOCK "; CREATE TABLE IF NOT EXISTS %s (", table);
    for (unsigned i = 0; i < schema->columns_count; i++) {
        const struct schema_column *column = &schema->columns[i];
        bool not_null = column->field == NULL || column->field->not_null;
        bool unique = column->field != NULL && column->field->unique;
        sql_put(sql, "%s\"%s\" %s%s%s%s", i == 0 ? "" : ", ", column->name,
                schema_sql_type(SCHEMA_POSTGRESQL, column->type),
                column->type == SCHEMA_ID ? " PRIMARY KEY" : "", not_null ? " NOT NULL" : "",
                unique ? " UNIQUE" : "");
    }
    sql_put(sql, ")");
}

static char *make_sql(const struct weir_target *target,
                      void (*fill)(struct sql *sql, const char *table, const struct schema *schema))
{
    struct sql sql;

    if (sql_init(&sql))
        fill(&sql, target->table, target->schema);
    return sql.text;
}

void pg_target_free(struct weir_target **at)
{
    struct weir_target *target = *at;

    *at = NULL;
    if (target == NULL)
        return;
    schema_free(&target->schema);
    free(target->insert);
    free(target->create);
    free(target);
}

static int fill_target(struct weir_target *target, const struct weir_settings *options,
                       struct weir_error *error)
{
    const char *name = weir_settings_string(options, "table", "webhook_events");
    int status =
        sql_quote_table(target->table, sizeof(target->table), name, '"', IDENTIFIER_MAX, error);

    if (status == 0)
        status = schema_new(&target->schema, options, SCHEMA_POSTGRESQL, error);
    if (status != 0)
        return status;
    target->insert = make_sql(target, put_insert);
    target->create = make_sql(target, put_create);
    if (target->insert == NULL || target->create == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    return 0;
}

int pg_target_new(struct weir_target **out, const struct weir_settings *options,
                  struct weir_error *error)
{
    int status = weir_settings_check_options(options, pg_options, error);

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
        pg_target_free(&target);
    return status;
}
