/* SPDX-License-Identifier: MIT */
/* Public keys, and verifying with them; all through OpenSSL's EVP. */
#ifndef GUARD_KEYS_H
#define GUARD_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>

#include <weir/error.h>

#define KEYS_MAX        8
#define KEYS_RSA_MIN    2048 /* bits */
#define KEYS_SCALAR_MAX 66   /* bytes of a coordinate of the largest curve, P-521 */

struct keys {
    EVP_PKEY *items[KEYS_MAX];
    size_t count;
};

/*
 * Add a public key: PEM (SubjectPublicKeyInfo, or a certificate's). RSA keys of less than
 * KEYS_RSA_MIN bits, private keys and kinds that nothing here verifies with are refused.
 */
int keys_add_pem(struct keys *keys, const char *pem, struct weir_error *error);

/* Names of curves, as OpenSSL has them. */
#define KEYS_P256 "prime256v1"
#define KEYS_P384 "secp384r1"
#define KEYS_P521 "secp521r1"

/* Is it a key on that curve? Others are as long, and as good a signature, but not what was meant.
 */
bool keys_is_on(EVP_PKEY *key, const char *curve);

/* Takes a key, which is freed on failure, too. */
int keys_add(struct keys *keys, EVP_PKEY *key, struct weir_error *error);

void keys_fini(struct keys *keys);

/* What a signature is made with; md NULL: the key's own (EdDSA). */
struct keys_method {
    const EVP_MD *md;
    bool pss; /* RSA: PSS with a salt as long as the digest, not PKCS#1 v1.5 */
    bool raw; /* ECDSA: r and s side by side, as JWS and others have them, not DER */
};

/*
 * 0: this key made the signature; WEIR_EDENIED: it did not, or it cannot be read; WEIR_ENOMEM:
 * there was no memory to tell, as far as OpenSSL says so.
 */
int keys_verify(EVP_PKEY *key, const struct keys_method *method, const void *data, size_t len,
                const unsigned char *signature, size_t signature_len);

/* What is known of a signature that was tried with several keys: of two answers the better one. */
int keys_better(int one, int other);

#endif
