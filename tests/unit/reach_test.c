/* SPDX-License-Identifier: MIT */
/* Which servers may be connected to, as programs that embed the drivers say it: by their settings.
 */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mysql_backend.h"
#include "postgresql.h"
#include "rabbitmq.h"
#include "redis.h"

#define DRIVERS 4

static const struct weir_driver *const drivers[DRIVERS] = {&postgresql_driver, &mysql_driver,
                                                           &redis_driver, &rabbitmq_driver};
static struct weir_error error;

static struct weir_settings *settings_of(const struct weir_driver *driver, const char *host)
{
    struct weir_settings *settings;

    CHECK_INT(weir_settings_new(&settings, driver->name, &error), 0);
    CHECK_INT(weir_settings_set_string(settings, "host", host, &error), 0);
    CHECK_INT(weir_settings_set_integer(settings, "port", 1, &error), 0); /* nobody listens */
    if (driver == &mysql_driver)
        CHECK_INT(weir_settings_set_string(settings, "database", "d", &error), 0);
    return settings;
}

static void set(struct weir_settings *settings, const char *key, const char *value)
{
    CHECK_INT(weir_settings_set_string(settings, key, value, &error), 0);
}

/* The status of an attempt, after which the settings are done. */
static int open_one(const struct weir_driver *driver, struct weir_settings *settings)
{
    void *conn = calloc(1, driver->conn_size);

    CHECK(conn != NULL);
    CHECK_INT(weir_settings_check(settings, driver, &error), 0);
    int status = driver->open(conn, settings, clock_now() + CLOCK_SECOND, &error);
    driver->close(conn, clock_now() + CLOCK_SECOND);
    free(conn);
    weir_settings_unref(&settings);
    return status;
}

static void lists_are_checked_with_the_other_settings(void)
{
    static const struct {
        const char *key, *value;
        int status;
    } rows[] = {{"allow_addresses", "10.0.0.0/8, ::1", 0},
                {"allow_addresses", "10.0.0.1/8", WEIR_EINVAL},
                {"allow_addresses", "", WEIR_EINVAL},
                {"deny_addresses", "", 0},
                {"deny_addresses", "10.0.0.0/8 fc00::/7", 0},
                {"deny_addresses", "inside", WEIR_EINVAL}};

    for (size_t d = 0; d < DRIVERS; d++)
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            struct weir_settings *settings = settings_of(drivers[d], "127.0.0.1");
            set(settings, rows[i].key, rows[i].value);
            CHECK_INT(weir_settings_check(settings, drivers[d], &error), rows[i].status);
            if (rows[i].status != 0)
                CHECK_STRING(error.key, rows[i].key);
            weir_settings_unref(&settings);
        }
}

static void what_is_denied_is_not_opened(void)
{
    for (size_t d = 0; d < DRIVERS; d++) {
        struct weir_settings *settings = settings_of(drivers[d], "127.0.0.1");
        set(settings, "deny_addresses", "127.0.0.0/8");
        CHECK_INT(open_one(drivers[d], settings), WEIR_EADDRESS);
        CHECK_STRING(error.key, "host");
        CHECK_STRING(error.detail, "host 127.0.0.1: 127.0.0.1 is in the deny list (127.0.0.0/8)");
        settings = settings_of(drivers[d], "127.0.0.1");
        set(settings, "allow_addresses", "127.0.0.2");
        CHECK_INT(open_one(drivers[d], settings), WEIR_EADDRESS);
        settings = settings_of(drivers[d], "169.254.169.254");
        CHECK_INT(open_one(drivers[d], settings), WEIR_EADDRESS);
    }
}

/* What is allowed fails for another reason here: nobody listens. */
static void what_is_allowed_is_tried(void)
{
    for (size_t d = 0; d < DRIVERS; d++) {
        struct weir_settings *settings = settings_of(drivers[d], "127.0.0.1");
        CHECK(open_one(drivers[d], settings) != WEIR_EADDRESS);
        settings = settings_of(drivers[d], "127.0.0.1");
        set(settings, "allow_addresses", "127.0.0.0/8");
        CHECK(open_one(drivers[d], settings) != WEIR_EADDRESS);
    }
}

static void unix_sockets_follow_the_allow_list(void)
{
    static const char path[] = "/nonexistent/socket";

    for (size_t d = 0; d < DRIVERS; d++) {
        if (drivers[d] == &rabbitmq_driver)
            continue; /* has none */
        struct weir_settings *settings = settings_of(drivers[d], path);
        CHECK(open_one(drivers[d], settings) != WEIR_EADDRESS);
        settings = settings_of(drivers[d], path);
        set(settings, "allow_addresses", "10.0.0.0/8");
        CHECK_INT(open_one(drivers[d], settings), WEIR_EADDRESS);
        CHECK_STRING(error.detail, "/nonexistent/socket: Unix sockets are not allowed");
        settings = settings_of(drivers[d], path);
        set(settings, "allow_addresses", "10.0.0.0/8");
        CHECK_INT(weir_settings_set_boolean(settings, "allow_unix", true, &error), 0);
        CHECK(open_one(drivers[d], settings) != WEIR_EADDRESS);
        settings = settings_of(drivers[d], path);
        CHECK_INT(weir_settings_set_boolean(settings, "allow_unix", false, &error), 0);
        CHECK_INT(open_one(drivers[d], settings), WEIR_EADDRESS);
    }
}

TEST_MAIN(TEST(lists_are_checked_with_the_other_settings), TEST(what_is_denied_is_not_opened),
          TEST(what_is_allowed_is_tried), TEST(unix_sockets_follow_the_allow_list))
