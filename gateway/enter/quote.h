/* SPDX-License-Identifier: MIT */
/* Writing JSON strings of text that is UTF-8 already. */
#ifndef ENTER_QUOTE_H
#define ENTER_QUOTE_H

#include <stddef.h>

#define QUOTE_GROWTH_MAX 6 /* bytes that one byte may become */

/* Bytes that the text takes as a JSON string, quotes included. */
size_t quote_size(const char *text, size_t len);

/* Write it, quotes included, where there is room for it; what follows the last byte. */
char *quote_put(char *to, const char *text, size_t len);

#endif
