/* SPDX-License-Identifier: MIT */
/*
 * Owns: escaping (RFC 8259, 7): what must be escaped, and nothing else.
 * Never does: check the encoding. Lock: none.
 */
#include "quote.h"

#include <string.h>

/* Bytes that it becomes. */
static size_t size_of(unsigned char byte)
{
    static const char pairs[] = "\"\\\b\f\n\r\t";

    if (byte >= 0x20 && byte != '"' && byte != '\\')
        return 1;
    return byte != '\0' && strchr(pairs, byte) != NULL ? 2 : QUOTE_GROWTH_MAX;
}

size_t quote_size(const char *text, size_t len)
{
    size_t size = 2;

    for (size_t i = 0; i < len; i++)
        size += size_of((unsigned char)text[i]);
    return size;
}

static char *put_escape(char *to, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    const char unit[QUOTE_GROWTH_MAX] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};

    if (size_of(byte) == QUOTE_GROWTH_MAX) {
        memcpy(to, unit, sizeof(unit));
        return to + sizeof(unit);
    }
    *to++ = '\\';
    switch (byte) {
    case '\b': *to++ = 'b'; break;
    case '\f': *to++ = 'f'; break;
    case '\n': *to++ = 'n'; break;
    case '\r': *to++ = 'r'; break;
    case '\t': *to++ = 't'; break;
    default: *to++ = (char)byte;
    }
    return to;
}

char *quote_put(char *to, const char *text, size_t len)
{
    *to++ = '"';
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (size_of(byte) == 1)
            *to++ = (char)byte;
        else
            to = put_escape(to, byte);
    }
    *to++ = '"';
    return to;
}
