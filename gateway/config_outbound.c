/* SPDX-License-Identifier: MIT */
/*
 * Owns: "outbound" of server.json, and its way into the settings of every connection.
 * Never does: judge an address; drivers do, when they have one (base/outbound.c). Lock: none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"

/* What a driver must know to be held to it. */
static const char *const keys[] = {"allow_addresses", "deny_addresses", "allow_unix"};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

/* ---- Reading --------------------------------------------------------------------------------- */

/* Adds to the list, in which spaces stand between the entries. */
static bool append(char **list, const char *entry)
{
    size_t len = *list == NULL ? 0 : strlen(*list), more = strlen(entry);
    char *grown = realloc(*list, len + more + 2);

    if (grown == NULL)
        return false;
    if (len > 0)
        grown[len++] = ' ';
    memcpy(grown + len, entry, more + 1);
    *list = grown;
    return true;
}

static void read_entry(char **list, struct networks *seen, const struct source *source,
                       const json_t *value, const char *pointer, const char *key)
{
    struct weir_error error;
    char *entry = source_string(source, value, pointer, key);

    if (entry == NULL)
        return;
    if (networks_add(seen, entry, &error) != 0)
        source_problem(source, pointer, key, "%s", error.detail);
    else if (!append(list, entry))
        source_problem(source, pointer, key, "out of memory");
    free(entry);
}

static void read_list(char **list, const struct source *source, const json_t *object,
                      const char *key)
{
    const json_t *array = json_object_get(object, key);
    char base[SOURCE_POINTER_MAX], pointer[SOURCE_POINTER_MAX], number[24];
    struct networks seen = {.count = 0};

    if (array == NULL)
        return;
    source_pointer(base, "/outbound", key);
    if (!json_is_array(array))
        source_problem(source, base, key, "must be an array of addresses and networks");
    for (size_t i = 0; i < json_array_size(array) && i <= ADDRESS_NETWORKS_MAX; i++) {
        snprintf(number, sizeof(number), "%zu", i);
        source_pointer(pointer, base, number);
        read_entry(list, &seen, source, json_array_get(array, i), pointer, key);
    }
    networks_fini(&seen);
}

void config_read_outbound(struct config_outbound *outbound, const struct source *source)
{
    static const char *const known[] = {"allow", "deny", "unix", NULL};
    const json_t *object = json_object_get(source->root, "outbound");
    const json_t *allow = json_object_get(object, "allow");
    const json_t *local = json_object_get(object, "unix");

    if (object == NULL)
        return;
    if (!json_is_object(object)) {
        source_problem(source, "/outbound", "outbound", "must be an object");
        return;
    }
    source_check_keys(source, object, "/outbound", known);
    read_list(&outbound->allow, source, object, "allow");
    read_list(&outbound->deny, source, object, "deny");
    if (json_is_array(allow) && json_array_size(allow) == 0)
        source_problem(source, "/outbound/allow", "allow",
                       "must not be empty: without it everything is allowed but what deny holds");
    if (local != NULL && !json_is_boolean(local))
        source_problem(source, "/outbound/unix", "unix", "must be true or false");
    outbound->unix_given = local != NULL;
    outbound->unix_sockets = json_is_true(local);
}

void config_free_outbound(struct config_outbound *outbound)
{
    free(outbound->allow);
    free(outbound->deny);
}

/* ---- Applying -------------------------------------------------------------------------------- */

bool config_refuse_outbound(const struct source *source, const json_t *entry, const char *base)
{
    char pointer[SOURCE_POINTER_MAX];
    bool good = true;

    for (size_t i = 0; i < KEYS; i++) {
        if (json_object_get(entry, keys[i]) == NULL)
            continue;
        source_pointer(pointer, base, keys[i]);
        source_problem(source, pointer, keys[i],
                       "%s is not for connections.json: server.json says in outbound what may be "
                       "connected to",
                       keys[i]);
        good = false;
    }
    return good;
}

static bool knows(const struct weir_driver *driver, const char *key)
{
    return config_find_setting(driver->settings, key) != NULL;
}

static bool is_given(const struct config_outbound *outbound)
{
    return outbound->allow != NULL || outbound->deny != NULL || outbound->unix_given;
}

int config_apply_outbound(const struct config_outbound *outbound, const struct weir_driver *driver,
                          struct weir_settings *settings, struct weir_error *error)
{
    int status = 0;

    if (!is_given(outbound) || !knows(driver, "host"))
        return 0;
    for (size_t i = 0; i < KEYS; i++)
        if (!knows(driver, keys[i]))
            return weir_fail_key(error, WEIR_EINVAL, "type",
                                 "%s cannot be held to outbound of server.json: its driver does "
                                 "not know %s",
                                 driver->name, keys[i]);
    if (outbound->allow != NULL)
        status = weir_settings_set_string(settings, keys[0], outbound->allow, error);
    if (status == 0 && outbound->deny != NULL)
        status = weir_settings_set_string(settings, keys[1], outbound->deny, error);
    if (status == 0 && outbound->unix_given)
        status = weir_settings_set_boolean(settings, keys[2], outbound->unix_sockets, error);
    return status;
}
