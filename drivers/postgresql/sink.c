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

#define IDENTIFIER_MAX 63 /* NAMEDATALEN - 1 */
#define SQL_MAX        2048

/* Its own number space among advisory locks: "weir" and the table's creation. */
#define CREATE_LOCK "pg_catalog.pg_advisory_xact_lock(x'77656972'::int, 1)"

struct weir_target {
    char table[PG_TABLE_MAX]; /* quoted: "schema"."table" or "table" */
};

static const struct weir_setting options_table[] = {
    {"table", WEIR_SETTING_STRING, 0, 0, 0, "webhook_events", "table or schema.table to write to"},
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static const char *const aliases[] = {"postgres", NULL};

/* ---- Targets --------------------------------------------------------------------------------- */

static bool is_identifier(const char *name, size_t len)
{
    bool digit_first = len > 0 && name[0] >= '0' && name[0] <= '9';

    return len > 0 && len <= IDENTIFIER_MAX && !digit_first &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") >= len;
}

static int pg_target_new(struct weir_target **out, const struct weir_settings *options,
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
                             "must be table or schema.table, each 1 to %d letters, digits and "
                             "underscores, not beginning with a digit",
                             IDENTIFIER_MAX);
    struct weir_target *target = calloc(1, sizeof(*target));
    if (target == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    if (dot != NULL)
        snprintf(target->table, sizeof(target->table), "\"%.*s\".\"%s\"", (int)(dot - name), name,
                 table);
    else
        snprintf(target->table, sizeof(target->table), "\"%s\"", table);
    *out = target;
    return 0;
}

static void pg_target_free(struct weir_target **target)
{
    free(*target);
    *target = NULL;
}

/* ---- The table ------------------------------------------------------------------------------- */

/*
 * One implicit transaction: whoever comes second finds it there. "Already exists", in whatever
 * spelling, is for the caller's next look to find out.
 */
static int create_table(struct pg_conn *conn, const char *table, int64_t deadline,
                        struct weir_error *error)
{
    char sql[SQL_MAX];

    snprintf(sql, sizeof(sql),
             "SELECT " CREATE_LOCK "; CREATE TABLE IF NOT EXISTS %s (id uuid PRIMARY KEY,"
             " webhook_id text NOT NULL, received_at timestamptz NOT NULL,"
             " payload jsonb NOT NULL, headers jsonb NOT NULL)",
             table);
    int status = pg_run(conn, sql, deadline, NULL, error);
    bool exists = error != NULL &&
                  (strcmp(error->native, "42P07") == 0 || strcmp(error->native, "42710") == 0 ||
                   strcmp(error->native, "23505") == 0);
    return status != 0 && exists ? 0 : status;
}

/*
 * Look at the catalog, where nobody's lock can be in the way: is the table there, has it the
 * columns, may this role insert, and read the id, which ON CONFLICT needs?
 */
static int look(struct pg_conn *conn, const char *table, int64_t deadline, struct weir_error *error)
{
    static const char sql[] =
        "SELECT c.oid IS NOT NULL, count(a.attname) = 5,"
        " bool_and(pg_catalog.has_column_privilege(c.oid, a.attnum, 'INSERT')),"
        " bool_or(a.attname = 'id' AND"
        "         pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')),"
        " pg_catalog.current_setting('transaction_read_only') = 'on'"
        " FROM (SELECT pg_catalog.to_regclass($1) AS oid) c LEFT JOIN pg_catalog.pg_attribute a"
        " ON a.attrelid = c.oid AND NOT a.attisdropped AND a.attname IN"
        " ('id', 'webhook_id', 'received_at', 'payload', 'headers') GROUP BY c.oid";
    PGresult *result;
    int sent = PQsendQueryParams(conn->pg, sql, 1, NULL, &table, NULL, NULL, 0);
    int status = pg_await(conn, sent, deadline, &result, error);

    if (status == 0 && PQntuples(result) != 1)
        status = weir_fail(error, WEIR_EINTERNAL, "the catalog gave no answer");
    if (status == 0 && *PQgetvalue(result, 0, 4) == 't')
        status = weir_fail(error, WEIR_EREADONLY, "transactions are read-only at this server");
    else if (status == 0 && *PQgetvalue(result, 0, 0) != 't')
        status = weir_fail(error, WEIR_EUNPREPARED, "no table %s", table);
    else if (status == 0 && *PQgetvalue(result, 0, 1) != 't')
        status =
            weir_fail(error, WEIR_ESCHEMA,
                      "table %s lacks one of id, webhook_id, received_at, payload, headers", table);
    else if (status == 0 && (*PQgetvalue(result, 0, 2) != 't' || *PQgetvalue(result, 0, 3) != 't'))
        status =
            weir_fail(error, WEIR_EDENIED, "role %s may not INSERT into %s, or not SELECT its id",
                      PQuser(conn->pg), table);
    PQclear(result);
    return status;
}

static int pg_prepare(const struct weir_target *target, void *bytes, int64_t deadline,
                      struct weir_error *error)
{
    struct pg_conn *conn = bytes;
    int status = look(conn, target->table, deadline, error);

    if (status != WEIR_EUNPREPARED)
        return status;
    status = create_table(conn, target->table, deadline, error);
    return status != 0 ? status : look(conn, target->table, deadline, error);
}

/* ---- The prepared statement ------------------------------------------------------------------ */

static void statement_name(unsigned n, char name[16])
{
    snprintf(name, 16, "weir_%u", n);
}

/* A free place, or the next in turn, whose statement is given up. */
static int make_room(struct pg_conn *conn, unsigned *place, int64_t deadline,
                     struct weir_error *error)
{
    char sql[32];

    for (unsigned n = 0; n < PG_PREPARED_MAX; n++)
        if (conn->prepared[n][0] == '\0') {
            *place = n;
            return 0;
        }
    *place = conn->next++ % PG_PREPARED_MAX;
    conn->prepared[*place][0] = '\0';
    snprintf(sql, sizeof(sql), "DEALLOCATE weir_%u", *place);
    return pg_run(conn, sql, deadline, NULL, error);
}

static int prepare_insert(struct pg_conn *conn, const char *table, unsigned *place,
                          int64_t deadline, struct weir_error *error)
{
    char name[16], sql[SQL_MAX];

    for (*place = 0; *place < PG_PREPARED_MAX; ++*place)
        if (strcmp(conn->prepared[*place], table) == 0)
            return 0;
    int status = make_room(conn, place, deadline, error);
    if (status != 0)
        return status;
    statement_name(*place, name);
    snprintf(sql, sizeof(sql),
             "INSERT INTO %s (id, webhook_id, received_at, payload, headers)"
             " SELECT i, w, r, p::jsonb, h::jsonb FROM unnest($1::uuid[], $2::text[],"
             " $3::timestamptz[], $4::text[], $5::text[]) AS batch (i, w, r, p, h)"
             " ON CONFLICT (id) DO NOTHING",
             table);
    status = pg_await(conn, PQsendPrepare(conn->pg, name, sql, 0, NULL), deadline, NULL, error);
    if (status == 0)
        memcpy(conn->prepared[*place], table, strlen(table) + 1);
    return status;
}

/* The server does not have it any more, or has another table by that name. */
static void forget_insert(struct pg_conn *conn, const char *table, int64_t deadline)
{
    char sql[32];

    for (unsigned n = 0; n < PG_PREPARED_MAX; n++)
        if (strcmp(conn->prepared[n], table) == 0) {
            conn->prepared[n][0] = '\0';
            snprintf(sql, sizeof(sql), "DEALLOCATE weir_%u", n);
            pg_run(conn, sql, deadline, NULL, NULL); /* may not exist: that is what is wanted */
        }
}

/* ---- Writing --------------------------------------------------------------------------------- */

static int insert(struct pg_conn *conn, const char *table, const struct arrays *arrays,
                  int64_t deadline, struct weir_error *error)
{
    static const int binary[ARRAYS_COLUMNS] = {1, 1, 1, 1, 1};
    unsigned place;
    char name[16];
    int status = prepare_insert(conn, table, &place, deadline, error);

    if (status != 0)
        return status;
    statement_name(place, name);
    int sent = PQsendQueryPrepared(conn->pg, name, ARRAYS_COLUMNS, arrays->values, arrays->lengths,
                                   binary, 0);
    return pg_await(conn, sent, deadline, NULL, error);
}

static int pg_write(const struct weir_target *target, void *bytes, struct weir_item *items,
                    size_t count, int64_t deadline, struct weir_error *error)
{
    struct pg_conn *conn = bytes;
    struct weir_error ignored;
    struct arrays arrays;
    int status = arrays_init(&arrays, items, count);

    if (error == NULL)
        error = &ignored;
    if (status != 0)
        return weir_fail(error, status, "a batch of %zu does not fit", count);
    status = insert(conn, target->table, &arrays, deadline, error);
    if (status == WEIR_EUNPREPARED) {
        forget_insert(conn, target->table, deadline);
        status = pg_prepare(target, conn, deadline, error);
        if (status == 0)
            status = insert(conn, target->table, &arrays, deadline, error);
    }
    arrays_fini(&arrays);
    for (size_t i = 0; status == 0 && i < count; i++)
        items[i].status = 0;
    return status;
}

const struct weir_sink postgresql_sink = {.abi = WEIR_SINK_ABI,
                                          .name = "postgresql",
                                          .aliases = aliases,
                                          .driver = &postgresql_driver,
                                          .options = options_table,
                                          .target_new = pg_target_new,
                                          .target_free = pg_target_free,
                                          .prepare = pg_prepare,
                                          .write = pg_write};
