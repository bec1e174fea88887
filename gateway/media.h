/* SPDX-License-Identifier: MIT */
/* Media types: is a body said to be JSON? */
#ifndef GATEWAY_MEDIA_H
#define GATEWAY_MEDIA_H

#include <stdbool.h>

/*
 * Is this Content-Type JSON: application/json or application/...+json, in UTF-8 if it names a
 * charset? Other parameters are let through. NULL, no Content-Type, counts as JSON.
 */
bool media_is_json(const char *content_type);

/* Is this Content-Encoding none at all? NULL and "identity" are. */
bool media_is_plain(const char *content_encoding);

#endif
