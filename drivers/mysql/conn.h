/* SPDX-License-Identifier: MIT */
/*
 * One MySQL or MariaDB connection, as driver and sink share it. libmariadb is used through its
 * split (non-blocking) calls: its owner waits in poll(2) for the socket, for the deadline and for
 * `wake`, by which an interrupt from another thread ends the wait.
 */
#ifndef DRIVERS_MYSQL_CONN_H
#define DRIVERS_MYSQL_CONN_H

#include <mysql.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dial.h"
#include "mysql_backend.h"
#include "wake.h"

#define MY_TABLE_MAX    140 /* a quoted, qualified table name with its NUL */
#define MY_PREPARED_MAX 8   /* statements kept prepared on one connection */

struct my_prepared {
    char *sql;             /* owned */
    MYSQL_STMT *statement; /* NULL: a free place */
};

struct my_conn {
    /* For interrupt, from any thread. */
    struct wake wake;
    _Atomic(struct weir_settings *) settings; /* set once its thread id is known; borrowed */
    atomic_ulong thread_id;                   /* the server's number for this connection */
    atomic_int fd;    /* a duplicate of the socket, plus one, to see the server close its end */
    atomic_bool lent; /* its borrower has the native handle, and may block in libmariadb */

    char number[DIAL_NUMBER_MAX]; /* of the server; "" on a Unix socket; before `settings` is set */

    MYSQL *mysql;
    bool tls;          /* see my_unblock */
    size_t packet_max; /* the server's max_allowed_packet */
    bool binds_arrays; /* one execution for many rows */
    struct my_prepared prepared[MY_PREPARED_MAX];
    unsigned next; /* to be replaced when all are taken */
};

/* ---- conn.c ---- */
/*
 * Wait until a split call can go on. *wait is what it waits for (MYSQL_WAIT_...), and becomes what
 * happened. Past the deadline, or interrupted, it becomes MYSQL_WAIT_TIMEOUT, with which the call
 * must be continued all the same, so that it ends and cleans up; *status says which then, and
 * stays as it is otherwise.
 */
void my_wait(struct my_conn *conn, int *wait, int64_t deadline, int *status,
             struct weir_error *error);
/*
 * With TLS the split calls only wait if the socket does not block, and blocking ones only work well
 * if it does: for our own calls, and for a borrower's.
 */
void my_unblock(struct my_conn *conn, bool unblocked);
/* The status of a call that failed: *status if that is set, else what the server said. */
int my_fail(struct my_conn *conn, int status, struct weir_error *error);
int my_fail_statement(MYSQL_STMT *statement, int status, struct weir_error *error);
/* Send SQL without parameters; its rows, in *out (the caller frees it) if that is not NULL. */
int my_run(struct my_conn *conn, const char *sql, size_t len, int64_t deadline, MYSQL_RES **out,
           struct weir_error *error);
/* Past a deadline: what was not answered in time must not be done later either. */
void my_give_up(struct my_conn *conn);

/* ---- dial.c ---- */
int my_dial(struct my_conn *conn, const struct weir_settings *settings, int64_t deadline,
            struct weir_error *error);
/* Ask the server at that address, on a connection of its own, to end connection `thread_id`. */
void my_kill(struct weir_settings *settings, const char *number, unsigned long thread_id,
             int64_t deadline);
int my_dial_validate(const struct weir_settings *settings, struct weir_error *error);

/* ---- statement.c ---- */
/* The prepared statement, made if need be, which *is_new says. Borrowed. */
int my_prepare(struct my_conn *conn, const char *sql, MYSQL_STMT **out, bool *is_new,
               int64_t deadline, struct weir_error *error);
/* The server does not have it any more, or has another table by that name. */
void my_forget(struct my_conn *conn, const char *sql);
void my_forget_all(struct my_conn *conn);
int my_execute(struct my_conn *conn, MYSQL_STMT *statement, int64_t deadline,
               struct weir_error *error);

/* ---- classify.c ---- */
/* "1062 23000": the server's (or libmariadb's) number and the SQLSTATE. */
int my_classify(const char *native);

#endif
