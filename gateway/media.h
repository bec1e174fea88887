/* SPDX-License-Identifier: MIT */
/* Media types: what is a body said to be? */
#ifndef GATEWAY_MEDIA_H
#define GATEWAY_MEDIA_H

#include <stdbool.h>

/*
 * Is this Content-Type JSON: application/json or application/...+json, in UTF-8 if it names a
 * charset? Other parameters are let through. NULL, no Content-Type, counts as JSON.
 */
bool media_is_json(const char *content_type);

/*
 * Is it application/x-www-form-urlencoded, in UTF-8 if it names a charset? NULL is not: nobody
 * sends a form without saying so.
 */
bool media_is_form(const char *content_type);

enum media_coding {
    MEDIA_PLAIN, /* no Content-Encoding, or "identity" */
    MEDIA_GZIP,  /* "gzip", or "x-gzip" (RFC 9110, 8.4.1.3) */
    MEDIA_UNKNOWN
};

enum media_coding media_coding(const char *content_encoding);

#endif
