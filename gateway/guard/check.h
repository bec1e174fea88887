/* SPDX-License-Identifier: MIT */
/* One kind of check, as the guard sees it. The kinds are in token.c, ip.c, jwt.c and signature.c.
 */
#ifndef GUARD_CHECK_H
#define GUARD_CHECK_H

#include <jansson.h>
#include <stdbool.h>

#include <weir/error.h>

#include "request.h"
#include "secret.h"
#include "sha256.h"

struct check_kind {
    const char *name;      /* "bearer" */
    const char *challenge; /* what a 401 asks for (RFC 9110, 11.6.1); NULL of an address */
    bool secret;           /* it must have at least one */

    /*
     * Make one from its configuration, strings expanded, without its secrets, which it copies if it
     * keeps them. Checks its keys. *out is owned by the caller, NULL on failure.
     */
    int (*make)(void **out, const json_t *object, const struct secrets *secrets,
                struct weir_error *error);

    /* Must the body be whole? NULL: never. */
    bool (*needs_body)(const void *check);

    /* Is the public URL a part of what it looks at? NULL: never. */
    bool (*needs_url)(const void *check);

    /* NULL: any body. */
    enum guard_takes (*takes)(const void *check);

    /*
     * 0, or a status with the reason for the operator's eyes; WEIR_ENOMEM if it could not look.
     * What it takes depends on the request and the configuration, not on how far a wrong credential
     * is right.
     */
    int (*judge)(const void *check, const struct guard_request *request, struct weir_error *error);

    /* Does this (lower-case) header carry a credential? It is not stored then. NULL: none does. */
    bool (*reads_header)(const void *check, const char *name);

    /*
     * Add to the hash which of its senders a request comes from that has passed: what is the same
     * for each request of one, and differs between those with secrets, or subjects, of their own.
     * NULL: it cannot tell.
     */
    void (*identify)(const void *check, const struct guard_request *request, struct sha256 *hash);

    void (*free)(void *check);
};

extern const struct check_kind check_bearer, check_basic, check_header, check_query, check_ip,
    check_jwt;

#endif
