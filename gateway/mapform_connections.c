/* SPDX-License-Identifier: MIT */
/*
 * Owns: the names that connections.json has beside the map form, as weir's.
 * Never does: check a value (the drivers' tables do). Lock: none.
 */
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "config_parts.h"
#include "mapform_parts.h"

static const char *type_of(const json_t *entry)
{
    const json_t *value = json_object_get(entry, "type");
    const char *type = json_is_string(value) ? json_string_value(value) : "";

    if (strcmp(type, "redis-rq") == 0 || strcmp(type, "redis-publish") == 0)
        return "redis";
    const struct weir_driver *driver = backends_driver(type);
    return driver == NULL ? type : driver->name; /* "postgres" is "postgresql" */
}

static const struct rename {
    const char *type, *key, *name;
} renames[] = {{"redis", "db", "database"},
               {"rabbitmq", "pass", "password"},
               {"postgresql", "ssl_ca_cert", "sslrootcert"},
               {"postgresql", "ssl_cert", "sslcert"},
               {"postgresql", "ssl_key", "sslkey"},
               {"mysql", "ssl_ca_cert", "ssl_ca"}};

static const char *name_of(const char *type, const char *key)
{
    for (size_t i = 0; i < sizeof(renames) / sizeof(renames[0]); i++)
        if (strcmp(renames[i].type, type) == 0 && strcmp(renames[i].key, key) == 0)
            return renames[i].name;
    return key;
}

/* An empty one, from a variable's default, is none. */
static bool is_nothing(const json_t *value, const char *key)
{
    char *text = mapform_expand(value);
    bool nothing =
        json_is_null(value) || (text != NULL && text[0] == '\0' && strncmp(key, "ssl_", 4) == 0);

    free(text);
    return nothing;
}

/* Is there an authority to check the server's certificate by? */
static bool has_authority(const json_t *entry)
{
    const json_t *value = json_object_get(entry, "ssl_ca_cert");

    return value != NULL && !is_nothing(value, "ssl_ca_cert");
}

/* "ssl": true or false, in the words of the client library. */
static void map_ssl(struct mapping *mapping, const json_t *entry, const char *type)
{
    bool mysql = strcmp(type, "mysql") == 0;
    const json_t *value = json_object_get(entry, "ssl");
    bool on = json_is_true(value);
    const char *mode = !on                     ? mysql ? "disabled" : "disable"
                       : !has_authority(entry) ? mysql ? "required" : "require"
                       : mysql                 ? "verify_identity"
                                               : "verify-full";

    if (!json_is_boolean(value))
        mapform_problem(mapping, mapping->from, "ssl", "must be true or false");
    mapform_set(mapping, mapping->made, mapping->to, mysql ? "ssl_mode" : "sslmode",
                json_string(mode), mapping->from, "ssl");
}

/* May it be there? Of what is nothing no reader would say so. */
static bool is_known(const char *type, const char *key)
{
    const struct weir_driver *driver = backends_driver(type);

    return strcmp(key, "ssl") == 0 || strcmp(key, "type") == 0 ||
           config_find_setting(weir_pool_settings(), key) != NULL ||
           (driver != NULL && config_find_setting(driver->settings, name_of(type, key)) != NULL);
}

void mapform_connection(struct mapping *mapping, const json_t *entry)
{
    const char *type = type_of(entry), *key;
    json_t *value;

    json_object_foreach((json_t *)entry, key, value)
    {
        bool sql = strcmp(type, "postgresql") == 0 || strcmp(type, "mysql") == 0;
        if (strcmp(key, "type") == 0 && json_is_string(value))
            mapform_set(mapping, mapping->made, mapping->to, key, json_string(type), mapping->from,
                        key);
        else if (is_nothing(value, key) && is_known(type, key))
            mapform_note(mapping, mapping->from, key);
        else if (sql && strcmp(key, "ssl") == 0)
            map_ssl(mapping, entry, type);
        else
            mapform_move(mapping, mapping->made, mapping->to, name_of(type, key), value,
                         mapping->from, key);
    }
}
