/* SPDX-License-Identifier: MIT */
/*
 * Owns: the statements a connection keeps prepared.
 * Never does: know what is bound to them (sink.c). Lock: none; a conn belongs to one caller.
 */
#include <stdlib.h>
#include <string.h>

#include "conn.h"

/* Nothing comes back for a close, and the few bytes it sends fit the socket's buffer. */
static void close_statement(struct my_prepared *place)
{
    if (place->statement != NULL)
        mysql_stmt_close(place->statement);
    place->statement = NULL;
    free(place->sql);
    place->sql = NULL;
}

static struct my_prepared *find(struct my_conn *conn, const char *sql)
{
    for (unsigned n = 0; n < MY_PREPARED_MAX; n++)
        if (conn->prepared[n].statement != NULL && strcmp(conn->prepared[n].sql, sql) == 0)
            return &conn->prepared[n];
    return NULL;
}

/* A free place, or the next in turn, whose statement is given up. */
static struct my_prepared *make_room(struct my_conn *conn)
{
    for (unsigned n = 0; n < MY_PREPARED_MAX; n++)
        if (conn->prepared[n].statement == NULL)
            return &conn->prepared[n];
    struct my_prepared *place = &conn->prepared[conn->next++ % MY_PREPARED_MAX];
    close_statement(place);
    return place;
}

static int prepare(struct my_conn *conn, MYSQL_STMT *statement, const char *sql, int64_t deadline,
                   struct weir_error *error)
{
    int failed, status = 0;
    int wait = mysql_stmt_prepare_start(&failed, statement, sql, strlen(sql));

    while (wait != 0) {
        my_wait(conn, &wait, deadline, &status, error);
        wait = mysql_stmt_prepare_cont(&failed, statement, wait);
    }
    return failed != 0 || status != 0 ? my_fail_statement(statement, status, error) : 0;
}

int my_prepare(struct my_conn *conn, const char *sql, MYSQL_STMT **out, bool *is_new,
               int64_t deadline, struct weir_error *error)
{
    struct my_prepared *place = find(conn, sql);

    *is_new = place == NULL;
    if (place == NULL) {
        place = make_room(conn);
        place->sql = strdup(sql);
        place->statement = mysql_stmt_init(conn->mysql);
        int status = place->sql == NULL || place->statement == NULL
                         ? weir_fail(error, WEIR_ENOMEM, "out of memory")
                         : prepare(conn, place->statement, sql, deadline, error);
        if (status != 0) {
            close_statement(place);
            return status;
        }
    }
    *out = place->statement;
    return 0;
}

void my_forget(struct my_conn *conn, const char *sql)
{
    struct my_prepared *place = find(conn, sql);

    if (place != NULL)
        close_statement(place);
}

void my_forget_all(struct my_conn *conn)
{
    for (unsigned n = 0; n < MY_PREPARED_MAX; n++)
        close_statement(&conn->prepared[n]);
}

int my_execute(struct my_conn *conn, MYSQL_STMT *statement, int64_t deadline,
               struct weir_error *error)
{
    int failed, status = 0;
    int wait = mysql_stmt_execute_start(&failed, statement);

    while (wait != 0) {
        my_wait(conn, &wait, deadline, &status, error);
        wait = mysql_stmt_execute_cont(&failed, statement, wait);
    }
    if (failed == 0 && status == 0)
        return 0;
    status = my_fail_statement(statement, status, error);
    if (status == WEIR_EDEADLINE)
        my_give_up(conn);
    return status;
}
