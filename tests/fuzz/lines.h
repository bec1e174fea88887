/* SPDX-License-Identifier: MIT */
/* What the guard's targets make of their bytes: lines, as a parser of HTTP would let them through.
 */
#ifndef FUZZ_LINES_H
#define FUZZ_LINES_H

#include <ctype.h>
#include <string.h>

#include "fuzz.h"
#include "request.h"

/* Bytes up to a newline, without NUL, and past it; NULL: none is left. Changes the text. */
static inline char *next_line(char **at)
{
    char *line = *at, *end;

    if (line == NULL)
        return NULL;
    end = strchr(line, '\n');
    *at = end == NULL ? NULL : end + 1;
    if (end != NULL)
        *end = '\0';
    return line;
}

/* "name: value" as a header; false for an empty line and for what is none. */
static inline bool header_of(char *line, struct request_header *header)
{
    char *colon = strchr(line, ':');

    if (colon == NULL)
        return false;
    *colon = '\0';
    for (char *at = line; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    *header = (struct request_header){line, colon + 1 + strspn(colon + 1, " \t")};
    return true;
}

/* The bytes with a NUL behind them, malloc'd. */
static inline char *text_of(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    PROMISE(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

#endif
