/* SPDX-License-Identifier: MIT */
/*
 * Settings from words, for tests: "host=a" is a string, "port#1" an integer, "tls?true" a boolean.
 * Lists of words end with NULL.
 */
#ifndef TESTS_GIVEN_H
#define TESTS_GIVEN_H

#include "test.h"

#include <stdlib.h>
#include <string.h>

#include <weir/sink.h>

static struct weir_error error;

static inline struct weir_settings *given(const char *type, const char *const *words)
{
    struct weir_settings *settings;
    char key[WEIR_SETTING_NAME_MAX + 1];

    CHECK_INT(weir_settings_new(&settings, type, NULL), 0);
    for (; *words != NULL; words++) {
        size_t len = strcspn(*words, "=#?");
        const char *value = *words + len + 1;
        memcpy(key, *words, len);
        key[len] = '\0';
        if ((*words)[len] == '=')
            CHECK_INT(weir_settings_set_string(settings, key, value, NULL), 0);
        else if ((*words)[len] == '#')
            CHECK_INT(weir_settings_set_integer(settings, key, atoll(value), NULL), 0);
        else
            CHECK_INT(weir_settings_set_boolean(settings, key, strcmp(value, "true") == 0, NULL),
                      0);
    }
    return settings;
}

/* "" if the driver takes these settings, else the key at fault. */
static inline const char *fault_of_settings(const struct weir_driver *driver,
                                            const char *const *words)
{
    struct weir_settings *settings = given(driver->name, words);
    int status = weir_settings_check(settings, driver, &error);

    weir_settings_unref(&settings);
    CHECK(status == 0 || status == WEIR_EINVAL);
    return status == 0 ? "" : error.key;
}

/* The same for the options of a module. */
static inline const char *fault_of_options(const struct weir_sink *sink, const char *const *words)
{
    struct weir_settings *options = given(sink->name, words);
    struct weir_target *target;
    int status = sink->target_new(&target, options, &error);

    weir_settings_unref(&options);
    CHECK((status == 0) == (target != NULL));
    if (target != NULL)
        sink->target_free(&target);
    CHECK(target == NULL && (status == 0 || status == WEIR_EINVAL));
    return status == 0 ? "" : error.key;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
