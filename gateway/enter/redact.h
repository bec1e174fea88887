/* SPDX-License-Identifier: MIT */
/* What must not be stored: places of a body, and headers. */
#ifndef ENTER_REDACT_H
#define ENTER_REDACT_H

#include "payload.h"
#include "places.h"

#define REDACT_TEXT        "\"[redacted]\"" /* what stands instead */
#define REDACT_HEADERS_MAX 64
#define REDACT_KEYS_MAX    64
#define REDACT_KEY_MAX     256 /* bytes of one */

/* Zero-initialise it; immutable once it is read. */
struct redact {
    struct places places;
    char **headers; /* lower case; at most REDACT_HEADERS_MAX */
    size_t headers_count;
    char **keys; /* lower case; at most REDACT_KEYS_MAX */
    size_t keys_count;
    bool words; /* and whatever is named after a credential */
};

/* A pointer (it begins with /) or the name of a header. WEIR_EINVAL, WEIR_ELIMIT, WEIR_ENOMEM. */
int redact_add(struct redact *redact, const char *what, struct weir_error *error);
/*
 * The name of members, wherever in the body they stand; letters of ASCII in either case.
 * WEIR_EINVAL if it is empty or too long, WEIR_ELIMIT, WEIR_ENOMEM.
 */
int redact_add_key(struct redact *redact, const char *key, struct weir_error *error);
/* What usually is a credential: some thirty keys ("password", "token" ...), and headers. */
int redact_add_credentials(struct redact *redact, struct weir_error *error);
/*
 * What is named after one: members whose name holds "password", "secret", "token", "key",
 * "credential" or "auth", in either case, and headers whose name does, or is one of the keys that
 * usually are credentials. Of a member that is an object only what its own members' names say so
 * of, and of an array the items, in the same way.
 */
void redact_add_words(struct redact *redact);
void redact_fini(struct redact *redact);

/* Is this (lower-case) header to be left out? */
bool redact_has_header(const struct redact *redact, const char *name);

/*
 * Into *out, which is empty: the text, which json_check has found right, with REDACT_TEXT for
 * everything that stands at one of the places or under one of the keys, of any type, and for what
 * is named after a credential; every other byte is as it was. *out stays empty if there is nothing
 * at any of them. PAYLOAD_OK or PAYLOAD_OVERLOADED.
 */
enum payload_verdict redact_body(const struct redact *redact, const char *text, size_t len,
                                 const struct purse *purse, struct payload *out);

#endif
