/* SPDX-License-Identifier: MIT */
/* Checking a request's body: exactly one JSON value (RFC 8259), well-formed to the last byte. */
#ifndef GATEWAY_JSON_H
#define GATEWAY_JSON_H

#include <stddef.h>

enum json_verdict {
    JSON_OK,
    JSON_EMPTY,     /* nothing but white space */
    JSON_SYNTAX,    /* not JSON, or something after the value */
    JSON_DEPTH,     /* nested deeper than allowed */
    JSON_LONG,      /* a string, or a key, longer than allowed */
    JSON_ENCODING,  /* not UTF-8 (RFC 3629), overlong forms and surrogates included */
    JSON_SURROGATE, /* an escaped surrogate (\ud800) without its other half */
    JSON_MEMORY
};

struct json_limits {
    unsigned depth; /* arrays and objects inside one another */
    size_t string;  /* bytes of one string or key as it is written, between its quotes */
};

/*
 * A key that stands twice in one object is let through: RFC 8259 allows it, the text is stored as
 * it came, and what counts is up to the destination.
 */
enum json_verdict json_check(const char *body, size_t len, const struct json_limits *limits);

/* For the log. */
const char *json_verdict_name(enum json_verdict verdict);

#endif
