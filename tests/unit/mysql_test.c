/* SPDX-License-Identifier: MIT */
/* The MySQL backend without a server: every row of its classifier, settings, options. */
#include "given.h"

#include "mysql_backend.h"

static const struct {
    const char *native;
    int status;
} rows[] = {{"1020 HY000", WEIR_ECONFLICT},   {"1021 HY000", WEIR_ERESOURCE},
            {"1030 HY000", WEIR_ERESOURCE},   {"1036 HY000", WEIR_ESCHEMA},
            {"1037 HY000", WEIR_ERESOURCE},   {"1038 HY000", WEIR_ERESOURCE},
            {"1040 HY000", WEIR_ECROWDED},    {"1041 HY000", WEIR_ERESOURCE},
            {"1042 HY000", WEIR_ECONNECT},    {"1043 HY000", WEIR_ECONNECT},
            {"1044 HY000", WEIR_EDENIED},     {"1045 HY000", WEIR_EAUTH},
            {"1046 HY000", WEIR_ECONFIG},     {"1047 HY000", WEIR_EDOWN},
            {"1048 HY000", WEIR_EREJECTED},   {"1049 HY000", WEIR_ECONFIG},
            {"1051 HY000", WEIR_EUNPREPARED}, {"1053 HY000", WEIR_EDOWN},
            {"1054 HY000", WEIR_ESCHEMA},     {"1062 HY000", WEIR_EREJECTED},
            {"1077 HY000", WEIR_EDOWN},       {"1079 HY000", WEIR_EDOWN},
            {"1114 HY000", WEIR_ERESOURCE},   {"1118 HY000", WEIR_EREJECTED},
            {"1129 HY000", WEIR_ECONNECT},    {"1130 HY000", WEIR_EAUTH},
            {"1136 HY000", WEIR_ESCHEMA},     {"1142 HY000", WEIR_EDENIED},
            {"1143 HY000", WEIR_EDENIED},     {"1146 HY000", WEIR_EUNPREPARED},
            {"1153 HY000", WEIR_EREJECTED},   {"1158 HY000", WEIR_ELOST},
            {"1159 HY000", WEIR_ELOST},       {"1160 HY000", WEIR_ELOST},
            {"1161 HY000", WEIR_ELOST},       {"1203 HY000", WEIR_ECROWDED},
            {"1205 HY000", WEIR_ECONFLICT},   {"1206 HY000", WEIR_ERESOURCE},
            {"1213 HY000", WEIR_ECONFLICT},   {"1226 HY000", WEIR_ECROWDED},
            {"1227 HY000", WEIR_EDENIED},     {"1231 HY000", WEIR_ECONFIG},
            {"1243 HY000", WEIR_EUNPREPARED}, {"1264 HY000", WEIR_EREJECTED},
            {"1265 HY000", WEIR_EREJECTED},   {"1290 HY000", WEIR_EREADONLY},
            {"1292 HY000", WEIR_EREJECTED},   {"1317 HY000", WEIR_EINTERRUPTED},
            {"1364 HY000", WEIR_ESCHEMA},     {"1366 HY000", WEIR_EREJECTED},
            {"1369 HY000", WEIR_EREJECTED},   {"1406 HY000", WEIR_EREJECTED},
            {"1451 HY000", WEIR_EREJECTED},   {"1452 HY000", WEIR_EREJECTED},
            {"1461 HY000", WEIR_ERESOURCE},   {"1615 HY000", WEIR_EUNPREPARED},
            {"1644 HY000", WEIR_EREJECTED},   {"1690 HY000", WEIR_EREJECTED},
            {"1698 HY000", WEIR_EAUTH},       {"1792 HY000", WEIR_EREADONLY},
            {"1820 HY000", WEIR_EAUTH},       {"1836 HY000", WEIR_EREADONLY},
            {"1862 HY000", WEIR_EAUTH},       {"1927 HY000", WEIR_ELOST},
            {"1969 HY000", WEIR_ECONFLICT},   {"2002 HY000", WEIR_ECONNECT},
            {"2003 HY000", WEIR_ECONNECT},    {"2005 HY000", WEIR_ERESOLVE},
            {"2006 HY000", WEIR_ELOST},       {"2007 HY000", WEIR_ECONNECT},
            {"2008 HY000", WEIR_ENOMEM},      {"2012 HY000", WEIR_ECONNECT},
            {"2013 HY000", WEIR_ELOST},       {"2020 HY000", WEIR_EREJECTED},
            {"2026 HY000", WEIR_ETLS},        {"2027 HY000", WEIR_ELOST},
            {"2030 HY000", WEIR_EUNPREPARED}, {"2055 HY000", WEIR_ELOST},
            {"2056 HY000", WEIR_EUNPREPARED}, {"2057 HY000", WEIR_EUNPREPARED},
            {"2058 HY000", WEIR_ECONFIG},     {"2059 HY000", WEIR_EAUTH},
            {"2061 HY000", WEIR_EAUTH},       {"3024 HY000", WEIR_ECONFLICT},
            {"3140 HY000", WEIR_EREJECTED},   {"3159 HY000", WEIR_ETLS},
            {"3819 HY000", WEIR_EREJECTED},   {"4025 HY000", WEIR_EREJECTED},
            {"4711 22001", WEIR_EREJECTED},   {"4711 23000", WEIR_EREJECTED},
            {"4711 45000", WEIR_EREJECTED},   {"4711 08S01", WEIR_ELOST},
            {"4711 28000", WEIR_EAUTH},       {"4711 40001", WEIR_ECONFLICT},
            {"4711 HY000", WEIR_EINTERNAL},   {"", WEIR_EINTERNAL}};

static void every_code_has_its_status(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_INT(mysql_driver.classify(rows[i].native), rows[i].status);
}

static void settings_are_checked(void)
{
    const struct weir_driver *driver = &mysql_driver;

    CHECK_STRING(fault_of_settings(driver, WORDS("database=d")), "");
    CHECK_STRING(fault_of_settings(driver, WORDS("host=a")), "database");
    CHECK_STRING(fault_of_settings(driver, WORDS("database=d", "host=/run/socket")), "");
    CHECK_STRING(fault_of_settings(driver, WORDS("database=d", "host=")), "host");
    CHECK_STRING(fault_of_settings(driver, WORDS("database=d", "host=a,b")), "host");
    CHECK_STRING(fault_of_settings(driver, WORDS("database=d", "port#0")), "port");
    CHECK_STRING(fault_of_settings(driver, WORDS("database=d", "ssl_mode=on")), "ssl_mode");
    CHECK_STRING(fault_of_settings(driver, WORDS("database=d", "ssl_mode=verify_ca")), "ssl_ca");
    CHECK_STRING(
        fault_of_settings(driver, WORDS("database=d", "ssl_mode=verify_ca", "ssl_ca=/etc/ca.pem")),
        "");
    CHECK_STRING(
        fault_of_settings(driver, WORDS("database=d", "ssl_mode=required", "host=/run/socket")),
        "ssl_mode");
    CHECK_STRING(fault_of_settings(driver, WORDS("database=d", "pasword=x")), "pasword");
    CHECK(strstr(error.detail, "password") != NULL);
}

static void table_names_are_identifiers(void)
{
    static const char *const bad[] = {"table=",      "table=.",       "table=a.",  "table=.a",
                                      "table=a.b.c", "table=1a",      "table=a b", "table=a`b",
                                      "table=a;b",   "table=\xc3\xbc"};
    char name[80] = "table=";

    CHECK_STRING(fault_of_options(&mysql_sink, WORDS("table=events")), "");
    CHECK_STRING(fault_of_options(&mysql_sink, WORDS("table=db.events_2")), "");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_STRING(fault_of_options(&mysql_sink, WORDS(bad[i])), "table");
    memset(name + 6, 'a', 64);
    CHECK_STRING(fault_of_options(&mysql_sink, WORDS(name)), "");
    name[70] = 'a';
    CHECK_STRING(fault_of_options(&mysql_sink, WORDS(name)), "table");
}

TEST_MAIN(TEST(every_code_has_its_status), TEST(settings_are_checked),
          TEST(table_names_are_identifiers))
