/* SPDX-License-Identifier: MIT */
/* The Redis backend without a server: every row of its classifier, settings, options. */
#include "given.h"

#include "redis.h"

static const struct {
    const char *text;
    int status;
} rows[] = {{"LOADING and more", WEIR_EDOWN},
            {"MASTERDOWN and more", WEIR_EDOWN},
            {"CLUSTERDOWN and more", WEIR_EDOWN},
            {"READONLY and more", WEIR_EREADONLY},
            {"OOM and more", WEIR_ERESOURCE},
            {"MISCONF and more", WEIR_ERESOURCE},
            {"NOREPLICAS and more", WEIR_ERESOURCE},
            {"BUSY and more", WEIR_ECONFLICT},
            {"TRYAGAIN and more", WEIR_ECONFLICT},
            {"MOVED and more", WEIR_ESCHEMA},
            {"ASK and more", WEIR_ECONFLICT},
            {"CROSSSLOT and more", WEIR_ESCHEMA},
            {"WRONGTYPE and more", WEIR_ESCHEMA},
            {"NOAUTH and more", WEIR_EAUTH},
            {"WRONGPASS and more", WEIR_EAUTH},
            {"NOPERM and more", WEIR_EDENIED},
            {"ERR max number of clients and more", WEIR_ECROWDED},
            {"ERR invalid password and more", WEIR_EAUTH},
            {"ERR AUTH and more", WEIR_EAUTH},
            {"ERR Client sent AUTH and more", WEIR_EAUTH},
            {"ERR DB index and more", WEIR_ECONFIG},
            {"ERR invalid DB index and more", WEIR_ECONFIG},
            {"ERR SELECT is not allowed and more", WEIR_ECONFIG},
            {"ERR unknown command and more", WEIR_ESCHEMA},
            {"ERR unknown subcommand and more", WEIR_ESCHEMA},
            {"ERR string exceeds maximum and more", WEIR_EREJECTED},
            {"ERR Protocol error: invalid bulk length and more", WEIR_EREJECTED},
            {"ERR something else", WEIR_EINTERNAL},
            {"", WEIR_EINTERNAL}};

static void every_error_has_its_status(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_INT(redis_driver.classify(rows[i].text), rows[i].status);
}

static void settings_are_checked(void)
{
    CHECK_STRING(fault_of_settings(&redis_driver, WORDS("host=a", "database#15")), "");
    CHECK_STRING(fault_of_settings(&redis_driver, WORDS("host=/run/redis.sock")), "");
    CHECK_STRING(fault_of_settings(&redis_driver, WORDS("tls?false")), "");
    CHECK_STRING(fault_of_settings(&redis_driver, WORDS("tls?true")), "tls");
    CHECK(strstr(error.detail, "hiredis") != NULL);
    CHECK_STRING(fault_of_settings(&redis_driver, WORDS("host=")), "host");
    CHECK_STRING(fault_of_settings(&redis_driver, WORDS("user=u")), "password");
    CHECK_STRING(fault_of_settings(&redis_driver, WORDS("database#-1")), "database");
    CHECK_STRING(fault_of_settings(&redis_driver, WORDS("application_name=a b")),
                 "application_name");
}

static void options_are_checked(void)
{
    const struct weir_sink *sink = &redis_sink;

    CHECK_STRING(fault_of_options(sink, WORDS("mode=stream", "key=a:{webhook_id}", "maxlen#9")),
                 "");
    CHECK_STRING(fault_of_options(sink, WORDS("mode=list", "push=left", "format=envelope")), "");
    CHECK_STRING(fault_of_options(sink, WORDS("mode=publish", "channel={path}")), "");
    CHECK_STRING(fault_of_options(sink, WORDS("mode=queue")), "mode");
    CHECK_STRING(fault_of_options(sink, WORDS("key=")), "key");
    CHECK_STRING(fault_of_options(sink, WORDS("key={header}")), "key");
    CHECK_STRING(fault_of_options(sink, WORDS("maxlen#0")), "maxlen");
    CHECK_STRING(fault_of_options(sink, WORDS("mode=list", "maxlen#9")), "maxlen");
    CHECK_STRING(fault_of_options(sink, WORDS("format=envelope")), "format");
    CHECK_STRING(fault_of_options(sink, WORDS("push=left")), "push");
    CHECK_STRING(fault_of_options(sink, WORDS("mode=list", "push=up")), "push");
    CHECK_STRING(fault_of_options(sink, WORDS("mode=list", "format=json")), "format");
    CHECK_STRING(fault_of_options(sink, WORDS("channel=c")), "channel");
    CHECK_STRING(fault_of_options(sink, WORDS("mode=publish", "key=k")), "key");
    CHECK_STRING(fault_of_options(sink, WORDS("mode=publish", "wait_replicas#1")), "wait_replicas");
}

TEST_MAIN(TEST(every_error_has_its_status), TEST(settings_are_checked), TEST(options_are_checked))
