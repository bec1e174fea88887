/* SPDX-License-Identifier: MIT */
/*
 * Owns: the settings of one connection: building, checking, comparing, counting references.
 * Never does: read files, know what a driver does with a value.
 * Lock: none; building is for one thread, afterwards settings do not change.
 */
#include "settings.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "vault.h"
#include "wipe.h"

struct value {
    char *key;
    enum weir_setting_kind kind;
    union {
        char *string;
        int64_t integer;
        double seconds;
        bool boolean;
    };
};

struct weir_settings {
    atomic_uint refs;
    char *type;
    size_t count;
    struct value values[WEIR_SETTINGS_MAX]; /* in order of key */
};

static const struct weir_setting pool_settings[] = {
    {"pool_min_size", WEIR_SETTING_INTEGER, 0, 0, WEIR_POOL_SIZE_MAX, "by driver",
     "backend connections kept open once the connection is in use"},
    {"pool_max_size", WEIR_SETTING_INTEGER, 0, 1, WEIR_POOL_SIZE_MAX, "by driver",
     "backend connections at most, over all versions"},
    {"acquisition_timeout", WEIR_SETTING_SECONDS, 0, 0, WEIR_SECONDS_MAX, "5",
     "longest wait for a backend connection"},
    {"connect_timeout", WEIR_SETTING_SECONDS, 0, 0, WEIR_SECONDS_MAX, "5",
     "longest time to open a backend connection, name resolution included"},
    {"idle_timeout", WEIR_SETTING_SECONDS, 0, 0, WEIR_SECONDS_MAX, "600",
     "idle backend connections above the minimum are closed after this"},
    {"max_lifetime", WEIR_SETTING_SECONDS, 0, 0, WEIR_SECONDS_MAX, "1800",
     "backend connections are replaced at about this age (jittered)"},
    {"keepalive_interval", WEIR_SETTING_SECONDS, 0, 0, WEIR_SECONDS_MAX, "60",
     "idle backend connections are checked this often"},
    {"operation_timeout", WEIR_SETTING_SECONDS, 0, 0, WEIR_SECONDS_MAX, "20",
     "longest time one write may take before it is interrupted"},
    {"leak_timeout", WEIR_SETTING_SECONDS, 0, 0, WEIR_SECONDS_MAX, "60",
     "a lease held for longer is reported, once"},
    {"max_waiters", WEIR_SETTING_INTEGER, 0, 0, 1000000, "10000",
     "acquires waiting in line at most; 0: none may wait"},
    {"strict", WEIR_SETTING_BOOLEAN, 0, 0, 0, "false", "no acquire ever overtakes one that waits"},
    {"breaker_after", WEIR_SETTING_SECONDS, WEIR_SETTING_OFF, 0, WEIR_SECONDS_MAX, "5",
     "acquires are refused at once when none could be opened for this long; 0: never"},
    {"shed_target", WEIR_SETTING_SECONDS, WEIR_SETTING_OFF, 0, WEIR_SECONDS_MAX, "0",
     "waits that are shorter are no sign of overload (0.05, say); 0: nothing is shed"},
    {"shed_interval", WEIR_SETTING_SECONDS, 0, 0, WEIR_SECONDS_MAX, "2",
     "overload is when no wait was shorter for this long"},
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

const struct weir_setting *weir_pool_settings(void)
{
    return pool_settings;
}

int weir_settings_new(struct weir_settings **out, const char *type, struct weir_error *error)
{
    *out = NULL;
    if (type == NULL || type[0] == '\0' || strlen(type) > WEIR_SETTING_NAME_MAX)
        return weir_fail_key(error, WEIR_EINVAL, "type", "a type has 1 to %d bytes",
                             WEIR_SETTING_NAME_MAX);
    struct weir_settings *settings = calloc(1, sizeof(*settings));
    if (settings == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    settings->type = strdup(type);
    if (settings->type == NULL) {
        free(settings);
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    }
    atomic_init(&settings->refs, 1);
    *out = settings;
    return 0;
}

/* Where `key` stands, or where it would be inserted. */
static size_t place_of(const struct weir_settings *settings, const char *key, bool *found)
{
    size_t low = 0, high = settings->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(settings->values[middle].key, key);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = false;
    return low;
}

static bool is_text(enum weir_setting_kind kind)
{
    return kind == WEIR_SETTING_STRING || kind == WEIR_SETTING_JSON;
}

/* Takes value->string, freeing it on failure. */
static int insert(struct weir_settings *settings, const char *key, struct value value,
                  struct weir_error *error)
{
    bool found;
    int status = 0;
    size_t at = place_of(settings, key, &found);

    if (key[0] == '\0' || strlen(key) > WEIR_SETTING_NAME_MAX)
        status = weir_fail_key(error, WEIR_EINVAL, key, "a key has 1 to %d bytes",
                               WEIR_SETTING_NAME_MAX);
    else if (found)
        status = weir_fail_key(error, WEIR_EINVAL, key, "is set twice");
    else if (settings->count == WEIR_SETTINGS_MAX)
        status = weir_fail_key(error, WEIR_ELIMIT, key, "more than %d keys", WEIR_SETTINGS_MAX);
    else if ((value.key = strdup(key)) == NULL)
        status = weir_fail_key(error, WEIR_ENOMEM, key, "out of memory");
    if (status != 0) {
        if (is_text(value.kind))
            vault_free_string(value.string);
        return status;
    }
    memmove(settings->values + at + 1, settings->values + at,
            (settings->count - at) * sizeof(value));
    settings->values[at] = value;
    settings->count++;
    return 0;
}

static int set_text(struct weir_settings *settings, const char *key, enum weir_setting_kind kind,
                    const char *text, struct weir_error *error)
{
    if (strlen(text) > WEIR_SETTING_STRING_MAX)
        return weir_fail_key(error, WEIR_ELIMIT, key, "is longer than %d bytes",
                             WEIR_SETTING_STRING_MAX);
    struct value value = {.kind = kind, .string = vault_copy(text, strlen(text))};
    if (value.string == NULL)
        return weir_fail_key(error, WEIR_ENOMEM, key, "out of memory");
    return insert(settings, key, value, error);
}

int weir_settings_set_string(struct weir_settings *settings, const char *key, const char *string,
                             struct weir_error *error)
{
    return set_text(settings, key, WEIR_SETTING_STRING, string, error);
}

int weir_settings_set_json(struct weir_settings *settings, const char *key, const char *text,
                           struct weir_error *error)
{
    return set_text(settings, key, WEIR_SETTING_JSON, text, error);
}

int weir_settings_set_integer(struct weir_settings *settings, const char *key, int64_t integer,
                              struct weir_error *error)
{
    struct value value = {.kind = WEIR_SETTING_INTEGER, .integer = integer};

    return insert(settings, key, value, error);
}

int weir_settings_set_seconds(struct weir_settings *settings, const char *key, double seconds,
                              struct weir_error *error)
{
    struct value value = {.kind = WEIR_SETTING_SECONDS, .seconds = seconds};

    return insert(settings, key, value, error);
}

int weir_settings_set_boolean(struct weir_settings *settings, const char *key, bool boolean,
                              struct weir_error *error)
{
    struct value value = {.kind = WEIR_SETTING_BOOLEAN, .boolean = boolean};

    return insert(settings, key, value, error);
}

/* ---- Copying -------------------------------------------------------------------------------- */

static int copy_value(struct weir_settings *to, const struct value *value)
{
    if (is_text(value->kind))
        return set_text(to, value->key, value->kind, value->string, NULL);
    return insert(to, value->key, *value, NULL);
}

struct weir_settings *settings_with_sizes(const struct weir_settings *from, unsigned min,
                                          unsigned max)
{
    struct weir_settings *settings;
    int status = weir_settings_new(&settings, from->type, NULL);

    for (size_t i = 0; i < from->count && status == 0; i++) {
        const struct value *value = &from->values[i];
        if (strcmp(value->key, "pool_min_size") != 0 && strcmp(value->key, "pool_max_size") != 0)
            status = copy_value(settings, value);
    }
    if (status == 0)
        status = weir_settings_set_integer(settings, "pool_min_size", min, NULL);
    if (status == 0)
        status = weir_settings_set_integer(settings, "pool_max_size", max, NULL);
    if (status != 0 && settings != NULL)
        weir_settings_unref(&settings);
    return settings;
}

/* ---- Checking ------------------------------------------------------------------------------- */

static const struct weir_setting *find_in(const struct weir_setting *table, const char *key)
{
    for (; table != NULL && table->name != NULL; table++)
        if (strcmp(table->name, key) == 0)
            return table;
    return NULL;
}

static size_t names_of(const struct weir_setting *table, const char **names, size_t max)
{
    size_t count = 0;

    for (; table != NULL && table->name != NULL && count < max; table++)
        names[count++] = table->name;
    return count;
}

static int fail_unknown(const struct weir_settings *settings, const struct weir_setting *table,
                        const struct weir_setting *more, const char *key, struct weir_error *error)
{
    const char *names[2 * WEIR_SETTINGS_MAX];
    size_t count = names_of(table, names, WEIR_SETTINGS_MAX);

    count += names_of(more, names + count, WEIR_SETTINGS_MAX);
    const char *nearest = text_nearest(key, names, count);
    if (nearest != NULL)
        return weir_fail_key(error, WEIR_EINVAL, key, "unknown key for type %s; did you mean %s?",
                             settings->type, nearest);
    return weir_fail_key(error, WEIR_EINVAL, key, "unknown key for type %s", settings->type);
}

static int check_bounds(const struct weir_setting *setting, double number, struct weir_error *error)
{
    bool off = (setting->flags & WEIR_SETTING_OFF) != 0;
    bool positive = setting->kind != WEIR_SETTING_SECONDS || off || number > 0;

    if (isfinite(number) && positive && number >= setting->min && number <= setting->max)
        return 0;
    if (off)
        return weir_fail_key(error, WEIR_EINVAL, setting->name,
                             "must be from 0 (off) to %g seconds", setting->max);
    if (setting->kind == WEIR_SETTING_SECONDS)
        return weir_fail_key(error, WEIR_EINVAL, setting->name,
                             "must be above 0 and at most %g seconds", setting->max);
    return weir_fail_key(error, WEIR_EINVAL, setting->name, "must be from %.0f to %.0f",
                         setting->min, setting->max);
}

static int check_value(const struct weir_setting *setting, const struct value *value,
                       struct weir_error *error)
{
    static const char *const kinds[] = {"a string", "a whole number", "a number of seconds",
                                        "true or false", "a JSON object or array"};
    bool widened = setting->kind == WEIR_SETTING_SECONDS && value->kind == WEIR_SETTING_INTEGER;

    if (value->kind != setting->kind && !widened)
        return weir_fail_key(error, WEIR_EINVAL, setting->name, "must be %s", kinds[setting->kind]);
    if (value->kind == WEIR_SETTING_INTEGER)
        return check_bounds(setting, (double)value->integer, error);
    if (value->kind == WEIR_SETTING_SECONDS)
        return check_bounds(setting, value->seconds, error);
    return 0;
}

static int check_table(const struct weir_settings *settings, const struct weir_setting *table,
                       const struct weir_setting *more, struct weir_error *error)
{
    const struct weir_setting *const tables[] = {table, more};

    for (size_t i = 0; i < settings->count; i++) {
        const struct value *value = &settings->values[i];
        const struct weir_setting *setting = find_in(table, value->key);
        if (setting == NULL)
            setting = find_in(more, value->key);
        if (setting == NULL)
            return fail_unknown(settings, table, more, value->key, error);
        int status = check_value(setting, value, error);
        if (status != 0)
            return status;
    }
    for (size_t t = 0; t < 2; t++)
        for (const struct weir_setting *at = tables[t]; at != NULL && at->name != NULL; at++)
            if ((at->flags & WEIR_SETTING_REQUIRED) && !weir_settings_has(settings, at->name))
                return weir_fail_key(error, WEIR_EINVAL, at->name, "is required for type %s",
                                     settings->type);
    return 0;
}

int weir_settings_check_options(const struct weir_settings *settings,
                                const struct weir_setting *table, struct weir_error *error)
{
    return check_table(settings, table, NULL, error);
}

int weir_settings_check(const struct weir_settings *settings, const struct weir_driver *driver,
                        struct weir_error *error)
{
    int status = check_table(settings, pool_settings, driver->settings, error);

    if (status != 0)
        return status;
    int64_t min = weir_settings_integer(settings, "pool_min_size", driver->min_size);
    int64_t max = weir_settings_integer(settings, "pool_max_size", driver->max_size);
    if (!weir_settings_has(settings, "pool_min_size") && min > max)
        min = max;
    if (min > max)
        return weir_fail_key(error, WEIR_EINVAL, "pool_min_size",
                             "is %lld, above pool_max_size, which is %lld", (long long)min,
                             (long long)max);
    return driver->validate == NULL ? 0 : driver->validate(settings, error);
}

/* ---- Reading -------------------------------------------------------------------------------- */

static const struct value *find(const struct weir_settings *settings, const char *key)
{
    bool found;
    size_t at = place_of(settings, key, &found);

    return found ? &settings->values[at] : NULL;
}

const char *weir_settings_type(const struct weir_settings *settings)
{
    return settings->type;
}

bool weir_settings_has(const struct weir_settings *settings, const char *key)
{
    return find(settings, key) != NULL;
}

const char *weir_settings_string(const struct weir_settings *settings, const char *key,
                                 const char *fallback)
{
    const struct value *value = find(settings, key);

    return value != NULL && value->kind == WEIR_SETTING_STRING ? value->string : fallback;
}

const char *weir_settings_json(const struct weir_settings *settings, const char *key)
{
    const struct value *value = find(settings, key);

    return value != NULL && value->kind == WEIR_SETTING_JSON ? value->string : NULL;
}

int64_t weir_settings_integer(const struct weir_settings *settings, const char *key,
                              int64_t fallback)
{
    const struct value *value = find(settings, key);

    return value != NULL && value->kind == WEIR_SETTING_INTEGER ? value->integer : fallback;
}

double weir_settings_seconds(const struct weir_settings *settings, const char *key, double fallback)
{
    const struct value *value = find(settings, key);

    if (value == NULL)
        return fallback;
    if (value->kind == WEIR_SETTING_INTEGER)
        return (double)value->integer;
    return value->kind == WEIR_SETTING_SECONDS ? value->seconds : fallback;
}

bool weir_settings_boolean(const struct weir_settings *settings, const char *key, bool fallback)
{
    const struct value *value = find(settings, key);

    return value != NULL && value->kind == WEIR_SETTING_BOOLEAN ? value->boolean : fallback;
}

/* ---- Comparing ------------------------------------------------------------------------------ */

/* The canonical form of one value, fed byte for byte to the hash: key, kind, value. */
static void hash_value(struct sha256 *hash, const struct value *value)
{
    uint8_t kind = (uint8_t)value->kind;

    sha256_update(hash, value->key, strlen(value->key) + 1);
    sha256_update(hash, &kind, sizeof(kind));
    switch (value->kind) {
    case WEIR_SETTING_JSON:
    case WEIR_SETTING_STRING: sha256_update(hash, value->string, strlen(value->string) + 1); break;
    case WEIR_SETTING_INTEGER: sha256_update(hash, &value->integer, sizeof(value->integer)); break;
    case WEIR_SETTING_SECONDS: sha256_update(hash, &value->seconds, sizeof(value->seconds)); break;
    case WEIR_SETTING_BOOLEAN: sha256_update(hash, &value->boolean, sizeof(value->boolean)); break;
    }
}

void settings_hash(const struct weir_settings *settings, const uint8_t *key, size_t key_len,
                   uint8_t digest[SHA256_LEN])
{
    struct sha256 hash;

    sha256_init(&hash);
    sha256_update(&hash, key, key_len);
    sha256_update(&hash, settings->type, strlen(settings->type) + 1);
    for (size_t i = 0; i < settings->count; i++)
        hash_value(&hash, &settings->values[i]);
    sha256_final(&hash, digest);
}

static bool same_value(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind || strcmp(a->key, b->key) != 0)
        return false;
    switch (a->kind) {
    case WEIR_SETTING_JSON:
    case WEIR_SETTING_STRING: return strcmp(a->string, b->string) == 0;
    case WEIR_SETTING_INTEGER: return a->integer == b->integer;
    case WEIR_SETTING_SECONDS: return memcmp(&a->seconds, &b->seconds, sizeof(a->seconds)) == 0;
    case WEIR_SETTING_BOOLEAN: return a->boolean == b->boolean;
    }
    return false;
}

bool weir_settings_equal(const struct weir_settings *a, const struct weir_settings *b)
{
    if (a->count != b->count || strcmp(a->type, b->type) != 0)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!same_value(&a->values[i], &b->values[i]))
            return false;
    return true;
}

static bool is_pool_key(const struct value *value)
{
    return find_in(pool_settings, value->key) != NULL;
}

bool settings_same_kin(const struct weir_settings *a, const struct weir_settings *b)
{
    size_t i = 0, j = 0;

    if (strcmp(a->type, b->type) != 0)
        return false;
    for (;;) {
        while (i < a->count && is_pool_key(&a->values[i]))
            i++;
        while (j < b->count && is_pool_key(&b->values[j]))
            j++;
        if (i == a->count || j == b->count)
            return i == a->count && j == b->count;
        if (!same_value(&a->values[i++], &b->values[j++]))
            return false;
    }
}

/* ---- References ----------------------------------------------------------------------------- */

struct weir_settings *weir_settings_ref(struct weir_settings *settings)
{
    atomic_fetch_add_explicit(&settings->refs, 1, memory_order_relaxed);
    return settings;
}

void weir_settings_unref(struct weir_settings **at)
{
    struct weir_settings *settings = *at;

    *at = NULL;
    if (settings == NULL ||
        atomic_fetch_sub_explicit(&settings->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < settings->count; i++) {
        if (is_text(settings->values[i].kind))
            vault_free_string(settings->values[i].string);
        free(settings->values[i].key);
    }
    free(settings->type);
    wipe(settings, sizeof(*settings));
    free(settings);
}
