/* SPDX-License-Identifier: MIT */
/* Settings and statuses: bounds, unknown keys, canonical order, the table of errors. */
#include "test.h"

#include <stdlib.h>

#include <weir/weir.h>

static const struct weir_setting keys[] = {
    {"host", WEIR_SETTING_STRING, WEIR_SETTING_REQUIRED, 0, 0, NULL, "where"},
    {"port", WEIR_SETTING_INTEGER, 0, 1, 65535, "5432", "which"},
    {"tls", WEIR_SETTING_BOOLEAN, 0, 0, 0, "false", "whether"},
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static const struct weir_driver driver = {
    .abi = WEIR_DRIVER_ABI, .name = "toy", .settings = keys, .min_size = 2, .max_size = 10};

static struct weir_settings *settings;
static struct weir_error error;

static void begin(void)
{
    CHECK_INT(weir_settings_new(&settings, "toy", &error), 0);
    CHECK_INT(weir_settings_set_string(settings, "host", "localhost", &error), 0);
}

static int checked(void)
{
    int status = weir_settings_check(settings, &driver, &error);

    weir_settings_unref(&settings);
    return status;
}

static void order_does_not_matter(void)
{
    struct weir_settings *other;

    begin();
    CHECK_INT(weir_settings_set_integer(settings, "port", 1, NULL), 0);
    CHECK_INT(weir_settings_new(&other, "toy", NULL), 0);
    CHECK_INT(weir_settings_set_integer(other, "port", 1, NULL), 0);
    CHECK(!weir_settings_equal(settings, other));
    CHECK_INT(weir_settings_set_string(other, "host", "localhost", NULL), 0);
    CHECK(weir_settings_equal(settings, other));
    weir_settings_unref(&other);
    weir_settings_unref(&settings);
    CHECK(settings == NULL);
}

static void kinds_and_values_tell_settings_apart(void)
{
    struct weir_settings *other;

    begin();
    CHECK_INT(weir_settings_set_integer(settings, "idle_timeout", 1, NULL), 0);
    CHECK_INT(weir_settings_new(&other, "toy", NULL), 0);
    CHECK_INT(weir_settings_set_string(other, "host", "localhost", NULL), 0);
    CHECK_INT(weir_settings_set_seconds(other, "idle_timeout", 1, NULL), 0);
    CHECK(!weir_settings_equal(settings, other));
    weir_settings_unref(&other);
    weir_settings_unref(&settings);
}

static void a_key_is_set_once(void)
{
    begin();
    CHECK_INT(weir_settings_set_string(settings, "host", "x", &error), WEIR_EINVAL);
    CHECK_STRING(error.key, "host");
    weir_settings_unref(&settings);
}

static void limits_are_enforced(void)
{
    char key[8];
    char *big = malloc(WEIR_SETTING_STRING_MAX + 2);

    begin();
    CHECK(big != NULL);
    memset(big, 'x', WEIR_SETTING_STRING_MAX + 1);
    big[WEIR_SETTING_STRING_MAX + 1] = '\0';
    CHECK_INT(weir_settings_set_string(settings, "big", big, NULL), WEIR_ELIMIT);
    free(big);
    for (int i = 1; i < WEIR_SETTINGS_MAX; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        CHECK_INT(weir_settings_set_integer(settings, key, i, NULL), 0);
    }
    CHECK_INT(weir_settings_set_integer(settings, "more", 1, NULL), WEIR_ELIMIT);
    CHECK_INT(weir_settings_set_integer(settings, "", 1, NULL), WEIR_EINVAL);
    weir_settings_unref(&settings);
}

static void unknown_key_names_the_nearest(void)
{
    begin();
    CHECK_INT(weir_settings_set_integer(settings, "pool_maxsize", 3, NULL), 0);
    CHECK_INT(checked(), WEIR_EINVAL);
    CHECK_STRING(error.key, "pool_maxsize");
    CHECK(strstr(error.detail, "pool_max_size") != NULL);
}

static void required_key_is_missed(void)
{
    CHECK_INT(weir_settings_new(&settings, "toy", NULL), 0);
    CHECK_INT(checked(), WEIR_EINVAL);
    CHECK_STRING(error.key, "host");
}

static void wrong_kind_is_refused(void)
{
    begin();
    CHECK_INT(weir_settings_set_string(settings, "port", "5432", NULL), 0);
    CHECK_INT(checked(), WEIR_EINVAL);
    CHECK_STRING(error.key, "port");
}

static int with_integer(const char *key, int64_t value)
{
    begin();
    CHECK_INT(weir_settings_set_integer(settings, key, value, NULL), 0);
    return checked();
}

static int with_seconds(const char *key, double value)
{
    begin();
    CHECK_INT(weir_settings_set_seconds(settings, key, value, NULL), 0);
    return checked();
}

static void every_bound_is_checked(void)
{
    CHECK_INT(with_integer("port", 65535), 0);
    CHECK_INT(with_integer("port", 65536), WEIR_EINVAL);
    CHECK_INT(with_integer("port", 0), WEIR_EINVAL);
    CHECK_INT(with_integer("pool_max_size", 1000), 0);
    CHECK_INT(with_integer("pool_max_size", 1001), WEIR_EINVAL);
    CHECK_INT(with_integer("pool_max_size", 0), WEIR_EINVAL);
    CHECK_INT(with_integer("pool_min_size", -1), WEIR_EINVAL);
    CHECK_INT(with_seconds("idle_timeout", 0.001), 0);
    CHECK_INT(with_seconds("idle_timeout", 0), WEIR_EINVAL);
    CHECK_INT(with_seconds("idle_timeout", 86400), 0);
    CHECK_INT(with_seconds("idle_timeout", 86401), WEIR_EINVAL);
    CHECK_INT(with_seconds("idle_timeout", 1.0 / 0.0), WEIR_EINVAL);
    CHECK_INT(with_integer("idle_timeout", 60), 0);
}

static void minimum_may_not_exceed_maximum(void)
{
    begin();
    CHECK_INT(weir_settings_set_integer(settings, "pool_min_size", 5, NULL), 0);
    CHECK_INT(weir_settings_set_integer(settings, "pool_max_size", 4, NULL), 0);
    CHECK_INT(checked(), WEIR_EINVAL);
    CHECK_STRING(error.key, "pool_min_size");
    CHECK_INT(with_integer("pool_max_size", 1), 0); /* the default minimum gives way */
}

static void every_status_has_a_name_and_a_text(void)
{
    static const int numbers[] = {
#define NUMBER(name, number, remedy, text) number,
        WEIR_ERRORS(NUMBER)
#undef NUMBER
    };
    size_t count = sizeof(numbers) / sizeof(numbers[0]);

    for (size_t i = 0; i < count; i++) {
        CHECK(numbers[i] < 0);
        CHECK(weir_status_name(numbers[i]) != NULL);
        CHECK(strcmp(weir_strerror(numbers[i]), "unknown status") != 0);
        for (size_t j = 0; j < i; j++) {
            CHECK(numbers[i] != numbers[j]);
            CHECK(strcmp(weir_strerror(numbers[i]), weir_strerror(numbers[j])) != 0);
        }
    }
    CHECK_STRING(weir_strerror(-9999), "unknown status");
    CHECK(weir_status_name(-9999) == NULL);
    CHECK_INT(weir_remedy(-9999), WEIR_REMEDY_RECONNECT);
    CHECK_INT(weir_remedy(WEIR_EREJECTED), WEIR_REMEDY_REJECT);
}

static void detail_is_cut_not_overrun(void)
{
    char text[2 * WEIR_ERROR_DETAIL_MAX];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    CHECK_INT(weir_fail_key(&error, WEIR_EINVAL, text, "%s", text), WEIR_EINVAL);
    CHECK_INT(strlen(error.detail), WEIR_ERROR_DETAIL_MAX - 1);
    CHECK_INT(strlen(error.key), WEIR_ERROR_KEY_MAX - 1);
    CHECK_INT(weir_fail(NULL, WEIR_ELOST, "nobody listens"), WEIR_ELOST);
}

TEST_MAIN(TEST(order_does_not_matter), TEST(kinds_and_values_tell_settings_apart),
          TEST(a_key_is_set_once), TEST(limits_are_enforced), TEST(unknown_key_names_the_nearest),
          TEST(required_key_is_missed), TEST(wrong_kind_is_refused), TEST(every_bound_is_checked),
          TEST(minimum_may_not_exceed_maximum), TEST(every_status_has_a_name_and_a_text),
          TEST(detail_is_cut_not_overrun))
