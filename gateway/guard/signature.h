/* SPDX-License-Identifier: MIT */
/*
 * Signed requests, beside what check.h says of every kind: delivery ids, and signing, for whoever
 * tries out a configuration. `check` is what check_signature.make has made.
 */
#ifndef GUARD_SIGNATURE_H
#define GUARD_SIGNATURE_H

#include <stdbool.h>

#include <openssl/evp.h>

#include "check.h"

#define SIGNATURE_ID_MAX 256 /* bytes of a delivery id with its NUL */

extern const struct check_kind check_signature;

/* The sender's own id of this delivery. False: it has none. */
bool signature_delivery_id(const void *check, const struct guard_request *request,
                           char id[SIGNATURE_ID_MAX]);

/* When it says it was signed, in seconds since 1970. False: it does not say. */
bool signature_timestamp(const void *check, const struct guard_request *request, int64_t *seconds);

/*
 * The live secret by which the request is good; NULL: none, or it is good by a public key or a
 * token.
 */
const struct secret *signature_signer(const void *check, const struct guard_request *request);

enum signature_unit { SIGNATURE_SECONDS, SIGNATURE_MILLISECONDS, SIGNATURE_ISO8601 };

/* In which its timestamps are written. */
enum signature_unit signature_unit(const void *check);

/* Can nothing but a private key make its signatures? */
bool signature_is_asymmetric(const void *check);

/* What to sign with: a secret as it would be configured, or a private key. */
struct signature_key {
    const struct secret *secret;
    EVP_PKEY *key; /* for ed25519 and ecdsa-p256; else NULL */
};

/* A header to send, or (name NULL) a value to be put into the body at that JSON pointer. */
typedef void signature_emit(void *context, const char *name, const char *pointer,
                            const char *value);

/*
 * Sign the request (its body, method, path, query and public_url) by the first scheme that has a
 * live secret, or a live key if there is a private one to sign with: every header that a sender
 * would add is emitted. id (may be NULL) and timestamp (in the provider's unit) are
 * used where the scheme has them. What is emitted for the body must be put there before the request
 * is signed once more.
 */
int signature_sign(const void *check, const struct guard_request *request,
                   const struct signature_key *key, const char *timestamp, const char *id,
                   signature_emit *emit, void *context, struct weir_error *error);

#endif
