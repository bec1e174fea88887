/* SPDX-License-Identifier: MIT */
/*
 * One PostgreSQL connection, as driver and sink share it. libpq is used without blocking: its
 * owner waits in poll(2) for the socket, for the deadline and for `wake`, by which an interrupt
 * from another thread ends the wait.
 */
#ifndef DRIVERS_POSTGRESQL_CONN_H
#define DRIVERS_POSTGRESQL_CONN_H

#include <libpq-fe.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "postgresql.h"
#include "wake.h"

#define PG_TABLE_MAX    140 /* a quoted, qualified table name with its NUL */
#define PG_PREPARED_MAX 8   /* statements kept prepared on one connection */

struct pg_session {
    /* For interrupt, from any thread. */
    struct wake wake;
    _Atomic(PGcancel *) cancel; /* whoever takes it owns it */
    atomic_int socket;          /* a duplicate, plus one: libpq closes its own on any error */
    atomic_bool lent;           /* its borrower has the native handle, and may block in libpq */

    PGconn *pg;
    PGcancel *own_cancel;            /* the owner's, for its own deadline */
    char *prepared[PG_PREPARED_MAX]; /* their SQL, owned; statement n is called weir_n */
    unsigned next;                   /* to be replaced when all are taken */
};

/* ---- conn.c ---- */
/* Wait until the socket is ready for these poll events. WEIR_EDEADLINE, WEIR_EINTERRUPTED. */
int pg_wait(struct pg_session *conn, short events, int64_t deadline, struct weir_error *error);
/*
 * After a PQsend...: the statement's result, in *out (the caller clears it) if that is not NULL.
 * Past the deadline the server is asked to cancel. The status is the server's verdict.
 */
int pg_await(struct pg_session *conn, int sent, int64_t deadline, PGresult **out,
             struct weir_error *error);
/* Send SQL without parameters and wait for it. */
int pg_run(struct pg_session *conn, const char *sql, int64_t deadline, PGresult **out,
           struct weir_error *error);
/* The status for a failed connection attempt or a lost connection, from libpq's message. */
int pg_conn_fail(struct pg_session *conn, int fallback, struct weir_error *error);
/* Ask the server to stop what runs; takes *cancel. */
void pg_cancel(PGcancel *cancel, int64_t deadline);

/* ---- dial.c ---- */
int pg_dial(struct pg_session *conn, const struct weir_settings *settings, int64_t deadline,
            struct weir_error *error);

/* ---- classify.c ---- */
int pg_classify(const char *sqlstate);

#endif
