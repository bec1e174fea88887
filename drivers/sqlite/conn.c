/* SPDX-License-Identifier: MIT */
/*
 * Owns: SQLite's result codes as weir statuses, and the questions both driver and sink ask.
 * Never does: open or close (driver.c), know a table (sink.c).
 * Lock: none; a conn belongs to one caller at a time.
 */
#include "conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* By primary code; an extended one that differs stands before its primary. */
static const struct {
    int code, status;
} codes[] = {
    {SQLITE_IOERR_NOMEM, WEIR_ERESOURCE}, {SQLITE_BUSY, WEIR_ECONFLICT},
    {SQLITE_LOCKED, WEIR_ECONFLICT},      {SQLITE_FULL, WEIR_ERESOURCE},
    {SQLITE_NOMEM, WEIR_ERESOURCE},       {SQLITE_IOERR, WEIR_ELOST},
    {SQLITE_PROTOCOL, WEIR_ELOST},        {SQLITE_READONLY, WEIR_EREADONLY},
    {SQLITE_CANTOPEN, WEIR_ECONNECT},     {SQLITE_NOTADB, WEIR_ECONFIG},
    {SQLITE_PERM, WEIR_EDENIED},          {SQLITE_AUTH, WEIR_EDENIED},
    {SQLITE_CONSTRAINT, WEIR_EREJECTED},  {SQLITE_TOOBIG, WEIR_EREJECTED},
    {SQLITE_MISMATCH, WEIR_EREJECTED},    {SQLITE_INTERRUPT, WEIR_EINTERRUPTED},
    {SQLITE_SCHEMA, WEIR_EUNPREPARED},    {SQLITE_CORRUPT, WEIR_EINTERNAL},
};

int sqlite_status(int code)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (codes[i].code == code || codes[i].code == (code & 0xff))
            return codes[i].status;
    return WEIR_EINTERNAL;
}

int sqlite_fail(struct sqlite_conn *conn, struct weir_error *error, const char *what)
{
    int code = sqlite3_extended_errcode(conn->db);
    int status = sqlite_status(code);

    if (status == WEIR_EINTERRUPTED && !atomic_load(&conn->interrupted))
        status = WEIR_EDEADLINE; /* it was the progress handler that stopped it */
    weir_fail(error, status, "%s: %s: %s", conn->path, what, sqlite3_errmsg(conn->db));
    if (error != NULL)
        snprintf(error->native, sizeof(error->native), "%d", code);
    return status;
}

int sqlite_run(struct sqlite_conn *conn, const char *sql, struct weir_error *error)
{
    if (sqlite3_exec(conn->db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    return sqlite_fail(conn, error, sql);
}

int sqlite_same_file(struct sqlite_conn *conn, struct weir_error *error)
{
    struct stat now;

    if (stat(conn->path, &now) == 0 && now.st_dev == conn->device && now.st_ino == conn->inode)
        return 0;
    return weir_fail(error, WEIR_ELOST, "%s: the file was removed or replaced", conn->path);
}

void sqlite_unprepare(struct sqlite_conn *conn)
{
    sqlite3_finalize(conn->insert);
    conn->insert = NULL;
    free(conn->sql);
    conn->sql = NULL;
}
