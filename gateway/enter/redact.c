/* SPDX-License-Identifier: MIT */
/*
 * Owns: cutting values out of a JSON text. Never does: write any of its other bytes anew.
 * Lock: none.
 */
#include "redact.h"

#include <stdlib.h>
#include <string.h>

#define REDACT_LEN (sizeof(REDACT_TEXT) - 1)

/* A field name of HTTP (RFC 9110, 5.6.2), in lower case. */
static int add_header(struct redact *redact, const char *name, struct weir_error *error)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz";

    if (redact->headers_count == REDACT_HEADERS_MAX)
        return weir_fail(error, WEIR_ELIMIT, "is one of more than %d headers", REDACT_HEADERS_MAX);
    char **headers = realloc(redact->headers, (redact->headers_count + 1) * sizeof(*headers));
    if (headers != NULL)
        redact->headers = headers;
    char *copy = headers == NULL ? NULL : strdup(name);
    if (copy == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    for (char *at = copy; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at | 0x20);
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

void redact_fini(struct redact *redact)
{
    places_fini(&redact->places);
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

static bool cut(void *context, uint64_t through, uint64_t here, const char *at, size_t len)
{
    struct cutting *cutting = context;

    (void)through;
    if (here == 0)
        return true;
    put(cutting, cutting->from, (size_t)(at - cutting->from));
    put(cutting, REDACT_TEXT, REDACT_LEN);
    cutting->from = at + len;
    cutting->found = true;
    return false;
}

static struct cutting run(const struct redact *redact, const char *text, size_t len, char *to)
{
    struct cutting cutting = {.from = text, .to = to};

    places_walk(&redact->places, text, len, cut, &cutting);
    put(&cutting, cutting.from, (size_t)(text + len - cutting.from));
    return cutting;
}

enum payload_verdict redact_body(const struct redact *redact, const char *text, size_t len,
                                 const struct purse *purse, struct payload *out)
{
    struct cutting measured = run(redact, text, len, NULL);

    if (!measured.found)
        return PAYLOAD_OK;
    if (!payload_resize(out, purse, measured.size))
        return PAYLOAD_OVERLOADED;
    out->len = run(redact, text, len, out->bytes).size;
    return PAYLOAD_OK;
}
