/* SPDX-License-Identifier: MIT */
/*
 * Owns: questions about text. Never does: allocate, or depend on the locale. Lock: none.
 */
#include "text.h"

#include <stdint.h>
#include <string.h>

#define DISTANCE_MAX 63 /* bytes of a word that distance looks at */

static bool continuation(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

/* RFC 3629 section 4: the second byte's range depends on the first. */
size_t text_utf8_sequence(const char *at, size_t len)
{
    const unsigned char *s = (const unsigned char *)at;

    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4 || len < 2 || !continuation(s[1]))
        return 0;
    if (s[0] < 0xe0)
        return 2;
    if (len < 3 || !continuation(s[2]))
        return 0;
    if (s[0] < 0xf0) {
        bool overlong = s[0] == 0xe0 && s[1] < 0xa0;
        bool surrogate = s[0] == 0xed && s[1] >= 0xa0;
        return overlong || surrogate ? 0 : 3;
    }
    if (len < 4 || !continuation(s[3]))
        return 0;
    bool overlong = s[0] == 0xf0 && s[1] < 0x90;
    bool beyond = s[0] == 0xf4 && s[1] >= 0x90;
    return overlong || beyond ? 0 : 4;
}

bool text_utf8_valid(const char *text, size_t len)
{
    while (len > 0) {
        size_t n = text_utf8_sequence(text, len);
        if (n == 0)
            return false;
        text += n;
        len -= n;
    }
    return true;
}

bool text_printable(const char *text, size_t len)
{
    while (len > 0) {
        size_t n = text_utf8_sequence(text, len);
        unsigned char first = (unsigned char)text[0];
        if (n == 0 || first < 0x20 || first == 0x7f)
            return false;
        if (first == 0xc2 && (unsigned char)text[1] < 0xa0)
            return false;
        text += n;
        len -= n;
    }
    return true;
}

bool text_is_token(const char *text)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789"
                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    return text[0] != '\0' && text[strspn(text, token)] == '\0';
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;

    return m < c ? m : c;
}

/* Damerau's distance, restricted: three rows of the usual table. */
size_t text_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    size_t rows[3][DISTANCE_MAX + 1];

    if (n > DISTANCE_MAX || m > DISTANCE_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = rows[i % 3], *before = rows[(i + 2) % 3], *earlier = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            now[j] = least(before[j] + 1, now[j - 1] + 1, before[j - 1] + (a[i - 1] != b[j - 1]));
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && earlier[j - 2] + 1 < now[j])
                now[j] = earlier[j - 2] + 1;
        }
    }
    return rows[n % 3][m];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *nearest = NULL;
    size_t best = 2 + strlen(word) / 4;

    for (size_t i = 0; i < count; i++) {
        size_t distance = text_distance(word, candidates[i]);
        if (distance <= best && (nearest == NULL || distance < best)) {
            best = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}
