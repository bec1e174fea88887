/* SPDX-License-Identifier: MIT */
/* SQLite: what becomes of what a borrower leaves behind, and of one who does not come back. */
#include "house.h"

#include <sqlite3.h>
#include <weir/sqlite.h>

#define ENDLESS \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n"

static sqlite3 *db;

static int run(const char *sql)
{
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);

    if (code != SQLITE_OK)
        snprintf(error.detail, sizeof(error.detail), "%s", sqlite3_errmsg(db));
    return code & 0xff;
}

static int number(const char *sql)
{
    sqlite3_stmt *statement;
    int value = -1;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        value = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static void take_db(void)
{
    take();
    db = weir_sqlite_handle(&lease);
    HOLDS(db != NULL);
}

static sqlite3 *again(void)
{
    give();
    take_db();
    return db;
}

static void what_is_left_behind(void)
{
    sqlite3 *first = db;
    sqlite3_stmt *statement;

    HOLDS(run("CREATE TABLE t (a)") == SQLITE_OK && run("INSERT INTO t VALUES (1), (2)") == 0);
    HOLDS(run("BEGIN") == SQLITE_OK && run("INSERT INTO t VALUES (3)") == SQLITE_OK);
    HOLDS(sqlite3_prepare_v2(db, "SELECT a FROM t", -1, &statement, NULL) == SQLITE_OK);
    HOLDS(sqlite3_step(statement) == SQLITE_ROW);
    HOLDS(again() == first && sqlite3_get_autocommit(db) && number("SELECT count(*) FROM t") == 2);
    HOLDS(!sqlite3_stmt_busy(statement)); /* finalized when the database is closed */
}

/* Deadlines are the borrower's to set, and end with the lease. */
static void deadlines(const char *path)
{
    sqlite3 *other;

    HOLDS(weir_sqlite_set_deadline(&lease, weir_now() + SECOND / 20) == 0);
    HOLDS(run(ENDLESS) == SQLITE_INTERRUPT);
    again();
    HOLDS(run("INSERT INTO t VALUES (3)") == SQLITE_OK);
    HOLDS(sqlite3_open(path, &other) == SQLITE_OK);
    HOLDS(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
    HOLDS(weir_sqlite_set_deadline(&lease, weir_now() + SECOND / 20) == 0);
    HOLDS(run("INSERT INTO t VALUES (4)") == SQLITE_BUSY);
    HOLDS(weir_sqlite_set_deadline(&lease, WEIR_NEVER) == 0);
    int64_t begun = weir_now();
    HOLDS(run("INSERT INTO t VALUES (4)") == SQLITE_BUSY);
    HOLDS(weir_now() >= begun + 5 * SECOND);
    sqlite3_close(other);
}

static void *sleep_long(void *nothing)
{
    HOLDS(run(ENDLESS) == SQLITE_INTERRUPT);
    HOLDS(run(ENDLESS) == SQLITE_INTERRUPT); /* nor after it */
    HOLDS(weir_release(registry, &lease, WEIR_EINTERRUPTED) == 0);
    return nothing;
}

int main(int argc, char **argv)
{
    pthread_t borrower;
    char setting[512];

    (void)argc;
    snprintf(setting, sizeof(setting), "path=%s", argv[2]);
    set_up(weir_sqlite_driver(), (char *[]){setting, NULL});
    HOLDS(weir_sqlite_handle(&lease) == NULL);
    HOLDS(weir_sqlite_set_deadline(&lease, 1) == WEIR_EINVAL);
    take_db();
    what_is_left_behind();
    deadlines(argv[2]);
    HOLDS(pthread_create(&borrower, NULL, sleep_long, NULL) == 0);
    wait_for_the_test(argv[1]);
    close_under(borrower);
    tear_down();
    return 0;
}
