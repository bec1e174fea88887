/* SPDX-License-Identifier: MIT */
/* The PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt, 2020/03/05). */
#ifndef GUARD_PROXY_H
#define GUARD_PROXY_H

#include <stddef.h>

#include "address.h"

#define PROXY_MAX 1024 /* bytes of a header; a longer one is refused */

enum proxy_result { PROXY_MORE, PROXY_DONE, PROXY_BAD };

/*
 * Look at the first bytes of a connection. DONE: *taken of them are the header, and *client is the
 * address it names: not known if the proxy could not say (UNKNOWN, other families), and left as it
 * was if the proxy speaks for itself (LOCAL).
 */
enum proxy_result proxy_parse(const char *bytes, size_t len, size_t *taken, struct address *client);

#endif
