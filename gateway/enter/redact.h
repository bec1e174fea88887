/* SPDX-License-Identifier: MIT */
/* What must not be stored: places of a body, and headers. */
#ifndef ENTER_REDACT_H
#define ENTER_REDACT_H

#include "payload.h"
#include "places.h"

#define REDACT_TEXT        "\"[redacted]\"" /* what stands instead */
#define REDACT_HEADERS_MAX 64

/* Zero-initialise it; immutable once it is read. */
struct redact {
    struct places places;
    char **headers; /* lower case; at most REDACT_HEADERS_MAX */
    size_t headers_count;
};

/* A pointer (it begins with /) or the name of a header. WEIR_EINVAL, WEIR_ELIMIT, WEIR_ENOMEM. */
int redact_add(struct redact *redact, const char *what, struct weir_error *error);
void redact_fini(struct redact *redact);

/* Is this (lower-case) header to be left out? */
bool redact_has_header(const struct redact *redact, const char *name);

/*
 * Into *out, which is empty: the text, which json_check has found right, with REDACT_TEXT for
 * everything that stands at one of the places, of any type; every other byte is as it was. *out
 * stays empty if there is nothing at any of them. PAYLOAD_OK or PAYLOAD_OVERLOADED.
 */
enum payload_verdict redact_body(const struct redact *redact, const char *text, size_t len,
                                 const struct purse *purse, struct payload *out);

#endif
