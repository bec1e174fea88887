/* SPDX-License-Identifier: MIT */
/*
 * Owns: connections.json: names, types, settings.
 * Never does: know a backend's keys; the driver's table and validate do. Lock: none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "clock.h"
#include "config_parts.h"
#include "config_secret.h"
#include "text.h"
#include "vault.h"
#include "wipe.h"

static void unknown_type(const struct source *source, const char *pointer, const char *type)
{
    const struct weir_driver *drivers[BACKENDS_MAX];
    const char *names[BACKENDS_MAX];
    size_t count = backends_all(drivers);

    for (size_t i = 0; i < count; i++)
        names[i] = drivers[i]->name;
    source_unknown(source, pointer, "type", "backend", type, names, count);
}

static const struct weir_driver *read_type(const struct source *source, const json_t *entry,
                                           const char *base)
{
    char pointer[SOURCE_POINTER_MAX];
    const json_t *value = json_object_get(entry, "type");

    if (value == NULL) {
        source_problem(source, base, "type", "type is required");
        return NULL;
    }
    source_pointer(pointer, base, "type");
    char *type = source_string(source, value, pointer, "type");
    if (type == NULL)
        return NULL;
    const struct weir_driver *driver = backends_driver(type);
    if (driver == NULL)
        unknown_type(source, pointer, type);
    free(type);
    return driver;
}

static int set_json(struct weir_settings *settings, const char *key, const json_t *value,
                    struct weir_error *error)
{
    char *text = json_dumps(value, JSON_COMPACT);

    if (text == NULL)
        return weir_fail_key(error, WEIR_ENOMEM, key, "out of memory");
    int status = weir_settings_set_json(settings, key, text, error);
    wipe_free_string(text);
    return status;
}

const struct weir_setting *config_find_setting(const struct weir_setting *table, const char *key)
{
    for (; table != NULL && table->name != NULL; table++)
        if (strcmp(table->name, key) == 0)
            return table;
    return NULL;
}

static bool is_secret(const struct weir_setting *table, const char *key)
{
    const struct weir_setting *setting = config_find_setting(table, key);

    return setting != NULL && (setting->flags & WEIR_SETTING_SECRET);
}

static int set_secret(struct weir_settings *settings, const struct source *source, const char *key,
                      const json_t *value, const char *pointer, struct weir_error *error)
{
    char *text = config_secret_string(source, value, pointer, key);

    if (text == NULL)
        return WEIR_ECANCELED; /* the problem has been added */
    int status = weir_settings_set_string(settings, key, text, error);
    vault_free_string(text);
    return status;
}

/* What the key wants; a string if it is not known. */
static enum weir_setting_kind kind_of(const struct weir_setting *table, const char *key)
{
    const struct weir_setting *setting = config_find_setting(table, key);

    if (strcmp(key, "pool_min_size") == 0 || strcmp(key, "pool_max_size") == 0)
        return WEIR_SETTING_INTEGER;
    return setting == NULL ? WEIR_SETTING_STRING : setting->kind;
}

/* A variable can only be written as a string; it may stand for what the key wants instead. */
static int set_text(struct weir_settings *settings, enum weir_setting_kind kind, const char *key,
                    const json_t *value, const char *text, struct weir_error *error)
{
    json_t *meant = NULL;
    int status;

    if (kind != WEIR_SETTING_STRING && strstr(json_string_value(value), "{$") != NULL)
        meant = json_loads(text, JSON_DECODE_ANY, NULL);
    if (kind == WEIR_SETTING_INTEGER && json_is_integer(meant))
        status = weir_settings_set_integer(settings, key, json_integer_value(meant), error);
    else if (kind == WEIR_SETTING_SECONDS && json_is_number(meant))
        status = weir_settings_set_seconds(settings, key, json_number_value(meant), error);
    else if (kind == WEIR_SETTING_BOOLEAN && json_is_boolean(meant))
        status = weir_settings_set_boolean(settings, key, json_is_true(meant), error);
    else
        status = weir_settings_set_string(settings, key, text, error);
    json_decref(meant);
    return status;
}

static int set_value(struct weir_settings *settings, const struct weir_setting *table,
                     const struct source *source, const char *key, const json_t *value,
                     const char *pointer, struct weir_error *error)
{
    if (is_secret(table, key) && config_is_reference(value))
        return set_secret(settings, source, key, value, pointer, error);
    if (json_is_integer(value))
        return weir_settings_set_integer(settings, key, json_integer_value(value), error);
    if (json_is_real(value))
        return weir_settings_set_seconds(settings, key, json_real_value(value), error);
    if (json_is_boolean(value))
        return weir_settings_set_boolean(settings, key, json_is_true(value), error);
    if (json_is_object(value) || json_is_array(value))
        return set_json(settings, key, value, error);
    if (!json_is_string(value))
        return weir_fail_key(error, WEIR_EINVAL, key, "must be a string, a number, true or false");
    char *text = source_string(source, value, pointer, key);
    if (text == NULL)
        return WEIR_ECANCELED; /* the problem has been added */
    int status = set_text(settings, kind_of(table, key), key, value, text, error);
    wipe_free_string(text);
    return status;
}

bool config_set_values(struct weir_settings *settings, const struct weir_setting *table,
                       const struct source *source, const json_t *object, const char *base,
                       const char *const *skip)
{
    struct weir_error error;
    char pointer[SOURCE_POINTER_MAX];
    const char *key;
    json_t *value;
    bool good = true;

    json_object_foreach((json_t *)object, key, value)
    {
        const char *const *at = skip;
        while (*at != NULL && strcmp(*at, key) != 0)
            at++;
        if (*at != NULL)
            continue;
        source_pointer(pointer, base, key);
        int status = set_value(settings, table, source, key, value, pointer, &error);
        if (status != 0 && status != WEIR_ECANCELED)
            source_problem(source, pointer, key, "%s", error.detail);
        good = good && status == 0;
    }
    return good;
}

void config_settings_problem(const struct source *source, const json_t *object, const char *base,
                             const struct weir_error *error)
{
    char pointer[SOURCE_POINTER_MAX];

    if (error->key[0] != '\0' && json_object_get(object, error->key) != NULL)
        source_pointer(pointer, base, error->key);
    else
        snprintf(pointer, sizeof(pointer), "%s", base);
    source_problem(source, pointer, error->key, "%s%s%s", error->key,
                   error->key[0] == '\0' ? "" : " ", error->detail);
}

static int64_t span_of(const struct weir_settings *settings, const char *key, double fallback)
{
    return clock_from_seconds(weir_settings_seconds(settings, key, fallback));
}

/* Takes settings. */
static void fill(struct config_connection *connection, const struct weir_driver *driver,
                 struct weir_settings *settings)
{
    connection->driver = driver;
    connection->settings = settings;
    connection->max_size =
        (unsigned)weir_settings_integer(settings, "pool_max_size", driver->max_size);
    connection->acquisition_timeout = span_of(settings, "acquisition_timeout", 5);
    connection->operation_timeout = span_of(settings, "operation_timeout", 20);
    connection->connect_timeout = span_of(settings, "connect_timeout", 5);
}

static bool check_name(const struct source *source, const char *pointer, const char *name)
{
    size_t len = strlen(name);

    if (len > 0 && len <= WEIR_NAME_MAX && text_printable(name, len))
        return true;
    source_problem(source, pointer, NULL, "a connection's name has 1 to %d bytes of printable text",
                   WEIR_NAME_MAX);
    return false;
}

static bool read_one(struct config_connection *connection, const struct config_outbound *outbound,
                     const struct source *source, const char *name, const json_t *entry)
{
    static const char *const skip[] = {"type", NULL};
    char base[SOURCE_POINTER_MAX];
    struct weir_settings *settings;
    struct weir_error error;

    source_pointer(base, "", name);
    if (!check_name(source, base, name))
        return false;
    if (!json_is_object(entry)) {
        source_problem(source, base, NULL, "must be an object");
        return false;
    }
    const struct weir_driver *driver = read_type(source, entry, base);
    if (driver == NULL)
        return false;
    if (weir_settings_new(&settings, driver->name, &error) != 0) {
        source_problem(source, base, NULL, "%s", error.detail);
        return false;
    }
    bool good = config_refuse_outbound(source, entry, base) &&
                config_set_values(settings, driver->settings, source, entry, base, skip);
    if (good && (config_apply_outbound(outbound, driver, settings, &error) != 0 ||
                 weir_settings_check(settings, driver, &error) != 0)) {
        config_settings_problem(source, entry, base, &error);
        good = false;
    }
    connection->name = good ? strdup(name) : NULL;
    if (good && connection->name == NULL)
        source_problem(source, base, NULL, "out of memory");
    if (connection->name == NULL) {
        weir_settings_unref(&settings);
        return false;
    }
    fill(connection, driver, settings);
    return true;
}

/* Without memory its modules have a problem more. */
static void mark_unread(struct config *config, const char *name)
{
    if (config->unread == NULL)
        config->unread = json_object();
    json_object_set_new(config->unread, name, json_true());
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct config_connection *)a)->name,
                  ((const struct config_connection *)b)->name);
}

void config_read_connections(struct config *config, const struct source *source)
{
    size_t count = json_object_size(source->root);
    const char *name;
    json_t *entry;

    if (count > CONFIG_CONNECTIONS_MAX) {
        source_problem(source, "", NULL, "more than %d connections", CONFIG_CONNECTIONS_MAX);
        return;
    }
    config->connections = calloc(count + 1, sizeof(*config->connections));
    if (config->connections == NULL) {
        source_problem(source, "", NULL, "out of memory");
        return;
    }
    json_object_foreach(source->root, name, entry)
    {
        if (read_one(&config->connections[config->connections_count], &config->server.outbound,
                     source, name, entry))
            config->connections_count++;
        else
            mark_unread(config, name);
    }
    qsort(config->connections, config->connections_count, sizeof(*config->connections), by_name);
}

void config_free_connections(struct config *config)
{
    for (size_t i = 0; i < config->connections_count; i++) {
        free(config->connections[i].name);
        weir_settings_unref(&config->connections[i].settings);
    }
    free(config->connections);
    json_decref(config->unread);
}
