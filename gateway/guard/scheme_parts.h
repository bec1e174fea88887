/* SPDX-License-Identifier: MIT */
/* What scheme.c reads and verdict.c follows. */
#ifndef GUARD_SCHEME_PARTS_H
#define GUARD_SCHEME_PARTS_H

#include "content.h"
#include "keys.h"
#include "scheme.h"

#define SCHEME_NAMES_MAX 4    /* headers for one thing */
#define SCHEME_BYTES_MAX 1024 /* in a decoded signature */

enum scheme_algorithm {
    SCHEME_HMAC_SHA1,
    SCHEME_HMAC_SHA256,
    SCHEME_HMAC_SHA512,
    SCHEME_SHA256, /* over a content that holds the secret */
    SCHEME_ED25519,
    SCHEME_ECDSA_P256,
    SCHEME_EQUAL /* the secret itself */
};

enum scheme_encoding { SCHEME_HEX, SCHEME_BASE64, SCHEME_BASE64URL };

enum scheme_key_kind {
    SCHEME_KEY_RAW,
    SCHEME_KEY_BASE64,
    SCHEME_KEY_HEX,
    SCHEME_KEY_WHSEC, /* base64 behind "whsec_", which may be missing */
    SCHEME_KEY_WHPK,  /* an Ed25519 key, base64 behind "whpk_" */
    SCHEME_KEY_PEM,
    SCHEME_KEY_SPKI /* base64 of SubjectPublicKeyInfo */
};

/* Header names (lower case), the first that is there counts. */
struct scheme_names {
    char *items[SCHEME_NAMES_MAX];
    size_t count;
};

struct scheme {
    enum scheme_algorithm algorithm;
    enum scheme_encoding encoding;
    enum scheme_key_kind key_kind;
    enum signature_unit unit;

    struct scheme_names headers; /* where the signature stands: one of these three */
    char *query, *body;          /* a parameter; a JSON pointer */
    char *prefix;                /* before it */
    char separator;              /* between several; 0: there is one */
    char *pick;                  /* those whose key is this; NULL: all */
    char assign;                 /* between key and value */
    struct content *content;

    struct scheme_names time_headers;
    char *time_pick, *time_body; /* beside the signature; in the body */
    double tolerance;            /* seconds, both ways; 0: not looked at */
    struct scheme_names id_headers;
    char *id_body;
    char *hash_query; /* a parameter that holds the body's SHA-256 in hex */

    struct secrets secrets; /* decoded */
    struct keys keys;
};

const EVP_MD *scheme_md(const struct scheme *scheme);

/* The one value of the first of these headers that is there; NULL: none, or two of a name. */
const char *scheme_header(const struct guard_request *request, const struct scheme_names *names);

/* The next part of a list at *at, without the spaces around it. */
const char *scheme_next_part(const char **at, char separator, size_t *len);

/* As it was sent. False: it is not there. */
bool scheme_time_text(const struct scheme *scheme, const struct guard_request *request,
                      char text[SIGNATURE_ID_MAX]);

/*
 * What is wrong with that text, NULL if it is not there? It must be within the tolerance, both
 * ways: what comes from the future was signed by nobody we know. Without a tolerance it must be
 * readable all the same: where it is signed next to the body, bytes could be moved from one to the
 * other.
 */
const char *scheme_wrong_time(const struct scheme *scheme, const struct guard_request *request,
                              const char *text);

#endif
