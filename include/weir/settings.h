/* SPDX-License-Identifier: MIT */
/*
 * Settings: the configuration of one connection, as keys and typed values.
 *
 * Built once (new, set...), then handed to a change and from there on immutable and shared by
 * counted references. The order of keys does not matter. Strings are copied byte for byte and
 * wiped before their memory is given back.
 *
 * Threads: building is for one thread; a settings object that has been handed over may be read
 * and referenced from any thread.
 */
#ifndef WEIR_SETTINGS_H
#define WEIR_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/export.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_SETTINGS_MAX       64      /* keys in one settings object */
#define WEIR_SETTING_NAME_MAX   63      /* bytes in a key */
#define WEIR_SETTING_STRING_MAX 65535   /* bytes in a string value */
#define WEIR_NAME_MAX           256     /* bytes in a connection's name, printable UTF-8 */
#define WEIR_POOL_SIZE_MAX      1000    /* pool_max_size */
#define WEIR_SECONDS_MAX        86400.0 /* any time-out */

struct weir_settings;

enum weir_setting_kind {
    WEIR_SETTING_STRING,
    WEIR_SETTING_INTEGER,
    WEIR_SETTING_SECONDS, /* a number of seconds, fractions allowed */
    WEIR_SETTING_BOOLEAN,
    WEIR_SETTING_JSON /* an object or array, as its text */
};

#define WEIR_SETTING_REQUIRED 1u /* flags */
#define WEIR_SETTING_SECRET   2u
#define WEIR_SETTING_OFF      4u /* a number of seconds that may be 0: off */

/*
 * One key that a driver (or the pool itself) understands. Tables of these end with a NULL name.
 * For INTEGER and SECONDS, min and max bound the value, both included, except that a SECONDS
 * value must also be above zero.
 */
struct weir_setting {
    const char *name;
    enum weir_setting_kind kind;
    unsigned flags;
    double min, max;
    const char *fallback; /* the default, as text for people; NULL if none */
    const char *help;     /* one line */
};

struct weir_driver;

/* An empty object of the given type (a driver's name). *out is owned by the caller. */
WEIR_EXPORT int weir_settings_new(struct weir_settings **out, const char *type,
                                  struct weir_error *error);

/*
 * Set one key; setting a key twice is WEIR_EINVAL. Key and string are copied. A string may hold
 * any byte but NUL. WEIR_ELIMIT past the limits above. Integers are accepted where a driver asks
 * for seconds.
 */
WEIR_EXPORT int weir_settings_set_string(struct weir_settings *settings, const char *key,
                                         const char *value, struct weir_error *error);
WEIR_EXPORT int weir_settings_set_integer(struct weir_settings *settings, const char *key,
                                          int64_t value, struct weir_error *error);
WEIR_EXPORT int weir_settings_set_seconds(struct weir_settings *settings, const char *key,
                                          double value, struct weir_error *error);
WEIR_EXPORT int weir_settings_set_boolean(struct weir_settings *settings, const char *key,
                                          bool value, struct weir_error *error);
/* JSON text; not parsed here. Bounded like a string. */
WEIR_EXPORT int weir_settings_set_json(struct weir_settings *settings, const char *key,
                                       const char *text, struct weir_error *error);

/*
 * Check against the keys of the pool and of the driver, in both kind and bounds, and with the
 * driver's own validate. The error's key names the setting at fault; an unknown key's detail
 * names the nearest known one. change_set does this too.
 */
WEIR_EXPORT int weir_settings_check(const struct weir_settings *settings,
                                    const struct weir_driver *driver, struct weir_error *error);

/* The same check against one table only: the options of a sink, say. */
WEIR_EXPORT int weir_settings_check_options(const struct weir_settings *settings,
                                            const struct weir_setting *table,
                                            struct weir_error *error);

/* Look up a value; the fallback is returned when the key is not set. Strings are borrowed. */
WEIR_EXPORT const char *weir_settings_type(const struct weir_settings *settings);
WEIR_EXPORT bool weir_settings_has(const struct weir_settings *settings, const char *key);
WEIR_EXPORT const char *weir_settings_string(const struct weir_settings *settings, const char *key,
                                             const char *fallback);
WEIR_EXPORT int64_t weir_settings_integer(const struct weir_settings *settings, const char *key,
                                          int64_t fallback);
WEIR_EXPORT double weir_settings_seconds(const struct weir_settings *settings, const char *key,
                                         double fallback);
WEIR_EXPORT bool weir_settings_boolean(const struct weir_settings *settings, const char *key,
                                       bool fallback);

WEIR_EXPORT const char *weir_settings_json(const struct weir_settings *settings, const char *key);

/* The same key values (type included)? Compared byte for byte, whatever the order they came in. */
WEIR_EXPORT bool weir_settings_equal(const struct weir_settings *a, const struct weir_settings *b);

/* Counted references. The last unref wipes and frees; *settings becomes NULL. NULL is accepted. */
WEIR_EXPORT struct weir_settings *weir_settings_ref(struct weir_settings *settings);
WEIR_EXPORT void weir_settings_unref(struct weir_settings **settings);

/* The keys that every connection has, whatever its driver (pool_min_size ...). */
WEIR_EXPORT const struct weir_setting *weir_pool_settings(void);

#ifdef __cplusplus
}
#endif

#endif
