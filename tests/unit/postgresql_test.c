/* SPDX-License-Identifier: MIT */
/* The PostgreSQL backend without a server: every row of its classifier, settings, options. */
#include "test.h"

#include <stdlib.h>

#include "postgresql.h"

static struct weir_error error;

static const struct {
    const char *sqlstate;
    int status;
} rows[] = {{"08006", WEIR_ELOST},       {"08000", WEIR_ELOST},        {"0A000", WEIR_EUNPREPARED},
            {"22P05", WEIR_EREJECTED},   {"22003", WEIR_EREJECTED},    {"22P02", WEIR_EREJECTED},
            {"23505", WEIR_EREJECTED},   {"23514", WEIR_EREJECTED},    {"25006", WEIR_EREADONLY},
            {"26000", WEIR_EUNPREPARED}, {"28P01", WEIR_EAUTH},        {"28000", WEIR_EAUTH},
            {"3D000", WEIR_ECONFIG},     {"3F000", WEIR_ESCHEMA},      {"40001", WEIR_ECONFLICT},
            {"40P01", WEIR_ECONFLICT},   {"42501", WEIR_EDENIED},      {"42703", WEIR_ESCHEMA},
            {"42704", WEIR_ECONFIG},     {"42804", WEIR_ESCHEMA},      {"42883", WEIR_ESCHEMA},
            {"428C9", WEIR_ESCHEMA},     {"42P01", WEIR_EUNPREPARED},  {"42P10", WEIR_ESCHEMA},
            {"44000", WEIR_EREJECTED},   {"53300", WEIR_ECROWDED},     {"53100", WEIR_ERESOURCE},
            {"53200", WEIR_ERESOURCE},   {"54000", WEIR_EREJECTED},    {"54001", WEIR_EREJECTED},
            {"55P03", WEIR_ECONFLICT},   {"57014", WEIR_EINTERRUPTED}, {"57P01", WEIR_EDOWN},
            {"57P02", WEIR_EDOWN},       {"57P03", WEIR_EDOWN},        {"58030", WEIR_ELOST},
            {"P0001", WEIR_EREJECTED},   {"P0004", WEIR_EREJECTED},    {"WE001", WEIR_EREJECTED},
            {"38000", WEIR_EINTERNAL},   {"42601", WEIR_EINTERNAL},    {"XX000", WEIR_EINTERNAL},
            {"", WEIR_EINTERNAL}};

static void every_code_has_its_status(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_INT(postgresql_driver.classify(rows[i].sqlstate), rows[i].status);
}

static int check_one(const char *key, const char *value)
{
    struct weir_settings *settings;

    CHECK_INT(weir_settings_new(&settings, "postgresql", NULL), 0);
    CHECK_INT(weir_settings_set_string(settings, key, value, NULL), 0);
    int status = weir_settings_check(settings, &postgresql_driver, &error);
    weir_settings_unref(&settings);
    return status;
}

static void settings_are_checked(void)
{
    CHECK_INT(check_one("sslmode", "verify-full"), 0);
    CHECK_INT(check_one("sslmode", "verify"), WEIR_EINVAL);
    CHECK_STRING(error.key, "sslmode");
    CHECK_INT(check_one("target_session_attrs", "prefer-standby"), 0);
    CHECK_INT(check_one("target_session_attrs", "master"), WEIR_EINVAL);
    CHECK_INT(check_one("host", "a,b,/run/postgresql"), 0);
    CHECK_INT(check_one("host", ""), WEIR_EINVAL);
    CHECK_INT(check_one("host", "a,,b"), WEIR_EINVAL);
    CHECK_INT(check_one("host", "a,"), WEIR_EINVAL);
    CHECK_INT(check_one("passwort", "x"), WEIR_EINVAL);
    CHECK(strstr(error.detail, "password") != NULL);
}

static int make_target(const char *table)
{
    struct weir_settings *options;
    struct weir_target *target;

    CHECK_INT(weir_settings_new(&options, "postgresql", NULL), 0);
    CHECK_INT(weir_settings_set_string(options, "table", table, NULL), 0);
    int status = postgresql_sink.target_new(&target, options, &error);
    CHECK((status == 0) == (target != NULL));
    if (target != NULL)
        postgresql_sink.target_free(&target);
    CHECK(target == NULL);
    weir_settings_unref(&options);
    return status;
}

static void table_names_are_identifiers(void)
{
    static const char *const bad[] = {
        "",    ".",        "a.",
        ".a",  "a.b.c",    "1a",
        "a b", "a\"b",     "a;drop",
        "a-b", "\xc3\xa9", "xx23456789012345678901234567890123456789012345678901234567890123"};

    CHECK_INT(make_target("webhook_events"), 0);
    CHECK_INT(make_target("Audit.Events_2"), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_INT(make_target(bad[i]), WEIR_EINVAL);
        CHECK_STRING(error.key, "table");
    }
}

static void closing_what_never_opened_is_harmless(void)
{
    void *conn = calloc(1, postgresql_driver.conn_size);

    CHECK(conn != NULL);
    postgresql_driver.interrupt(conn, 0);
    CHECK_INT(postgresql_driver.close(conn, 0), 0);
    free(conn);
}

TEST_MAIN(TEST(every_code_has_its_status), TEST(settings_are_checked),
          TEST(table_names_are_identifiers), TEST(closing_what_never_opened_is_harmless))
