/* SPDX-License-Identifier: MIT */
/*
 * Owns: cutting values out of a JSON text. Never does: write any of its other bytes anew; go deeper
 * than json_check let the text be.
 * Lock: none.
 */
#include "redact.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

#define REDACT_LEN (sizeof(REDACT_TEXT) - 1)

static char *lower(const char *text)
{
    char *copy = strdup(text);

    for (char *at = copy; at != NULL && *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at | 0x20);
    return copy;
}

/* A field name of HTTP (RFC 9110, 5.6.2), in lower case. */
static int add_header(struct redact *redact, const char *name, struct weir_error *error)
{
    if (redact->headers_count == REDACT_HEADERS_MAX)
        return weir_fail(error, WEIR_ELIMIT, "is one of more than %d headers", REDACT_HEADERS_MAX);
    char **headers = realloc(redact->headers, (redact->headers_count + 1) * sizeof(*headers));
    if (headers != NULL)
        redact->headers = headers;
    char *copy = headers == NULL ? NULL : lower(name);
    if (copy == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    if (!text_is_token(copy)) {
        free(copy);
        return weir_fail(error, WEIR_EINVAL,
                         "must be a JSON pointer, which begins with /, or the name of a header");
    }
    redact->headers[redact->headers_count++] = copy;
    return 0;
}

int redact_add(struct redact *redact, const char *what, struct weir_error *error)
{
    return what[0] == '/' ? places_add(&redact->places, what, error)
                          : add_header(redact, what, error);
}

int redact_add_key(struct redact *redact, const char *key, struct weir_error *error)
{
    if (key[0] == '\0' || strlen(key) > REDACT_KEY_MAX)
        return weir_fail(error, WEIR_EINVAL, "must be a key of 1 to %d bytes", REDACT_KEY_MAX);
    if (redact->keys_count == REDACT_KEYS_MAX)
        return weir_fail(error, WEIR_ELIMIT, "is one of more than %d keys", REDACT_KEYS_MAX);
    char **keys = realloc(redact->keys, (redact->keys_count + 1) * sizeof(*keys));
    if (keys != NULL)
        redact->keys = keys;
    char *copy = keys == NULL ? NULL : lower(key);
    if (copy == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    redact->keys[redact->keys_count++] = copy;
    return 0;
}

/* ---- Credentials ----------------------------------------------------------------------------- */

/* What usually is one. */
static const char *const credentials[] = {
    "password",       "passwd",        "pwd",          "secret",          "token",
    "api_key",        "apikey",        "access_token", "refresh_token",   "authorization",
    "auth",           "credential",    "credentials",  "private_key",     "privatekey",
    "api_secret",     "client_secret", "bearer",       "x-api-key",       "x-auth-token",
    "x-access-token", "session_id",    "sessionid",    "session_token",   "csrf_token",
    "csrf",           "oauth_token",   "oauth_secret", "consumer_secret", "token_secret"};

/* What is named after one holds one of these. */
static const char *const words[] = {"password", "secret", "token", "key", "credential", "auth"};

#define CREDENTIALS (sizeof(credentials) / sizeof(credentials[0]))
#define WORDS       (sizeof(words) / sizeof(words[0]))

int redact_add_credentials(struct redact *redact, struct weir_error *error)
{
    static const char *const headers[] = {"x-api-key", "x-auth-token", "x-access-token", "bearer"};
    int status = 0;

    for (size_t i = 0; i < CREDENTIALS && status == 0; i++)
        status = redact_add_key(redact, credentials[i], error);
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]) && status == 0; i++)
        status = add_header(redact, headers[i], error);
    return status;
}

void redact_add_words(struct redact *redact)
{
    redact->words = true;
}

static bool is_named_header(const char *name)
{
    for (size_t i = 0; i < WORDS; i++)
        if (strstr(name, words[i]) != NULL)
            return true;
    for (size_t i = 0; i < CREDENTIALS; i++)
        if (strcmp(name, credentials[i]) == 0)
            return true;
    return false;
}

void redact_fini(struct redact *redact)
{
    places_fini(&redact->places);
    for (size_t i = 0; i < redact->keys_count; i++)
        free(redact->keys[i]);
    free(redact->keys);
    redact->keys = NULL;
    redact->keys_count = 0;
    for (size_t i = 0; i < redact->headers_count; i++)
        free(redact->headers[i]);
    free(redact->headers);
    redact->headers = NULL;
    redact->headers_count = 0;
}

bool redact_has_header(const struct redact *redact, const char *name)
{
    for (size_t i = 0; i < redact->headers_count; i++)
        if (strcmp(redact->headers[i], name) == 0)
            return true;
    return redact->words && is_named_header(name);
}

/* ---- Bodies: measured first, then written ------------------------------------------------------
 */

struct cutting {
    const char *from; /* what comes next that is not written yet */
    char *to;         /* NULL while it is measured */
    size_t size;
    bool found;
};

static void put(struct cutting *cutting, const char *bytes, size_t len)
{
    if (cutting->to != NULL)
        memcpy(cutting->to + cutting->size, bytes, len);
    cutting->size += len;
}

static void cut_out(struct cutting *cutting, const char *at, size_t len)
{
    put(cutting, cutting->from, (size_t)(at - cutting->from));
    put(cutting, REDACT_TEXT, REDACT_LEN);
    cutting->from = at + len;
    cutting->found = true;
}

static bool cut_place(void *context, uint64_t through, uint64_t here, const char *at, size_t len)
{
    (void)through;
    if (here == 0)
        return true;
    cut_out(context, at, len);
    return false;
}

/* Most are told apart by their first letter, without a call. */
static bool is_key(const struct redact *redact, const char *at, size_t len)
{
    char first = at[1] >= 'A' && at[1] <= 'Z' ? (char)(at[1] | 0x20) : at[1];

    for (size_t i = 0; i < redact->keys_count; i++)
        if ((first == '\\' || first == redact->keys[i][0]) &&
            places_string_is_caseless(at, len, redact->keys[i], strlen(redact->keys[i])))
            return true;
    return false;
}

/* The members of an object, or the items of an array, whose closing bracket is left to be read. */
static const char *cut_inside(const struct redact *redact, const char *at, const char *end,
                              bool named, struct cutting *cutting);

/* Past the value. What is named after a credential is cut out unless it has members of its own. */
static const char *cut_value(const struct redact *redact, const char *at, const char *end,
                             bool named, struct cutting *cutting)
{
    if (*at == '{' || *at == '[')
        return cut_inside(redact, at, end, named, cutting) + 1;
    const char *value_end = places_skip_value(at, end);
    if (named)
        cut_out(cutting, at, (size_t)(value_end - at));
    return value_end;
}

/* Past the value of the member whose key is at `at`. */
static const char *cut_member(const struct redact *redact, const char *at, const char *end,
                              struct cutting *cutting)
{
    const char *key_end = places_skip_string(at);
    size_t key_len = (size_t)(key_end - at);
    const char *value = places_skip_blanks(places_skip_blanks(key_end, end) + 1, end);

    if (!is_key(redact, at, key_len))
        return cut_value(redact, value, end,
                         redact->words && places_string_holds_caseless(at, key_len, words, WORDS),
                         cutting);
    const char *value_end = places_skip_value(value, end);
    cut_out(cutting, value, (size_t)(value_end - value));
    return value_end;
}

static const char *cut_inside(const struct redact *redact, const char *at, const char *end,
                              bool named, struct cutting *cutting)
{
    bool object = *at == '{';

    at = places_skip_blanks(at + 1, end);
    while (*at != '}' && *at != ']') {
        at = object ? cut_member(redact, at, end, cutting)
                    : cut_value(redact, at, end, named, cutting);
        at = places_skip_blanks(at, end);
        if (*at == ',')
            at = places_skip_blanks(at + 1, end);
    }
    return at;
}

static struct cutting run(const struct redact *redact, bool keys, const char *text, size_t len,
                          char *to)
{
    struct cutting cutting = {.from = text, .to = to};

    if (keys)
        cut_value(redact, places_skip_blanks(text, text + len), text + len, false, &cutting);
    else
        places_walk(&redact->places, text, len, cut_place, &cutting);
    put(&cutting, cutting.from, (size_t)(text + len - cutting.from));
    return cutting;
}

static enum payload_verdict cut(const struct redact *redact, bool keys, const char *text,
                                size_t len, const struct purse *purse, struct payload *out)
{
    struct cutting measured = run(redact, keys, text, len, NULL);

    if (!measured.found)
        return PAYLOAD_OK;
    if (!payload_resize(out, purse, measured.size))
        return PAYLOAD_OVERLOADED;
    out->len = run(redact, keys, text, len, out->bytes).size;
    return PAYLOAD_OK;
}

enum payload_verdict redact_body(const struct redact *redact, const char *text, size_t len,
                                 const struct purse *purse, struct payload *out)
{
    struct payload places = {.bytes = NULL};
    enum payload_verdict verdict = cut(redact, false, text, len, purse, &places);

    if (verdict != PAYLOAD_OK || (redact->keys_count == 0 && !redact->words)) {
        *out = places;
        return verdict;
    }
    if (places.bytes != NULL) {
        text = places.bytes;
        len = places.len;
    }
    verdict = cut(redact, true, text, len, purse, out);
    if (verdict == PAYLOAD_OK && out->bytes == NULL)
        *out = places;
    else
        payload_drop(&places, purse);
    return verdict;
}
