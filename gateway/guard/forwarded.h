/* SPDX-License-Identifier: MIT */
/* Whose request a trusted proxy has passed on: X-Forwarded-For, or Forwarded (RFC 7239). */
#ifndef GUARD_FORWARDED_H
#define GUARD_FORWARDED_H

#include "address.h"
#include "request.h"

#define FORWARDED_HOPS_MAX 64 /* in all headers together */

/*
 * The client's address. What is no trusted proxy is the client itself, whatever it says. Else the
 * hops are walked from the last to the first: the first that is not trusted is the client; if all
 * are, the first. A hop that cannot be read, or too many of them, leave it unknown.
 */
void forwarded_client(struct address *out, const struct address *peer,
                      const struct networks *trusted, const char *header,
                      const struct request_header *headers, size_t count);

#endif
