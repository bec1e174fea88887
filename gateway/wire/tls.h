/* SPDX-License-Identifier: MIT */
/*
 * What a server of TLS shows and allows: its certificate, key, and oldest version. Immutable once
 * it is made; connections that began with it keep it alive by themselves. Any thread.
 */
#ifndef GATEWAY_TLS_H
#define GATEWAY_TLS_H

#include <stdint.h>

#include <weir/error.h>

#include "secret.h"

struct ssl_ctx_st;

enum tls_version { TLS_1_2, TLS_1_3 };

struct tls {
    struct ssl_ctx_st *context;
    int64_t expires_at; /* seconds since 1970, of the certificate */
};

/*
 * From PEM: the certificate with those between it and its authority behind it, and its key, which
 * must fit and have no password. TLS 1.2 is offered with forward secrecy and AEAD alone, HTTP/1.1
 * by ALPN. WEIR_EINVAL with what is wrong; its `key` is "certificate" or "key". *out is owned by
 * the caller.
 */
int tls_new(struct tls **out, const struct secret *certificate, const struct secret *key,
            enum tls_version oldest, struct weir_error *error);

/* Accepts NULL; leaves NULL. */
void tls_free(struct tls **tls);

#endif
