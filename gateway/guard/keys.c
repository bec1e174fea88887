/* SPDX-License-Identifier: MIT */
/*
 * Owns: public keys and the verification of signatures with them.
 * Never does: choose an algorithm by what a sender says. Lock: none; keys are not changed.
 */
#include "keys.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

static EVP_PKEY *from_certificate(BIO *bio)
{
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    EVP_PKEY *key = certificate == NULL ? NULL : X509_get_pubkey(certificate);

    X509_free(certificate);
    return key;
}

static EVP_PKEY *read_pem(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key;

    if (bio == NULL)
        return NULL;
    if (strstr(pem, "-----BEGIN CERTIFICATE-----") != NULL)
        key = from_certificate(bio);
    else
        key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);
    ERR_clear_error();
    return key;
}

bool keys_is_on(EVP_PKEY *key, const char *curve)
{
    char name[64];

    return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
           EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) == 1 && strcmp(name, curve) == 0;
}

static const char *wrong_kind(EVP_PKEY *key)
{
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        return EVP_PKEY_get_bits(key) < KEYS_RSA_MIN ? "an RSA key has at least 2048 bits" : NULL;
    case EVP_PKEY_EC:
        return keys_is_on(key, KEYS_P256) || keys_is_on(key, KEYS_P384) ||
                       keys_is_on(key, KEYS_P521)
                   ? NULL
                   : "an elliptic curve is P-256, P-384 or P-521";
    case EVP_PKEY_ED25519: return NULL;
    default: return "must be an RSA, an elliptic curve or an Ed25519 key";
    }
}

int keys_add(struct keys *keys, EVP_PKEY *key, struct weir_error *error)
{
    const char *wrong = key == NULL ? "is not a public key" : wrong_kind(key);

    if (wrong == NULL && keys->count == KEYS_MAX)
        wrong = "too many keys: at most 8";
    if (wrong != NULL) {
        EVP_PKEY_free(key);
        return weir_fail(error, WEIR_EINVAL, "%s", wrong);
    }
    keys->items[keys->count++] = key;
    return 0;
}

int keys_add_pem(struct keys *keys, const char *pem, struct weir_error *error)
{
    if (strstr(pem, "PRIVATE KEY-----") != NULL)
        return weir_fail(error, WEIR_EINVAL, "is a private key; only its public half belongs here");
    return keys_add(keys, read_pem(pem), error);
}

void keys_fini(struct keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        EVP_PKEY_free(keys->items[i]);
    *keys = (struct keys){.count = 0};
}

/* ---- Verifying ------------------------------------------------------------------------------- */

static size_t half_of(EVP_PKEY *key)
{
    return ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
}

/* r and s, each as long as the curve's order, as DER into *der (OPENSSL_free); its length, or 0. */
static size_t raw_to_der(const unsigned char *raw, size_t half, unsigned char **der)
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    int der_len = 0;

    *der = NULL;
    if (signature == NULL)
        return 0;
    BIGNUM *r = BN_bin2bn(raw, (int)half, NULL), *s = BN_bin2bn(raw + half, (int)half, NULL);
    if (r != NULL && s != NULL && ECDSA_SIG_set0(signature, r, s) == 1) {
        der_len = i2d_ECDSA_SIG(signature, der);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(signature);
    return der_len > 0 ? (size_t)der_len : 0;
}

/* Key and method belong together: what fails here is out of memory. */
static bool prepare(EVP_MD_CTX *context, EVP_PKEY *key, const struct keys_method *method)
{
    EVP_PKEY_CTX *inner = NULL;

    if (context == NULL || EVP_DigestVerifyInit(context, &inner, method->md, NULL, key) != 1)
        return false;
    if (!method->pss)
        return true;
    return EVP_PKEY_CTX_set_rsa_padding(inner, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, RSA_PSS_SALTLEN_DIGEST) == 1;
}

/* Empties OpenSSL's queue, too: what failed was the sender's, and must not speak up elsewhere. */
static int why_not(void)
{
    int status = WEIR_EDENIED;

    for (unsigned long error = ERR_get_error(); error != 0; error = ERR_get_error())
        if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
            status = WEIR_ENOMEM;
    return status;
}

int keys_verify(EVP_PKEY *key, const struct keys_method *method, const void *data, size_t len,
                const unsigned char *signature, size_t signature_len)
{
    unsigned char *der = NULL;

    if (method->raw && signature_len != 2 * half_of(key))
        return WEIR_EDENIED;
    ERR_clear_error();
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ready = prepare(context, key, method);
    if (ready && method->raw) {
        signature_len = raw_to_der(signature, half_of(key), &der);
        signature = der;
        ready = signature_len > 0;
    }
    bool good = ready && EVP_DigestVerify(context, signature, signature_len, data, len) == 1;
    int status = why_not();
    OPENSSL_free(der);
    EVP_MD_CTX_free(context);
    return good ? 0 : ready ? status : WEIR_ENOMEM;
}

int keys_better(int one, int other)
{
    if (one == 0 || other == 0)
        return 0;
    return one == WEIR_ENOMEM ? one : other;
}
