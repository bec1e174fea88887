/* SPDX-License-Identifier: MIT */
/* One way of signing: data, the live keys, and the one engine that follows them. */
#ifndef GUARD_SCHEME_H
#define GUARD_SCHEME_H

#include "signature.h"

struct scheme;

/* From a configuration's object, presets merged in; checks its keys. */
int scheme_new(struct scheme **out, const json_t *object, struct weir_error *error);
void scheme_free(struct scheme **scheme);

/* Decode and keep it, if it is a key of this scheme's kind. */
int scheme_add_secret(struct scheme *scheme, const struct secret *secret, struct weir_error *error);

/* Has it a live secret or key? Without one it takes no part. */
bool scheme_is_armed(const struct scheme *scheme);
/* Are its keys public ones? */
bool scheme_is_asymmetric(const struct scheme *scheme);

bool scheme_needs_body(const struct scheme *scheme);
bool scheme_needs_url(const struct scheme *scheme);
enum guard_takes scheme_takes(const struct scheme *scheme);
bool scheme_reads_header(const struct scheme *scheme, const char *name);

struct scheme_verdict {
    bool sent;                   /* something of its form was sent at all */
    const struct secret *signer; /* the live one by which it is good, of hmac-... and sha256 */
};

int scheme_judge(const struct scheme *scheme, const struct guard_request *request,
                 struct scheme_verdict *verdict, struct weir_error *error);
bool scheme_delivery_id(const struct scheme *scheme, const struct guard_request *request,
                        char id[SIGNATURE_ID_MAX]);
bool scheme_timestamp(const struct scheme *scheme, const struct guard_request *request,
                      int64_t *seconds);
enum signature_unit scheme_unit(const struct scheme *scheme);
int scheme_sign(const struct scheme *scheme, const struct guard_request *request,
                const struct signature_key *key, const char *timestamp, const char *id,
                signature_emit *emit, void *context, struct weir_error *error);

#endif
