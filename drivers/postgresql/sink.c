/* SPDX-License-Identifier: MIT */
/*
 * Owns: writing webhooks into one PostgreSQL table: one statement, one commit for each batch.
 * Never does: alter a payload, or take a lock on the table while it only looks (prepare).
 * Lock: none here; creating the table is ordered by an advisory lock at the server.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrays.h"
#include "conn.h"
#include "target.h"

/* ---- The table ------------------------------------------------------------------------------- */

/*
 * One implicit transaction: whoever comes second finds it there. "Already exists", in whatever
 * spelling, is for the caller's next look to find out.
 */
static int create(struct pg_session *conn, const char *sql, int64_t deadline,
                  struct weir_error *error)
{
    int status = pg_run(conn, sql, deadline, NULL, error);
    bool exists = error != NULL &&
                  (strcmp(error->native, "42P07") == 0 || strcmp(error->native, "42710") == 0 ||
                   strcmp(error->native, "23505") == 0);
    return status != 0 && exists ? 0 : status;
}

/* "{id,webhook_id}", an array's text form; column names need no quoting there. */
static void list_names(const struct schema *schema, char *list, size_t size)
{
    size_t len = 0;

    for (unsigned i = 0; i < schema->columns_count; i++)
        len += (size_t)snprintf(list + len, size - len, "%c%s", i == 0 ? '{' : ',',
                                schema->columns[i].name);
    snprintf(list + len, size - len, "}");
}

static bool is_yes(const PGresult *result, int column)
{
    return *PQgetvalue(result, 0, column) == 't';
}

/*
 * Look at the catalog, where nobody's lock can be in the way: is the table there, has it the
 * columns, may this role insert (and update), and read the id, which ON CONFLICT needs?
 */
static int look_once(struct pg_session *conn, const struct weir_target *target, int64_t deadline,
                     struct weir_error *error)
{
    static const char sql[] =
        "SELECT c.oid IS NOT NULL, count(a.attname) = pg_catalog.cardinality($2::text[]),"
        " bool_and(pg_catalog.has_column_privilege(c.oid, a.attnum, 'INSERT') AND"
        "          (NOT $3::bool OR pg_catalog.has_column_privilege(c.oid, a.attnum, 'UPDATE'))),"
        " bool_or(a.attname = 'id' AND"
        "         pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')),"
        " pg_catalog.current_setting('transaction_read_only') = 'on'"
        " FROM (SELECT pg_catalog.to_regclass($1) AS oid) c LEFT JOIN pg_catalog.pg_attribute a"
        " ON a.attrelid = c.oid AND NOT a.attisdropped AND a.attname = ANY ($2::text[])"
        " GROUP BY c.oid";
    char names[SCHEMA_COLUMNS_MAX * (SCHEMA_IDENTIFIER_MAX + 1) + 2];
    const char *values[] = {target->table, names, target->schema->upsert == NULL ? "f" : "t"};
    PGresult *result;

    list_names(target->schema, names, sizeof(names));
    int sent = PQsendQueryParams(conn->pg, sql, 3, NULL, values, NULL, NULL, 0);
    int status = pg_await(conn, sent, deadline, &result, error);
    if (status == 0 && PQntuples(result) != 1)
        status = weir_fail(error, WEIR_EINTERNAL, "the catalog gave no answer");
    if (status == 0 && is_yes(result, 4))
        status = weir_fail(error, WEIR_EREADONLY, "transactions are read-only at this server");
    else if (status == 0 && !is_yes(result, 0))
        status = weir_fail(error, WEIR_EUNPREPARED, "no table %s", target->table);
    else if (status == 0 && !is_yes(result, 1))
        status =
            weir_fail(error, WEIR_ESCHEMA, "table %s lacks one of %.200s", target->table, names);
    else if (status == 0 && (!is_yes(result, 2) || !is_yes(result, 3)))
        status = weir_fail(
            error, WEIR_EDENIED, "role %s may not %s %s, or not SELECT its id", PQuser(conn->pg),
            target->schema->upsert == NULL ? "INSERT into" : "INSERT into and UPDATE",
            target->table);
    PQclear(result);
    return status;
}

/*
 * A table that somebody else creates at this moment may be found by its name before its columns
 * are in the query's snapshot. A second look has a snapshot that is younger than the table.
 */
static int look(struct pg_session *conn, const struct weir_target *target, int64_t deadline,
                struct weir_error *error)
{
    int status = look_once(conn, target, deadline, error);

    return status == WEIR_ESCHEMA ? look_once(conn, target, deadline, error) : status;
}

/* ---- Indexes --------------------------------------------------------------------------------- */

static int has_index(struct pg_session *conn, const struct weir_target *target,
                     const struct schema_index *index, bool *there, int64_t deadline,
                     struct weir_error *error)
{
    static const char sql[] = "SELECT 1 FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c"
                              " ON c.oid = i.indexrelid"
                              " WHERE i.indrelid = pg_catalog.to_regclass($1) AND c.relname = $2";
    const char *values[] = {target->table, index->name};
    PGresult *result;
    int sent = PQsendQueryParams(conn->pg, sql, 2, NULL, values, NULL, NULL, 0);
    int status = pg_await(conn, sent, deadline, &result, error);

    *there = status == 0 && PQntuples(result) > 0;
    PQclear(result);
    return status;
}

static int create_index(struct pg_session *conn, const struct weir_target *target,
                        const struct schema_index *index, int64_t deadline,
                        struct weir_error *error)
{
    char text[2048];
    size_t len = (size_t)snprintf(
        text, sizeof(text), "SELECT " CREATE_LOCK "; CREATE %sINDEX IF NOT EXISTS \"%s\" ON %s (",
        index->unique ? "UNIQUE " : "", index->name, target->table);

    for (unsigned i = 0; i < index->columns_count; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\"%s\"", i == 0 ? "" : ", ",
                                index->columns[i]);
    snprintf(text + len, sizeof(text) - len, ")");
    return create(conn, text, deadline, error);
}

static int see_to_indexes(struct pg_session *conn, const struct weir_target *target,
                          int64_t deadline, struct weir_error *error)
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

static int pg_prepare(const struct weir_target *target, void *bytes, int64_t deadline,
                      struct weir_error *error)
{
    struct pg_session *conn = bytes;
    int status = look(conn, target, deadline, error);

    if (status == WEIR_EUNPREPARED) {
        status = create(conn, target->create, deadline, error);
        if (status == 0)
            status = look(conn, target, deadline, error);
    }
    return status != 0 ? status : see_to_indexes(conn, target, deadline, error);
}

/* ---- The prepared statement ------------------------------------------------------------------ */

static void statement_name(unsigned n, char name[16])
{
    snprintf(name, 16, "weir_%u", n);
}

/* A free place, or the next in turn, whose statement is given up. */
static int make_room(struct pg_session *conn, unsigned *place, int64_t deadline,
                     struct weir_error *error)
{
    char sql[32];

    for (unsigned n = 0; n < PG_PREPARED_MAX; n++)
        if (conn->prepared[n] == NULL) {
            *place = n;
            return 0;
        }
    *place = conn->next++ % PG_PREPARED_MAX;
    free(conn->prepared[*place]);
    conn->prepared[*place] = NULL;
    snprintf(sql, sizeof(sql), "DEALLOCATE weir_%u", *place);
    return pg_run(conn, sql, deadline, NULL, error);
}

static bool find_insert(const struct pg_session *conn, const char *sql, unsigned *place)
{
    for (*place = 0; *place < PG_PREPARED_MAX; ++*place)
        if (conn->prepared[*place] != NULL && strcmp(conn->prepared[*place], sql) == 0)
            return true;
    return false;
}

/* The first time on a backend connection, the indexes are looked after, too. */
static int prepare_insert(struct pg_session *conn, const struct weir_target *target,
                          unsigned *place, int64_t deadline, struct weir_error *error)
{
    char name[16];

    if (find_insert(conn, target->insert, place))
        return 0;
    int status = make_room(conn, place, deadline, error);
    if (status != 0)
        return status;
    statement_name(*place, name);
    int sent = PQsendPrepare(conn->pg, name, target->insert, 0, NULL);
    status = pg_await(conn, sent, deadline, NULL, error);
    if (status != 0)
        return status;
    conn->prepared[*place] = strdup(target->insert);
    if (conn->prepared[*place] == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    return see_to_indexes(conn, target, deadline, error);
}

/* The server does not have it any more, or has another table by that name. */
static void forget_insert(struct pg_session *conn, const char *insert, int64_t deadline)
{
    char sql[32];
    unsigned place;

    if (!find_insert(conn, insert, &place))
        return;
    free(conn->prepared[place]);
    conn->prepared[place] = NULL;
    snprintf(sql, sizeof(sql), "DEALLOCATE weir_%u", place);
    pg_run(conn, sql, deadline, NULL, NULL); /* may not exist: that is what is wanted */
}

/* ---- Writing --------------------------------------------------------------------------------- */

static int insert(struct pg_session *conn, const struct weir_target *target,
                  const struct arrays *arrays, int64_t deadline, struct weir_error *error)
{
    int formats[SCHEMA_COLUMNS_MAX];
    unsigned place, columns = target->schema->columns_count;
    char name[16];
    int status = prepare_insert(conn, target, &place, deadline, error);

    if (status != 0)
        return status;
    for (unsigned i = 0; i < columns; i++)
        formats[i] = 1; /* binary */
    statement_name(place, name);
    int sent = PQsendQueryPrepared(conn->pg, name, (int)columns, arrays->values, arrays->lengths,
                                   formats, 0);
    return pg_await(conn, sent, deadline, NULL, error);
}

static int write_rows(const struct weir_target *target, struct pg_session *conn,
                      const struct rowset *rows, int64_t deadline, struct weir_error *error)
{
    struct arrays arrays;
    int status = arrays_init(&arrays, rows);

    if (status != 0)
        return weir_fail(error, status, "a batch of %zu does not fit", rows->count);
    status = insert(conn, target, &arrays, deadline, error);
    if (status == WEIR_EUNPREPARED) {
        forget_insert(conn, target->insert, deadline);
        status = pg_prepare(target, conn, deadline, error);
        if (status == 0)
            status = insert(conn, target, &arrays, deadline, error);
    }
    arrays_fini(&arrays);
    return status;
}

static int pg_write(const struct weir_target *target, void *bytes, struct weir_item *items,
                    size_t count, int64_t deadline, struct weir_error *error)
{
    struct weir_error ignored;
    struct rowset rows;

    error = error == NULL ? &ignored : error;
    if (rowset_init(&rows, target->schema, items, count) != 0)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    int status = rows.count == 0 ? 0 : write_rows(target, bytes, &rows, deadline, error);
    if (status == 0)
        rowset_stored(&rows);
    rowset_fini(&rows);
    return status;
}

const struct weir_sink postgresql_sink = {.abi = WEIR_SINK_ABI,
                                          .name = "postgresql",
                                          .aliases = pg_aliases,
                                          .driver = &postgresql_driver,
                                          .options = pg_options,
                                          .target_new = pg_target_new,
                                          .target_free = pg_target_free,
                                          .prepare = pg_prepare,
                                          .write = pg_write};
