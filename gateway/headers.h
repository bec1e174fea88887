/* SPDX-License-Identifier: MIT */
/* The headers that are stored with a webhook, as a JSON object. */
#ifndef GATEWAY_HEADERS_H
#define GATEWAY_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

#include "door.h"
#include "guard.h"
#include "redact.h"

#define HEADERS_JSON_MAX (128u << 10) /* bytes; headers past it are left out */

/*
 * May a header of this (lower-case) name be stored? Credentials, cookies and signatures may not,
 * and what describes the body as it was sent (RFC 9110, 8.4 and 8.6; RFC 9112, 6.1) would be wrong
 * of the one that is stored.
 */
bool headers_storable(const char *name);

/*
 * An object of lower-case names and values; the values of a repeated name are joined by ", ". Bytes
 * that are not UTF-8 become U+FFFD, so that it is always valid JSON. What carries a credential for
 * the guard (NULL: none) is left out, and what `redact` names. malloc'd and the caller's; NULL
 * without memory.
 */
char *headers_json(const struct request_header *headers, size_t count, const struct guard *guard,
                   const struct redact *redact, size_t *len);

#endif
