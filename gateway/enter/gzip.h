/* SPDX-License-Identifier: MIT */
/* Bodies that were compressed with gzip (RFC 1952). */
#ifndef ENTER_GZIP_H
#define ENTER_GZIP_H

#include "payload.h"

#define GZIP_STEP_FIRST 4096 /* bytes of room to begin with; it doubles from there */

/*
 * Inflate all of it into *out, which is empty and stays so unless the verdict is PAYLOAD_OK. There
 * may be several members (RFC 1952, 2.2), which make one body together; each must be whole, with
 * the CRC and the length it says, and nothing may follow the last: else PAYLOAD_MALFORMED. It is
 * PAYLOAD_TOO_LARGE as soon as it has more than `max` bytes, or more than `ratio` times as many as
 * came in. At no time more is allocated than twice what has been inflated so far, or
 * GZIP_STEP_FIRST, and zlib's own state (some 40 KiB).
 */
enum payload_verdict gzip_inflate(const char *bytes, size_t len, size_t max, unsigned ratio,
                                  const struct purse *purse, struct payload *out);

#endif
