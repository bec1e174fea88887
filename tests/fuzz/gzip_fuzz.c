/* SPDX-License-Identifier: MIT */
/*
 * Compressed bodies: never more than the bound, whatever comes in; a bound of just what comes out
 * is enough, and one byte less is not.
 */
#include <string.h>

#include "enter.h"
#include "gzip.h"

#define MAX   65536
#define RATIO 50

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct payload whole = {.bytes = NULL}, again = {.bytes = NULL};
    const char *bytes = (const char *)data;

    enum payload_verdict verdict = gzip_inflate(bytes, size, MAX, RATIO, &purse, &whole);
    PROMISE(verdict != PAYLOAD_OVERLOADED);
    PROMISE(verdict == PAYLOAD_OK || whole.bytes == NULL);
    PROMISE(whole.len <= MAX && whole.len <= RATIO * size);
    size_t len = whole.len;
    drop(&whole);
    if (verdict != PAYLOAD_OK)
        return 0;
    /* A bound of just its length is enough, and one less is not. */
    PROMISE(gzip_inflate(bytes, size, len > 0 ? len : 1, RATIO, &purse, &again) == PAYLOAD_OK);
    PROMISE(again.len == len);
    drop(&again);
    if (len > 1)
        PROMISE(gzip_inflate(bytes, size, len - 1, RATIO, &purse, &again) == PAYLOAD_TOO_LARGE);
    drop(&again);
    return 0;
}
