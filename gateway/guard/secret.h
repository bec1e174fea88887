/* SPDX-License-Identifier: MIT */
/*
 * Secrets: what a sender must know. Several may be live at a time, so that one can be rotated.
 * They are kept out of core dumps and wiped when they are let go.
 */
#ifndef GUARD_SECRET_H
#define GUARD_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>

#include "sha256.h"

#define SECRETS_MAX      8     /* live at a time, for one check */
#define SECRET_BYTES_MAX 65536 /* in one */

struct secret {
    unsigned char *bytes; /* bytes[len] is 0 */
    size_t len;
};

/* Zero-initialise it. */
struct secrets {
    struct secret items[SECRETS_MAX];
    size_t count;
};

/* Copies the bytes. WEIR_EINVAL for an empty one, WEIR_ELIMIT past the maxima, WEIR_ENOMEM. */
int secrets_add(struct secrets *secrets, const void *bytes, size_t len, struct weir_error *error);

/* A copy of all of them. 0 or WEIR_ENOMEM, then *out is empty. */
int secrets_copy(struct secrets *out, const struct secrets *secrets, struct weir_error *error);

/* Wipes them; may be called again. */
void secrets_fini(struct secrets *secrets);

/*
 * Are these bytes the secret, one that secrets_add has made? The time it takes depends on `len`
 * alone and tells nothing of the secret, not even its length: digests are compared, and the
 * secret's was taken when it was added.
 */
bool secret_equals(const struct secret *secret, const void *bytes, size_t len);

/* Are they one of them? Each is compared, whatever the others were. */
bool secrets_hold(const struct secrets *secrets, const void *bytes, size_t len);

/* Which of them the bytes are, which are known to be one; NULL: none. */
const struct secret *secrets_find(const struct secrets *secrets, const void *bytes, size_t len);

/* How long a secret out of a file is: the LF, or CR and LF, at its end does not belong to it. */
size_t secret_file_len(const char *bytes, size_t len);

/* Add to the hash what tells a secret, which may be NULL, from others. */
void secret_identify(const struct secret *secret, struct sha256 *hash);

#endif
