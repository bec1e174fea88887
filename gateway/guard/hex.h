/* SPDX-License-Identifier: MIT */
/* Hexadecimal digits, of either case. */
#ifndef GUARD_HEX_H
#define GUARD_HEX_H

#include <stddef.h>

/* Into bytes, which has room; the number of them, or -1. */
long hex_decode(const char *text, size_t len, unsigned char *bytes, size_t room);

/* In lower case, with a NUL; text has room for 2 * len + 1. */
void hex_encode(const unsigned char *bytes, size_t len, char *text);

#endif
