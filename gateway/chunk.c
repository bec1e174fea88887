/* SPDX-License-Identifier: MIT */
/*
 * Owns: where a chunked body begins, goes on and ends. The HTTP parser is not asked: it skips
 * anything in an extension, a bare LF included.
 * Never does: copy, allocate, or keep what it read. Lock: none.
 */
#include "chunk.h"

#include <stdbool.h>

enum {
    SIZE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER, /* at the beginning of a line */
    TRAILER_LINE,
    TRAILER_LF,
    LAST_LF,
    BAD
};

static bool text_char(char c)
{
    unsigned char byte = (unsigned char)c;

    return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int read_size(struct chunk *chunk, char c)
{
    int digit = hex_digit(c);

    if (digit >= 0) {
        chunk->left = chunk->left * 16 + (unsigned)digit;
        return ++chunk->digits <= CHUNK_DIGITS_MAX ? SIZE : BAD;
    }
    if (chunk->digits == 0)
        return BAD;
    return c == '\r' ? SIZE_LF : c == ';' ? EXTENSION : BAD;
}

/* The state after one byte of framing. */
static int next_state(struct chunk *chunk, char c)
{
    switch (chunk->state) {
    case SIZE: return read_size(chunk, c);
    case EXTENSION:
        if (c == '\r')
            return SIZE_LF;
        return text_char(c) && ++chunk->extensions <= CHUNK_EXTENSIONS_MAX ? EXTENSION : BAD;
    case SIZE_LF: chunk->digits = 0; return c != '\n' ? BAD : chunk->left > 0 ? DATA : TRAILER;
    case DATA_CR: return c == '\r' ? DATA_LF : BAD;
    case DATA_LF: return c == '\n' ? SIZE : BAD;
    case TRAILER:
        if (c == '\r')
            return LAST_LF;
        return text_char(c) && c != ' ' && c != '\t' && c != ':' ? TRAILER_LINE : BAD;
    case TRAILER_LINE:
        if (c == '\r')
            return TRAILER_LF;
        return text_char(c) && ++chunk->trailers <= CHUNK_TRAILERS_MAX ? TRAILER_LINE : BAD;
    case TRAILER_LF: return c == '\n' && ++chunk->trailers <= CHUNK_TRAILERS_MAX ? TRAILER : BAD;
    default: return BAD;
    }
}

enum chunk_verdict chunk_read(struct chunk *chunk, const char **at, const char *end,
                              const char **data, size_t *len)
{
    while (*at < end) {
        if (chunk->state == DATA) {
            size_t have = (size_t)(end - *at);
            *len = have < chunk->left ? have : (size_t)chunk->left;
            *data = *at;
            *at += *len;
            chunk->left -= *len;
            if (chunk->left == 0)
                chunk->state = DATA_CR;
            return CHUNK_DATA;
        }
        char c = *(*at)++;
        if (chunk->state == LAST_LF)
            return c == '\n' ? CHUNK_END : CHUNK_BAD;
        chunk->state = next_state(chunk, c);
        if (chunk->state == BAD)
            return CHUNK_BAD;
    }
    return CHUNK_MORE;
}
