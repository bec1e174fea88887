/* SPDX-License-Identifier: MIT */
/*
 * Redacting: the first line has pointers, keys behind a +, and a ? for what is named after a
 * credential, with spaces between them, the rest is a body. What comes out is JSON, each place in
 * it is the mark or nothing, and to redact it again changes nothing. The bytes that are not between
 * two marks are those of the body, in their order.
 */
#include <string.h>

#include "enter.h"
#include "redact.h"

static bool is_mark(void *context, uint64_t through, uint64_t here, const char *at, size_t len)
{
    (void)context, (void)through;
    if (here == 0)
        return true;
    PROMISE(len == strlen(REDACT_TEXT) && memcmp(at, REDACT_TEXT, len) == 0);
    return false;
}

/* Each piece between two marks stands in the body, behind the one before. */
static void check_pieces(const struct payload *out, const char *body, size_t len)
{
    const char *at = out->bytes, *end = at + out->len, *from = body, *stop = body + len;

    while (at < end) {
        const char *mark = memmem(at, (size_t)(end - at), REDACT_TEXT, strlen(REDACT_TEXT));
        size_t piece = (size_t)((mark == NULL ? end : mark) - at);
        const char *found = memmem(from, (size_t)(stop - from), at, piece);
        PROMISE(piece == 0 || found != NULL);
        from = piece == 0 ? from : found + piece;
        at += piece + (mark == NULL ? 0 : strlen(REDACT_TEXT));
    }
}

static void redact_it(const struct redact *redact, const char *body, size_t len)
{
    struct payload out = {.bytes = NULL}, again = {.bytes = NULL};

    PROMISE(redact_body(redact, body, len, &purse, &out) == PAYLOAD_OK);
    if (out.bytes != NULL) {
        PROMISE(is_json(out.bytes, out.len));
        places_walk(&redact->places, out.bytes, out.len, is_mark, NULL);
        check_pieces(&out, body, len);
        size_t before = held;
        PROMISE(redact_body(redact, out.bytes, out.len, &purse, &again) == PAYLOAD_OK);
        PROMISE(again.len == out.len && memcmp(again.bytes, out.bytes, out.len) == 0);
        payload_drop(&again, &purse);
        PROMISE(held == before);
    }
    drop(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct redact redact = {.headers = NULL};
    struct weir_error error;
    char *text = malloc(size + 1), *rest = NULL;

    PROMISE(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    size_t line = strcspn(text, "\n");
    const char *body = text + line + (text[line] == '\n');
    size_t len = size - (size_t)(body - text);
    char *pointers = strndup(text, line);
    if (strchr(pointers, '?') != NULL)
        redact_add_words(&redact);
    for (char *at = strtok_r(pointers, " ", &rest); at != NULL; at = strtok_r(NULL, " ", &rest))
        (void)(at[0] == '+' ? redact_add_key(&redact, at + 1, &error)
                            : redact_add(&redact, at, &error));
    free(pointers);
    if (is_json(body, len))
        redact_it(&redact, body, len);
    redact_fini(&redact);
    free(text);
    return 0;
}
