/* SPDX-License-Identifier: MIT */
/* The SQLite backend on real files: classifier, batches, bad rows, locks, interrupts, lost files.
 */
#include "test.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "sqlite.h"

static struct weir_error error;
static char directory[64], path[96];
static struct weir_settings *settings;
static struct weir_target *target;
static void *conn;

static const struct {
    int code, status;
} rows[] = {{SQLITE_BUSY, WEIR_ECONFLICT},
            {SQLITE_BUSY_SNAPSHOT, WEIR_ECONFLICT},
            {SQLITE_LOCKED, WEIR_ECONFLICT},
            {SQLITE_FULL, WEIR_ERESOURCE},
            {SQLITE_NOMEM, WEIR_ERESOURCE},
            {SQLITE_IOERR_NOMEM, WEIR_ERESOURCE},
            {SQLITE_IOERR_WRITE, WEIR_ELOST},
            {SQLITE_PROTOCOL, WEIR_ELOST},
            {SQLITE_READONLY, WEIR_EREADONLY},
            {SQLITE_READONLY_DBMOVED, WEIR_EREADONLY},
            {SQLITE_CANTOPEN, WEIR_ECONNECT},
            {SQLITE_NOTADB, WEIR_ECONFIG},
            {SQLITE_PERM, WEIR_EDENIED},
            {SQLITE_AUTH, WEIR_EDENIED},
            {SQLITE_CONSTRAINT_CHECK, WEIR_EREJECTED},
            {SQLITE_TOOBIG, WEIR_EREJECTED},
            {SQLITE_MISMATCH, WEIR_EREJECTED},
            {SQLITE_INTERRUPT, WEIR_EINTERRUPTED},
            {SQLITE_SCHEMA, WEIR_EUNPREPARED},
            {SQLITE_CORRUPT, WEIR_EINTERNAL},
            {SQLITE_ERROR, WEIR_EINTERNAL}};

static void every_code_has_its_status(void)
{
    char native[16];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(native, sizeof(native), "%d", rows[i].code);
        CHECK_INT(sqlite_driver.classify(native), rows[i].status);
    }
}

static int64_t soon(void)
{
    return clock_now() + 5 * CLOCK_SECOND;
}

static void begin(void)
{
    struct weir_settings *options;

    snprintf(directory, sizeof(directory), "/tmp/weir-sqlite-XXXXXX");
    CHECK(mkdtemp(directory) != NULL);
    snprintf(path, sizeof(path), "%s/weir.db", directory);
    CHECK_INT(weir_settings_new(&settings, "sqlite", NULL), 0);
    CHECK_INT(weir_settings_set_string(settings, "path", path, NULL), 0);
    CHECK_INT(weir_settings_new(&options, "sqlite", NULL), 0);
    CHECK_INT(sqlite_sink.target_new(&target, options, NULL), 0);
    weir_settings_unref(&options);
    conn = calloc(1, sqlite_driver.conn_size);
    CHECK(conn != NULL);
    CHECK_INT(sqlite_driver.open(conn, settings, soon(), &error), 0);
}

static void end(void)
{
    char command[128];

    CHECK_INT(sqlite_driver.close(conn, soon()), 0);
    free(conn);
    sqlite_sink.target_free(&target);
    weir_settings_unref(&settings);
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    CHECK_INT(system(command), 0);
}

static struct weir_item items[WEIR_BATCH_MAX];
static char ids[WEIR_BATCH_MAX][WEIR_ID_LEN + 1];

static void fill(size_t count, const char *body)
{
    for (size_t i = 0; i < count; i++) {
        snprintf(ids[i], sizeof(ids[i]), "01890a5d-ac96-774b-bcce-b302099a%04zx", i);
        items[i] = (struct weir_item){.id = ids[i],
                                      .webhook_id = "test",
                                      .received_at = 1700000000123456,
                                      .body = body,
                                      .body_len = strlen(body),
                                      .headers = "{}",
                                      .headers_len = 2,
                                      .status = -1};
    }
}

static int write_all(size_t count)
{
    return sqlite_sink.write(target, conn, items, count, soon(), &error);
}

/* What another connection to the file is told. */
static void ask(const char *sql, char *answer, size_t len)
{
    sqlite3 *db;
    sqlite3_stmt *statement;

    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    answer[0] = '\0';
    if (sqlite3_step(statement) == SQLITE_ROW)
        snprintf(answer, len, "%s", sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

static void check_answer(const char *sql, const char *wanted)
{
    char answer[256];

    ask(sql, answer, sizeof(answer));
    CHECK_STRING(answer, wanted);
}

static void a_batch_is_stored_once(void)
{
    begin();
    fill(WEIR_BATCH_MAX, "{\"n\":12345678901234567890123456789}");
    CHECK_INT(write_all(WEIR_BATCH_MAX), 0);
    CHECK_INT(items[255].status, 0);
    CHECK_INT(write_all(WEIR_BATCH_MAX), 0);
    check_answer("SELECT count(*) FROM webhook_events", "256");
    check_answer("SELECT payload FROM webhook_events", "{\"n\":12345678901234567890123456789}");
    check_answer("SELECT received_at FROM webhook_events", "2023-11-14T22:13:20.123456Z");
    check_answer("PRAGMA journal_mode", "wal");
    end();
}

static void a_bad_row_fails_alone(void)
{
    begin();
    fill(5, "{}");
    CHECK_INT(sqlite_sink.prepare(target, conn, soon(), &error), 0);
    check_answer("CREATE TRIGGER t BEFORE INSERT ON webhook_events WHEN new.payload = 'bad'"
                 " BEGIN SELECT raise(ABORT, 'no'); END",
                 "");
    items[2].body = "bad";
    items[2].body_len = 3;
    CHECK_INT(write_all(5), 0);
    CHECK_INT(items[1].status, 0);
    CHECK_INT(items[2].status, WEIR_EREJECTED);
    check_answer("SELECT count(*) FROM webhook_events", "4");
    end();
}

static void a_trigger_that_rolls_back_refuses_the_batch(void)
{
    begin();
    fill(3, "{}");
    CHECK_INT(sqlite_sink.prepare(target, conn, soon(), &error), 0);
    check_answer("CREATE TRIGGER t BEFORE INSERT ON webhook_events WHEN new.payload = 'bad'"
                 " BEGIN SELECT raise(ROLLBACK, 'no'); END",
                 "");
    items[2].body = "bad";
    items[2].body_len = 3;
    CHECK_INT(write_all(3), WEIR_EREJECTED);
    check_answer("SELECT count(*) FROM webhook_events", "0");
    CHECK_INT(write_all(2), 0);
    end();
}

static sqlite3 *lock_file(void)
{
    sqlite3 *db;

    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static void a_lock_is_waited_for_until_the_deadline(void)
{
    begin();
    fill(1, "{}");
    sqlite3 *other = lock_file();
    int64_t begun = clock_now();
    int status = sqlite_sink.write(target, conn, items, 1, begun + 50 * CLOCK_MS, &error);
    CHECK(status == WEIR_ECONFLICT || status == WEIR_EDEADLINE);
    CHECK(clock_now() - begun >= 50 * CLOCK_MS);
    sqlite3_close(other);
    CHECK_INT(write_all(1), 0);
    end();
}

static void *interrupt(void *argument)
{
    struct timespec pause = clock_timespec(30 * CLOCK_MS);

    nanosleep(&pause, NULL);
    sqlite_driver.interrupt(argument, soon());
    return NULL;
}

static void an_interrupt_ends_the_wait_for_a_lock(void)
{
    pthread_t thread;

    begin();
    fill(1, "{}");
    sqlite3 *other = lock_file();
    int64_t begun = clock_now();
    CHECK_INT(pthread_create(&thread, NULL, interrupt, conn), 0);
    CHECK(sqlite_sink.write(target, conn, items, 1, begun + 60 * CLOCK_SECOND, &error) != 0);
    CHECK(clock_now() - begun < 30 * CLOCK_SECOND);
    CHECK_INT(pthread_join(thread, NULL), 0);
    sqlite3_close(other);
    CHECK(write_all(1) != 0); /* interrupted for good */
    check_answer("SELECT count(*) FROM sqlite_schema WHERE name = 'webhook_events'", "0");
    end();
}

static void a_dropped_table_is_made_again(void)
{
    begin();
    fill(2, "{}");
    CHECK_INT(write_all(1), 0);
    check_answer("DROP TABLE webhook_events", "");
    CHECK_INT(write_all(2), 0);
    check_answer("SELECT count(*) FROM webhook_events", "2");
    end();
}

static void a_lost_file_is_noticed(void)
{
    begin();
    fill(1, "{}");
    CHECK_INT(write_all(1), 0);
    CHECK_INT(sqlite_driver.check(conn, soon(), &error), 0);
    CHECK_INT(unlink(path), 0);
    CHECK_INT(sqlite_driver.check(conn, soon(), &error), WEIR_ELOST);
    CHECK_INT(write_all(1), WEIR_ELOST);
    end();
}

static void another_shape_is_told(void)
{
    begin();
    fill(1, "{}");
    check_answer("CREATE TABLE webhook_events (x)", "");
    CHECK_INT(write_all(1), WEIR_ESCHEMA);
    CHECK_INT(sqlite_sink.prepare(target, conn, soon(), &error), WEIR_ESCHEMA);
    end();
}

static int check_path(const char *value)
{
    struct weir_settings *other;

    CHECK_INT(weir_settings_new(&other, "sqlite", NULL), 0);
    CHECK_INT(weir_settings_set_string(other, "path", value, NULL), 0);
    int status = weir_settings_check(other, &sqlite_driver, &error);
    weir_settings_unref(&other);
    return status;
}

static void what_would_forget_is_refused(void)
{
    CHECK_INT(check_path("/var/lib/weir.db"), 0);
    CHECK_INT(check_path(""), WEIR_EINVAL);
    CHECK_INT(check_path(":memory:"), WEIR_EINVAL);
    CHECK_INT(check_path("file:x?mode=memory"), WEIR_EINVAL);
}

TEST_MAIN(TEST(every_code_has_its_status), TEST(a_batch_is_stored_once),
          TEST(a_bad_row_fails_alone), TEST(a_trigger_that_rolls_back_refuses_the_batch),
          TEST(a_lock_is_waited_for_until_the_deadline),
          TEST(an_interrupt_ends_the_wait_for_a_lock), TEST(a_dropped_table_is_made_again),
          TEST(a_lost_file_is_noticed), TEST(another_shape_is_told),
          TEST(what_would_forget_is_refused))
