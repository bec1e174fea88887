/* SPDX-License-Identifier: MIT */
/*
 * Owns: undoing gzip, within bounds that are looked at before each step.
 * Never does: trust the length a member says of itself; hold more than was taken for it.
 * Lock: none.
 */
#include "gzip.h"

#include <limits.h>
#include <stdint.h>

#define ZLIB_CONST /* what goes in is const */
#include <zlib.h>

#define GZIP_WINDOW (15 + 16) /* zlib's word for: gzip and nothing else, the largest window */

struct inflating {
    z_stream zlib;
    const char *in;
    size_t left; /* of in, beyond what zlib was given */
    size_t max;  /* bytes of out */
    struct payload *out;
    const struct purse *purse;
};

static size_t bound_of(size_t len, size_t max, unsigned ratio)
{
    return len > max / ratio ? max : len * ratio;
}

/* Room for a next step; false if there is none to be had. At the maximum it is left as it is. */
static bool make_room(struct inflating *inflating)
{
    struct payload *out = inflating->out;
    size_t room = out->room == 0 ? GZIP_STEP_FIRST : 2 * out->room;

    if (out->len < out->room || out->room == inflating->max)
        return true;
    return payload_resize(out, inflating->purse, room < inflating->max ? room : inflating->max);
}

static void feed(struct inflating *inflating)
{
    z_stream *zlib = &inflating->zlib;

    if (zlib->avail_in > 0)
        return;
    zlib->next_in = (const Bytef *)inflating->in;
    zlib->avail_in = inflating->left < UINT_MAX ? (uInt)inflating->left : UINT_MAX;
    inflating->in += zlib->avail_in;
    inflating->left -= zlib->avail_in;
}

/* One call of zlib, whose status it is. When out is full, a byte beside it shows what is too much.
 */
static int step(struct inflating *inflating)
{
    z_stream *zlib = &inflating->zlib;
    struct payload *out = inflating->out;
    size_t room = out->room - out->len;
    Bytef beyond[1];

    feed(inflating);
    uInt offered = room == 0 ? 1 : room < UINT_MAX ? (uInt)room : UINT_MAX;
    zlib->next_out = room == 0 ? beyond : (Bytef *)out->bytes + out->len;
    zlib->avail_out = offered;
    int status = inflate(zlib, Z_NO_FLUSH);
    out->len += offered - zlib->avail_out;
    return status;
}

static enum payload_verdict run(struct inflating *inflating)
{
    z_stream *zlib = &inflating->zlib;

    for (;;) {
        if (!make_room(inflating))
            return PAYLOAD_OVERLOADED;
        int status = step(inflating);
        if (inflating->out->len > inflating->max)
            return PAYLOAD_TOO_LARGE;
        if (status == Z_MEM_ERROR)
            return PAYLOAD_OVERLOADED;
        if (status != Z_OK && status != Z_STREAM_END)
            return PAYLOAD_MALFORMED;
        bool at_end = zlib->avail_in == 0 && inflating->left == 0;
        if (status == Z_STREAM_END && at_end)
            return PAYLOAD_OK;
        if (status == Z_STREAM_END && inflateReset(zlib) != Z_OK)
            return PAYLOAD_MALFORMED;
    }
}

enum payload_verdict gzip_inflate(const char *bytes, size_t len, size_t max, unsigned ratio,
                                  const struct purse *purse, struct payload *out)
{
    struct inflating inflating = {
        .in = bytes, .left = len, .max = bound_of(len, max, ratio), .out = out, .purse = purse};

    if (len == 0)
        return PAYLOAD_MALFORMED;
    if (inflateInit2(&inflating.zlib, GZIP_WINDOW) != Z_OK)
        return PAYLOAD_OVERLOADED;
    enum payload_verdict verdict = run(&inflating);
    inflateEnd(&inflating.zlib);
    /* What could not be given back (a smaller block was refused) is kept and accounted for. */
    if (verdict == PAYLOAD_OK)
        (void)payload_resize(out, purse, out->len);
    else
        payload_drop(out, purse);
    return verdict;
}
