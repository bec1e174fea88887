/* SPDX-License-Identifier: MIT */
/* Text: UTF-8 (RFC 3629) and "did you mean". */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Length in bytes of the well-formed UTF-8 sequence at `at`, of which at least one byte and at
 * most `len` may be read; 0 if it is ill-formed (overlong, a surrogate, past U+10FFFF, cut off).
 */
size_t text_utf8_sequence(const char *at, size_t len);

/* Is all of it well-formed UTF-8? */
bool text_utf8_valid(const char *text, size_t len);

/* Well-formed UTF-8 without control characters (C0, DEL, C1)? */
bool text_printable(const char *text, size_t len);

/* A token of HTTP, as names of headers are (RFC 9110, 5.6.2)? An empty one is none. */
bool text_is_token(const char *text);

/* Edits (insert, delete, replace, swap neighbours) from a to b; SIZE_MAX if one is very long. */
size_t text_distance(const char *a, const char *b);

/* Of `count` candidates the nearest to `word`; NULL if none is near enough to be meant. */
const char *text_nearest(const char *word, const char *const *candidates, size_t count);

#endif
