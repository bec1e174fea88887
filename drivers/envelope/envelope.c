/* SPDX-License-Identifier: MIT */
/*
 * Owns: the envelope's form. Never does: parse the body, which is JSON already. Lock: none.
 */
#include "envelope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define FIXED_MAX  256 /* names, braces, id, stamp */
#define ESCAPE_MAX 6   /* bytes that one byte may become */

static char *put(char *at, const char *text, size_t len)
{
    memcpy(at, text, len);
    return at + len;
}

/* RFC 8259, section 7: quotation mark, reverse solidus and control characters. */
static char *put_string(char *at, const char *text)
{
    *at++ = '"';
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            *at++ = '\\';
        if ((unsigned char)*text < 0x20)
            at += snprintf(at, ESCAPE_MAX + 1, "\\u%04x", (unsigned)*text);
        else
            *at++ = *text;
    }
    *at++ = '"';
    return at;
}

char *envelope_new(const struct weir_item *item, bool headers, size_t *len)
{
    size_t size =
        FIXED_MAX + ESCAPE_MAX * strlen(item->webhook_id) + item->headers_len + item->body_len;
    char stamp[CLOCK_STAMP_MAX];
    char *text = malloc(size);

    if (text == NULL)
        return NULL;
    clock_stamp(item->received_at, 6, stamp);
    char *at =
        text + snprintf(text, FIXED_MAX,
                        "{\"id\":\"%s\",\"received_at\":\"%s\",\"webhook_id\":", item->id, stamp);
    at = put_string(at, item->webhook_id);
    if (headers) {
        at = put(at, ",\"headers\":", strlen(",\"headers\":"));
        at = put(at, item->headers, item->headers_len);
    }
    at = put(at, ",\"payload\":", strlen(",\"payload\":"));
    at = put(at, item->body, item->body_len);
    *at++ = '}';
    *len = (size_t)(at - text);
    return text;
}
