/* SPDX-License-Identifier: MIT */
/*
 * Owns: the strict reading of a check's configuration. Never does: know a check. Lock: none.
 */
#include "object.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define KNOWN_MAX 64

int object_check_keys(const json_t *object, const char *const *known, struct weir_error *error)
{
    const char *names[KNOWN_MAX], *key;
    size_t count = 0;
    json_t *value;

    for (; known[count] != NULL && count < KNOWN_MAX; count++)
        names[count] = known[count];
    json_object_foreach((json_t *)object, key, value)
    {
        size_t i = 0;
        while (i < count && strcmp(names[i], key) != 0)
            i++;
        if (i < count || strcmp(key, "type") == 0)
            continue;
        const char *nearest = text_nearest(key, names, count);
        if (nearest != NULL)
            return weir_fail_key(error, WEIR_EINVAL, key, "unknown key; did you mean %s?", nearest);
        return weir_fail_key(error, WEIR_EINVAL, key, "unknown key");
    }
    return 0;
}

static int check_text(const json_t *value, const char *key, struct weir_error *error)
{
    size_t len = json_string_length(value);

    if (!json_is_string(value))
        return weir_fail_key(error, WEIR_EINVAL, key, "must be a string");
    if (len == 0 || len > OBJECT_TEXT_MAX || strlen(json_string_value(value)) != len)
        return weir_fail_key(error, WEIR_EINVAL, key, "must have 1 to %d bytes, none of them NUL",
                             OBJECT_TEXT_MAX);
    return 0;
}

int object_text(const json_t *object, const char *key, const char *fallback, bool required,
                const char **out, struct weir_error *error)
{
    const json_t *value = json_object_get(object, key);

    *out = fallback;
    if (value == NULL)
        return required ? weir_fail_key(error, WEIR_EINVAL, key, "is required") : 0;
    int status = check_text(value, key, error);
    if (status == 0)
        *out = json_string_value(value);
    return status;
}

int object_seconds(const json_t *object, const char *key, double fallback, double max, double *out,
                   struct weir_error *error)
{
    const json_t *value = json_object_get(object, key);

    *out = value == NULL ? fallback : json_number_value(value);
    if (value == NULL || (json_is_number(value) && isfinite(*out) && *out >= 0 && *out <= max))
        return 0;
    return weir_fail_key(error, WEIR_EINVAL, key, "must be a number of seconds from 0 to %.0f",
                         max);
}

int object_boolean(const json_t *object, const char *key, bool fallback, bool *out,
                   struct weir_error *error)
{
    const json_t *value = json_object_get(object, key);

    *out = value == NULL ? fallback : json_is_true(value);
    if (value == NULL || json_is_boolean(value))
        return 0;
    return weir_fail_key(error, WEIR_EINVAL, key, "must be true or false");
}

int object_header_name(const json_t *object, const char *key, const char *fallback, char **out,
                       struct weir_error *error)
{
    const char *text;
    int status = object_text(object, key, fallback, fallback == NULL, &text, error);

    *out = NULL;
    if (status != 0)
        return status;
    char *name = strdup(text);
    if (name == NULL)
        return weir_fail_key(error, WEIR_ENOMEM, key, "out of memory");
    for (char *at = name; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at | 0x20);
    if (!text_is_token(name)) {
        free(name);
        return weir_fail_key(error, WEIR_EINVAL, key, "must be the name of an HTTP header");
    }
    *out = name;
    return 0;
}

int object_each_text(const json_t *object, const char *key, size_t max,
                     int (*each)(void *context, const char *text, struct weir_error *error),
                     void *context, struct weir_error *error)
{
    const json_t *value = json_object_get(object, key);
    size_t count = json_is_array(value) ? json_array_size(value) : 1;
    int status = 0;

    if (value == NULL)
        return 0;
    if (count == 0 || count > max)
        return weir_fail_key(error, WEIR_EINVAL, key, "must have 1 to %zu entries", max);
    for (size_t i = 0; i < count && status == 0; i++) {
        const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
        status = check_text(one, key, error);
        if (status == 0)
            status = each(context, json_string_value(one), error);
    }
    if (status != 0 && error != NULL && error->key[0] == '\0')
        status = weir_fail_key(error, status, key, "%s", error->detail);
    return status;
}
