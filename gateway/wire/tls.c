/* SPDX-License-Identifier: MIT */
/*
 * Owns: OpenSSL's context for connections that clients make.
 * Never does: read a file; talk to a client (wire.c does). Lock: none.
 */
#include "tls.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

/* Forward secrecy and AEAD, as in Mozilla's intermediate profile; TLS 1.3 has no others. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

/* OpenSSL's own words, which are static; none are of what was read. */
static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());

    return text == NULL ? "cannot be used" : text;
}

static int fail(struct weir_error *error, const char *key, const char *what)
{
    int status = weir_fail_key(error, WEIR_EINVAL, key, "%s: %s", what, reason());

    ERR_clear_error();
    return status;
}

static int no_password(char *buffer, int size, int writing, void *context)
{
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

/* ---- The certificate ------------------------------------------------------------------------- */

static int64_t expiry_of(const X509 *certificate)
{
    struct tm time;

    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) != 1)
        return 0;
    return (int64_t)timegm(&time);
}

/* Those behind the first; the end of the text is no error. */
static bool add_chain(SSL_CTX *context, BIO *bio)
{
    X509 *next;

    while ((next = PEM_read_bio_X509(bio, NULL, no_password, NULL)) != NULL)
        if (SSL_CTX_add0_chain_cert(context, next) != 1) {
            X509_free(next);
            return false;
        }
    unsigned long last = ERR_peek_last_error();
    bool ended = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
    if (ended)
        ERR_clear_error();
    return ended;
}

static int use_certificate(struct tls *tls, const struct secret *text, struct weir_error *error)
{
    BIO *bio = BIO_new_mem_buf(text->bytes, (int)text->len);
    X509 *first = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, no_password, NULL);
    bool good = first != NULL && SSL_CTX_use_certificate(tls->context, first) == 1 &&
                add_chain(tls->context, bio);

    if (good)
        tls->expires_at = expiry_of(first);
    X509_free(first);
    BIO_free(bio);
    return good ? 0 : fail(error, "certificate", "not certificates in PEM");
}

/* ---- The key --------------------------------------------------------------------------------- */

static int use_key(struct tls *tls, const struct secret *text, struct weir_error *error)
{
    BIO *bio = BIO_new_mem_buf(text->bytes, (int)text->len);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    int status = 0;

    BIO_free(bio);
    if (key == NULL)
        return fail(error, "key", "not a private key in PEM without a password");
    if (SSL_CTX_use_PrivateKey(tls->context, key) != 1)
        status = fail(error, "key", "not of this certificate");
    EVP_PKEY_free(key);
    return status;
}

/* ---- The context ----------------------------------------------------------------------------- */

/* HTTP/1.1 is what is spoken, whether or not a client asks for it. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *context)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen;

    (void)ssl, (void)context;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool set_up(SSL_CTX *context, enum tls_version oldest)
{
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets need none */
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    return SSL_CTX_set_min_proto_version(context, oldest == TLS_1_3 ? TLS1_3_VERSION
                                                                    : TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, CIPHERS) == 1;
}

int tls_new(struct tls **out, const struct secret *certificate, const struct secret *key,
            enum tls_version oldest, struct weir_error *error)
{
    struct tls *tls = calloc(1, sizeof(*tls));
    int status = 0;

    ERR_clear_error();
    if (tls != NULL)
        tls->context = SSL_CTX_new(TLS_server_method());
    if (tls == NULL || tls->context == NULL || !set_up(tls->context, oldest))
        status = weir_fail(error, WEIR_ENOMEM, "out of memory");
    if (status == 0)
        status = use_certificate(tls, certificate, error);
    if (status == 0)
        status = use_key(tls, key, error);
    ERR_clear_error();
    if (status != 0)
        tls_free(&tls);
    *out = tls;
    return status;
}

void tls_free(struct tls **at)
{
    struct tls *tls = *at;

    *at = NULL;
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    free(tls);
}
