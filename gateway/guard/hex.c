/* SPDX-License-Identifier: MIT */
/*
 * Owns: hexadecimal, both ways. Never does: allocate. Lock: none.
 */
#include "hex.h"

static int value_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

long hex_decode(const char *text, size_t len, unsigned char *bytes, size_t room)
{
    if (len % 2 != 0 || len / 2 > room)
        return -1;
    for (size_t i = 0; i < len; i += 2) {
        int high = value_of(text[i]), low = value_of(text[i + 1]);
        if (high < 0 || low < 0)
            return -1;
        bytes[i / 2] = (unsigned char)(high << 4 | low);
    }
    return (long)(len / 2);
}

void hex_encode(const unsigned char *bytes, size_t len, char *text)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        *text++ = digits[bytes[i] >> 4];
        *text++ = digits[bytes[i] & 15];
    }
    *text = '\0';
}
