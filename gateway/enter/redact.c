/* SPDX-License-Identifier: MIT */
/*
 * Owns: cutting values out of a JSON text. Never does: write any of its other bytes anew.
 * Lock: none.
 */
#include "redact.h"

#include <stdlib.h>
#include <string.h>

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
    static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz";

    if (redact->headers_count == REDACT_HEADERS_MAX)
        return weir_fail(error, WEIR_ELIMIT, "is one of more than %d headers", REDACT_HEADERS_MAX);
    char **headers = realloc(redact->headers, (redact->headers_count + 1) * sizeof(*headers));
    if (headers != NULL)
        redact->headers = headers;
    char *copy = headers == NULL ? NULL : lower(name);
    if (copy == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    if (copy[0] == '\0' || strspn(copy, token) != strlen(copy)) {
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

int redact_add_credentials(struct redact *redact, struct weir_error *error)
{
    static const char *const keys[] = {
        "password",       "passwd",        "pwd",          "secret",          "token",
        "api_key",        "apikey",        "access_token", "refresh_token",   "authorization",
        "auth",           "credential",    "credentials",  "private_key",     "privatekey",
        "api_secret",     "client_secret", "bearer",       "x-api-key",       "x-auth-token",
        "x-access-token", "session_id",    "sessionid",    "session_token",   "csrf_token",
        "csrf",           "oauth_token",   "oauth_secret", "consumer_secret", "token_secret"};
    static const char *const headers[] = {"x-api-key", "x-auth-token", "x-access-token", "bearer"};
    int status = 0;

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && status == 0; i++)
        status = redact_add_key(redact, keys[i], error);
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]) && status == 0; i++)
        status = add_header(redact, headers[i], error);
    return status;
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
    return false;
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

static bool is_key(const struct redact *redact, const char *at, size_t len)
{
    for (size_t i = 0; i < redact->keys_count; i++)
        if (places_string_is_caseless(at, len, redact->keys[i], strlen(redact->keys[i])))
            return true;
    return false;
}

/* In a text that is right a string with a colon behind it is a key, however deep it stands. */
static void cut_keys(const struct redact *redact, const char *text, size_t len,
                     struct cutting *cutting)
{
    const char *end = text + len;

    for (const char *at = memchr(text, '"', len); at != NULL && at < end;
         at = memchr(at, '"', (size_t)(end - at))) {
        const char *key = at, *key_end = places_skip_string(at);
        at = places_skip_blanks(key_end, end);
        if (at == end || *at != ':')
            continue;
        at = places_skip_blanks(at + 1, end);
        if (!is_key(redact, key, (size_t)(key_end - key)))
            continue;
        const char *value_end = places_skip_value(at, end);
        cut_out(cutting, at, (size_t)(value_end - at));
        at = value_end;
    }
}

static struct cutting run(const struct redact *redact, bool keys, const char *text, size_t len,
                          char *to)
{
    struct cutting cutting = {.from = text, .to = to};

    if (keys)
        cut_keys(redact, text, len, &cutting);
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

    if (verdict != PAYLOAD_OK || redact->keys_count == 0) {
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
