/* SPDX-License-Identifier: MIT */
/*
 * Owns: base64 both ways; OpenSSL's decoder is for whole padded blocks of one alphabet only and
 * lets stray bits pass, with which one signature has several spellings.
 * Never does: allocate. Lock: none.
 */
#include "base64.h"

static int value_of(enum base64_kind kind, char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if ((c == '+' && kind != BASE64_URL) || (c == '-' && kind != BASE64_PLAIN))
        return 62;
    if ((c == '/' && kind != BASE64_URL) || (c == '_' && kind != BASE64_PLAIN))
        return 63;
    return -1;
}

/* The length without its padding, if that is what the kind asks for; else -1. */
static long unpadded(enum base64_kind kind, const char *text, size_t len)
{
    size_t bare = len;

    while (bare > 0 && len - bare < 2 && text[bare - 1] == '=')
        bare--;
    if (bare % 4 == 1 || (bare != len && (kind == BASE64_URL || len % 4 != 0)) ||
        (kind == BASE64_PLAIN && len % 4 != 0))
        return -1;
    return (long)bare;
}

long base64_decode(enum base64_kind kind, const char *text, size_t len, unsigned char *bytes,
                   size_t room)
{
    long bare = unpadded(kind, text, len);
    unsigned bits = 0, have = 0;
    size_t used = 0;

    for (long i = 0; i < bare; i++) {
        int value = value_of(kind, text[i]);
        if (value < 0)
            return -1;
        bits = bits << 6 | (unsigned)value;
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        if (used == room)
            return -1;
        bytes[used++] = (unsigned char)(bits >> have);
        bits &= (1u << have) - 1;
    }
    return bare < 0 || bits != 0 ? -1 : (long)used;
}

bool base64_encode(enum base64_kind kind, const unsigned char *bytes, size_t len, char *text,
                   size_t room)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *digits = kind == BASE64_URL ? url : plain;
    unsigned bits = 0, have = 0;
    size_t used = 0;

    if ((len + 2) / 3 * 4 + 1 > room)
        return false;
    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | bytes[i];
        for (have += 8; have >= 6; have -= 6)
            text[used++] = digits[bits >> (have - 6) & 63];
        bits &= (1u << have) - 1;
    }
    if (have > 0)
        text[used++] = digits[bits << (6 - have) & 63];
    while (kind != BASE64_URL && used % 4 != 0)
        text[used++] = '=';
    text[used] = '\0';
    return true;
}
