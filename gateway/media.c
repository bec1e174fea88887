/* SPDX-License-Identifier: MIT */
/*
 * Owns: reading Content-Type and Content-Encoding (RFC 9110, 8.3 and 8.4).
 * Never does: guess from the body.
 * Lock: none.
 */
#include "media.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t"

static bool is(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && strncasecmp(text, word, len) == 0;
}

static bool is_json_type(const char *type, size_t len)
{
    static const char family[] = "application/", suffix[] = "+json";
    size_t family_len = sizeof(family) - 1, suffix_len = sizeof(suffix) - 1;

    if (is(type, len, "application/json"))
        return true;
    return len > family_len + suffix_len && strncasecmp(type, family, family_len) == 0 &&
           strncasecmp(type + len - suffix_len, suffix, suffix_len) == 0;
}

static bool is_form_type(const char *type, size_t len)
{
    return is(type, len, "application/x-www-form-urlencoded");
}

/* Length without the blanks at its end. */
static size_t trimmed(const char *text, size_t len)
{
    while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL)
        len--;
    return len;
}

/* One "name=value" or "name="value""; only charset matters. */
static bool is_acceptable(const char *parameter, size_t len)
{
    const char *equals = memchr(parameter, '=', len);

    if (equals == NULL ||
        !is(parameter, trimmed(parameter, (size_t)(equals - parameter)), "charset"))
        return true;
    const char *value = equals + 1;
    size_t value_len = len - (size_t)(value - parameter);
    if (value_len >= 2 && value[0] == '"' && value[value_len - 1] == '"') {
        value++;
        value_len -= 2;
    }
    return is(value, value_len, "utf-8") || is(value, value_len, "utf8");
}

/* Up to the next ; that does not stand between quotes (RFC 9110, 5.6.4). */
static size_t parameter_len(const char *text)
{
    const char *at = text;
    bool quoted = false;

    for (; *at != '\0' && (quoted || *at != ';'); at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (quoted && *at == '\\' && at[1] != '\0')
            at++;
    }
    return (size_t)(at - text);
}

static bool is_of(const char *content_type, bool (*is_type)(const char *type, size_t len))
{
    size_t len = strcspn(content_type, ";");

    if (!is_type(content_type, trimmed(content_type, len)))
        return false;
    for (const char *at = content_type + len; *at == ';'; at += len) {
        at++;
        at += strspn(at, BLANKS);
        len = parameter_len(at);
        if (!is_acceptable(at, trimmed(at, len)))
            return false;
    }
    return true;
}

bool media_is_json(const char *content_type)
{
    return content_type == NULL || is_of(content_type, is_json_type);
}

bool media_is_form(const char *content_type)
{
    return content_type != NULL && is_of(content_type, is_form_type);
}

enum media_coding media_coding(const char *content_encoding)
{
    if (content_encoding == NULL || strcasecmp(content_encoding, "identity") == 0)
        return MEDIA_PLAIN;
    if (strcasecmp(content_encoding, "gzip") == 0 || strcasecmp(content_encoding, "x-gzip") == 0)
        return MEDIA_GZIP;
    return MEDIA_UNKNOWN;
}
