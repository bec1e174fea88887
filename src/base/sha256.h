/* SPDX-License-Identifier: MIT */
/* SHA-256 (FIPS 180-4), so that libweir needs nothing but libc. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_LEN 32
#define SHA256_HEX 65 /* as text, with its NUL */

struct sha256 {
    uint32_t state[8];
    uint64_t length; /* bytes so far */
    uint8_t block[64];
};

void sha256_init(struct sha256 *hash);
void sha256_update(struct sha256 *hash, const void *bytes, size_t len);

/* The digest of all bytes so far; wipes the context. */
void sha256_final(struct sha256 *hash, uint8_t digest[SHA256_LEN]);

/* Of these bytes alone. */
void sha256_of(const void *bytes, size_t len, uint8_t digest[SHA256_LEN]);

void sha256_hex(const uint8_t digest[SHA256_LEN], char hex[SHA256_HEX]);

#endif
