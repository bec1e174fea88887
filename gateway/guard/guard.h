/* SPDX-License-Identifier: MIT */
/*
 * The guard of one webhook: the checks that a request must pass, all of them. Immutable once it is
 * made; any thread may ask it.
 */
#ifndef GUARD_GUARD_H
#define GUARD_GUARD_H

#include <jansson.h>
#include <stdbool.h>

#include <weir/error.h>

#include "request.h"
#include "secret.h"
#include "sha256.h"

#define GUARD_CHECKS_MAX 16
#define GUARD_ID_MAX     256 /* bytes of a delivery id with its NUL */

struct guard;

enum guard_verdict {
    GUARD_PASS,
    GUARD_UNAUTHORIZED, /* 401 */
    GUARD_FORBIDDEN,    /* 403: a wrong address, where no credential is asked for */
    GUARD_UNABLE        /* 503: without memory nothing can be said of them */
};

/* Without a check. *out is owned by the caller. */
int guard_new(struct guard **out, struct weir_error *error);

/*
 * Add a check: object has its "type" and keys, strings expanded, without secret and secrets, which
 * are copied. WEIR_EINVAL with the key at fault; an unknown type; a missing secret.
 */
int guard_add(struct guard *guard, const json_t *object, const struct secrets *secrets,
              struct weir_error *error);

/* Accepts NULL; leaves NULL. */
void guard_free(struct guard **guard);

/*
 * With the head alone, or, if one of its checks needs the body, with all of it: then the head
 * passes, since whoever was told at once that one credential is wrong would know when it is right.
 * NULL passes everything. Every check is made, whatever the others said. The reason is for the
 * operator.
 */
enum guard_verdict guard_judge_head(const struct guard *guard, const struct guard_request *request,
                                    struct weir_error *reason);
enum guard_verdict guard_judge_body(const struct guard *guard, const struct guard_request *request,
                                    struct weir_error *reason);
bool guard_needs_body(const struct guard *guard);

/* Does a check look at the public URL? Then nothing passes that is asked without one. */
bool guard_needs_url(const struct guard *guard);

/* What all of its checks together take. */
enum guard_takes guard_takes(const struct guard *guard);

/* What WWW-Authenticate says; good as long as the guard. */
const char *guard_challenge(const struct guard *guard);

/* The sender's own id of this delivery, by a signature's scheme. False: it has none. */
bool guard_delivery_id(const struct guard *guard, const struct guard_request *request,
                       char id[GUARD_ID_MAX]);

/* The live secret of a signature by which a request is good; NULL: there is none. */
const struct secret *guard_signer(const struct guard *guard, const struct guard_request *request);

/* Is there a check that can tell one sender from another? */
bool guard_can_identify(const struct guard *guard);

/* A digest of whom a request comes from that has passed: see check.h. Not of its address. */
void guard_identify(const struct guard *guard, const struct guard_request *request,
                    uint8_t digest[SHA256_LEN]);

/* Does this (lower-case) header carry a credential for it? */
bool guard_reads_header(const struct guard *guard, const char *name);

#endif
