/* SPDX-License-Identifier: MIT */
/* Base64 and base64url (RFC 4648), strictly: no white space, no stray bits, no missing padding. */
#ifndef GUARD_BASE64_H
#define GUARD_BASE64_H

#include <stdbool.h>
#include <stddef.h>

enum base64_kind {
    BASE64_PLAIN, /* + and /, padded */
    BASE64_URL,   /* - and _, not padded */
    BASE64_LAX    /* either alphabet, padded or not; stray bits are refused all the same */
};

/* Into bytes, which has room; the number of them, or -1. */
long base64_decode(enum base64_kind kind, const char *text, size_t len, unsigned char *bytes,
                   size_t room);

/* Into text with a NUL; plain is padded, url is not. False if it does not fit. */
bool base64_encode(enum base64_kind kind, const unsigned char *bytes, size_t len, char *text,
                   size_t room);

#endif
