/* SPDX-License-Identifier: MIT */
/*
 * Owns: expanding environment variables in configuration strings, and where they are kept.
 * Never does: set a variable, or expand what came out of one. Lock: none.
 */
#include "environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vault.h"
#include "wipe.h"

/* Growing text; wiped when it moves, since passwords come this way. */
struct text {
    char *bytes;
    size_t len, room;
};

static int append(struct text *text, const char *bytes, size_t len)
{
    if (text->len + len + 1 > text->room) {
        size_t room = 2 * (text->len + len + 1);
        char *grown = malloc(room);
        if (grown == NULL)
            return -1;
        if (text->bytes != NULL) {
            memcpy(grown, text->bytes, text->len);
            wipe(text->bytes, text->len);
            free(text->bytes);
        }
        text->bytes = grown;
        text->room = room;
    }
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    text->bytes[text->len] = '\0';
    return 0;
}

/* `at` points behind "{$"; returns what follows the closing brace, NULL if that failed. */
static const char *expand_one(struct text *text, const char *at,
                              char missing[ENVIRONMENT_NAME_MAX + 1])
{
    size_t len = strcspn(at, ":}");
    const char *end = strchr(at, '}');

    snprintf(missing, ENVIRONMENT_NAME_MAX + 1, "%.*s", (int)len, at);
    if (end == NULL || len == 0 || len > ENVIRONMENT_NAME_MAX)
        return NULL;
    const char *value = getenv(missing);
    size_t value_len = value == NULL ? 0 : strlen(value);
    if (value == NULL && at[len] == ':') {
        value = at + len + 1;
        value_len = (size_t)(end - value);
    }
    if (value == NULL)
        return NULL;
    missing[0] = '\0';
    return append(text, value, value_len) == 0 ? end + 1 : NULL;
}

char *environment_expand(const char *text, char missing[ENVIRONMENT_NAME_MAX + 1])
{
    struct text out = {.bytes = NULL};
    const char *at = text;

    missing[0] = '\0';
    while (at != NULL) {
        const char *next = strstr(at, "{$");
        size_t len = next == NULL ? strlen(at) : (size_t)(next - at);
        if (append(&out, at, len) != 0)
            break;
        if (next == NULL)
            return out.bytes;
        at = expand_one(&out, next + 2, missing);
    }
    wipe_free_string(out.bytes);
    return NULL;
}

void environment_hide(void)
{
    for (char **at = environ; at != NULL && *at != NULL; at++) {
        size_t len = strlen(*at);
        char *copy = vault_copy(*at, len);
        if (copy == NULL)
            continue;
        wipe(*at, len);
        *at = copy;
    }
}
