/* SPDX-License-Identifier: MIT */
/* Bodies of any kind, stored as JSON. */
#ifndef ENTER_RAW_H
#define ENTER_RAW_H

#include "payload.h"

/*
 * Into *out, which is empty: a JSON string if it is UTF-8 without a NUL, else {"base64":"..."} with
 * the bytes in base64 (RFC 4648, section 4). PAYLOAD_OK or PAYLOAD_OVERLOADED.
 */
enum payload_verdict raw_to_json(const char *bytes, size_t len, const struct purse *purse,
                                 struct payload *out);

#endif
