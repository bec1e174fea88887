/* SPDX-License-Identifier: MIT */
/* What the driver and the sink share: one open database, and how its calls end in time. */
#ifndef DRIVERS_SQLITE_CONN_H
#define DRIVERS_SQLITE_CONN_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sqlite.h"

#define SQLITE_TABLE_MAX 63 /* bytes in a table's name */

struct sqlite_conn {
    atomic_bool interrupted;
    _Atomic(sqlite3 *) shared; /* for interrupt; the same as db */
    sqlite3 *db;
    int64_t deadline; /* of the call that runs now; of what the borrower does, if it has set one */
    bool lent;        /* the borrower has had the native handle */
    const char *path; /* the settings' */
    dev_t device;     /* the file that was opened, to notice another one in its place */
    ino_t inode;
    sqlite3_stmt *insert; /* prepared from `sql` */
    char *sql;            /* owned */
};

/* A weir status for SQLite's (extended) result code. */
int sqlite_status(int code);

/* The same for the last failed call on conn, with the operator's detail. */
int sqlite_fail(struct sqlite_conn *conn, struct weir_error *error, const char *what);

/* Run SQL that returns nothing of interest. */
int sqlite_run(struct sqlite_conn *conn, const char *sql, struct weir_error *error);

/* Is the file at the path still the one that was opened? Else what is written is lost. */
int sqlite_same_file(struct sqlite_conn *conn, struct weir_error *error);

/* Forget the prepared statement. */
void sqlite_unprepare(struct sqlite_conn *conn);

#endif
