/* SPDX-License-Identifier: MIT */
/*
 * Owns: opening, checking, resetting, interrupting and closing one SQLite database.
 * Never does: open one that would forget what was stored: a "stored" must survive the process.
 * Lock: none; interrupt touches only what is atomic.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "clock.h"
#include "conn.h"

#define PROGRESS_STEPS 2000           /* of the virtual machine between looks at the clock */
#define BUSY_PAUSE     (2 * CLOCK_MS) /* between tries for a lock that somebody else has */
#define BUSY_TRIES_MAX 2500           /* without a deadline: five seconds */

static const struct weir_setting settings_table[] = {
    {"path", WEIR_SETTING_STRING, WEIR_SETTING_REQUIRED, 0, 0, NULL, "the database file"},
    {"create", WEIR_SETTING_BOOLEAN, 0, 0, 0, "true", "make the file if it is absent"},
    {"synchronous", WEIR_SETTING_STRING, 0, 0, 0, "full",
     "full or extra; nothing less, since 200 means stored"},
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static const char *const aliases[] = {"sqlite3", NULL};

static int sqlite_validate(const struct weir_settings *settings, struct weir_error *error)
{
    const char *path = weir_settings_string(settings, "path", "");
    const char *synchronous = weir_settings_string(settings, "synchronous", "full");

    if (path[0] == '\0' || path[0] == ':' || strncmp(path, "file:", 5) == 0)
        return weir_fail_key(error, WEIR_EINVAL, "path",
                             "must be a file; a database in memory or a URI cannot be trusted to "
                             "keep what was stored");
    if (strcmp(synchronous, "full") != 0 && strcmp(synchronous, "extra") != 0)
        return weir_fail_key(error, WEIR_EINVAL, "synchronous",
                             "must be \"full\" or \"extra\"; anything less may lose what was "
                             "answered as stored");
    return 0;
}

/* ---- Calls that end in time ------------------------------------------------------------------ */

static bool is_over(const struct sqlite_conn *conn)
{
    return atomic_load(&conn->interrupted) || clock_now() >= conn->deadline;
}

static int on_progress(void *context)
{
    return is_over(context);
}

/* Somebody else has the lock: try again until the call's deadline. */
static int on_busy(void *context, int tries)
{
    struct timespec pause = clock_timespec(BUSY_PAUSE);

    const struct sqlite_conn *conn = context;

    if (is_over(conn) || (conn->deadline == CLOCK_NEVER && tries >= BUSY_TRIES_MAX))
        return 0;
    nanosleep(&pause, NULL);
    return 1;
}

/* ---- Open ------------------------------------------------------------------------------------ */

static int read_pragma(struct sqlite_conn *conn, const char *sql, char *value, size_t len,
                       struct weir_error *error)
{
    sqlite3_stmt *statement;
    int status = 0;

    if (sqlite3_prepare_v2(conn->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return sqlite_fail(conn, error, sql);
    if (sqlite3_step(statement) == SQLITE_ROW)
        sqlite3_snprintf((int)len, value, "%s", sqlite3_column_text(statement, 0));
    else
        status = sqlite_fail(conn, error, sql);
    sqlite3_finalize(statement);
    return status;
}

static int set_journal(struct sqlite_conn *conn, const struct weir_settings *settings,
                       struct weir_error *error)
{
    bool extra = strcmp(weir_settings_string(settings, "synchronous", "full"), "extra") == 0;
    char mode[16] = "";
    int status = read_pragma(conn, "PRAGMA journal_mode=WAL", mode, sizeof(mode), error);

    if (status != 0)
        return status;
    if (strcmp(mode, "wal") != 0)
        return weir_fail(error, WEIR_ECONFIG, "%s: no write-ahead log here (journal mode %s)",
                         conn->path, mode);
    return sqlite_run(conn, extra ? "PRAGMA synchronous=EXTRA" : "PRAGMA synchronous=FULL", error);
}

static bool is_there(const char *path, const char *suffix)
{
    char full[PATH_MAX + 8];
    struct stat status;

    snprintf(full, sizeof(full), "%s%s", path, suffix);
    return lstat(full, &status) == 0;
}

/*
 * A file that was moved away without its log still has rows in that log, and handles that use it:
 * a new file would take the log over, and the rows with it.
 */
static int refuse_orphan(const char *path, struct weir_error *error)
{
    if (is_there(path, "") || (!is_there(path, "-wal") && !is_there(path, "-shm")))
        return 0;
    return weir_fail(error, WEIR_ECONNECT,
                     "%s is gone, but its -wal or -shm is still there and may hold rows: move all "
                     "three files together, or put it back",
                     path);
}

static int remember_file(struct sqlite_conn *conn, struct weir_error *error)
{
    struct stat now;

    if (stat(conn->path, &now) != 0)
        return weir_fail(error, WEIR_ECONNECT, "%s: %s", conn->path, strerror(errno));
    conn->device = now.st_dev;
    conn->inode = now.st_ino;
    return 0;
}

static int sqlite_open(void *bytes, const struct weir_settings *settings, int64_t deadline,
                       struct weir_error *error)
{
    struct sqlite_conn *conn = bytes;
    bool create = weir_settings_boolean(settings, "create", true);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);

    conn->path = weir_settings_string(settings, "path", "");
    conn->deadline = deadline;
    int status = refuse_orphan(conn->path, error);
    if (status != 0)
        return status;
    int code = sqlite3_open_v2(conn->path, &conn->db, flags, NULL);
    if (conn->db == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    sqlite3_extended_result_codes(conn->db, 1);
    if (code != SQLITE_OK)
        return sqlite_fail(conn, error, "open");
    sqlite3_busy_handler(conn->db, on_busy, conn);
    sqlite3_progress_handler(conn->db, PROGRESS_STEPS, on_progress, conn);
    atomic_store(&conn->shared, conn->db);
    status = set_journal(conn, settings, error);
    return status != 0 ? status : remember_file(conn, error);
}

/* ---- Check, reset, interrupt, close ---------------------------------------------------------- */

static int sqlite_check(void *bytes, int64_t deadline, struct weir_error *error)
{
    struct sqlite_conn *conn = bytes;
    int status = sqlite_same_file(conn, error);

    conn->deadline = deadline;
    if (status != 0)
        return status;
    return sqlite_run(conn, "SELECT count(*) FROM sqlite_schema", error);
}

/* A statement that was left half run keeps a transaction open, and the log from being emptied. */
static void end_statements(struct sqlite_conn *conn)
{
    for (sqlite3_stmt *at = sqlite3_next_stmt(conn->db, NULL); at != NULL;
         at = sqlite3_next_stmt(conn->db, at))
        if (sqlite3_stmt_busy(at))
            sqlite3_reset(at);
}

static int sqlite_reset_conn(void *bytes, int64_t deadline, struct weir_error *error)
{
    struct sqlite_conn *conn = bytes;

    conn->deadline = deadline;
    conn->lent = false;
    end_statements(conn);
    return sqlite3_get_autocommit(conn->db) ? 0 : sqlite_run(conn, "ROLLBACK", error);
}

/* The flag is what counts: it is seen by the handlers even if no statement runs at this moment. */
static void sqlite_stop(void *bytes, int64_t deadline)
{
    struct sqlite_conn *conn = bytes;

    (void)deadline;
    atomic_store(&conn->interrupted, true);
    sqlite3 *db = atomic_load(&conn->shared);
    if (db != NULL)
        sqlite3_interrupt(db);
}

/* A borrower's as well: a database with statements would not be closed. */
static void finalize_all(struct sqlite_conn *conn)
{
    sqlite3_stmt *at;

    sqlite_unprepare(conn);
    while (conn->db != NULL && (at = sqlite3_next_stmt(conn->db, NULL)) != NULL)
        sqlite3_finalize(at);
}

static int sqlite_close(void *bytes, int64_t deadline)
{
    struct sqlite_conn *conn = bytes;

    conn->deadline = deadline;
    atomic_store(&conn->shared, NULL);
    finalize_all(conn);
    sqlite3_close(conn->db);
    conn->db = NULL;
    return 0;
}

static int sqlite_classify(const char *native)
{
    return sqlite_status((int)strtol(native, NULL, 10));
}

const struct weir_driver sqlite_driver = {.abi = WEIR_DRIVER_ABI,
                                          .name = "sqlite",
                                          .aliases = aliases,
                                          .conn_size = sizeof(struct sqlite_conn),
                                          .settings = settings_table,
                                          .min_size = 1,
                                          .max_size = 1,
                                          .validate = sqlite_validate,
                                          .open = sqlite_open,
                                          .check = sqlite_check,
                                          .reset = sqlite_reset_conn,
                                          .interrupt = sqlite_stop,
                                          .close = sqlite_close,
                                          .classify = sqlite_classify};
