/* SPDX-License-Identifier: MIT */
/*
 * /admin/status and /readyz as JSON. No password, no DSN and no backend's words are in either:
 * an error is its status's name and fixed sentence.
 */
#ifndef GATEWAY_STATUS_H
#define GATEWAY_STATUS_H

#include <stdbool.h>
#include <stddef.h>

struct config;
struct gateway;

/* malloc'd, the caller's; NULL without memory. */
char *status_text(struct gateway *gateway, const struct config *config, size_t *len);

/*
 * Can it store now? Not while it stops, nor while a connection that is in use has no open backend
 * connection because opening fails. *ready says which; the text names the connections at fault.
 */
char *status_ready(struct gateway *gateway, bool *ready, size_t *len);

#endif
