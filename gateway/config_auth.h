/* SPDX-License-Identifier: MIT */
/* The "auth" of a webhook's entry. */
#ifndef GATEWAY_CONFIG_AUTH_H
#define GATEWAY_CONFIG_AUTH_H

#include "config.h"
#include "source.h"

/*
 * Read entry's "auth" into webhook->guard; without one it stays NULL, and everybody may post.
 * False: a problem was added.
 */
bool config_read_auth(struct config_webhook *webhook, const struct source *source,
                      const json_t *entry, const char *base);

/*
 * Its "challenge": a name, or {"type": "meta", "verify_token": ...}; without one, what the preset
 * of its signature implies. After config_read_auth. False: a problem was added.
 */
bool config_read_challenge(struct config_webhook *webhook, const struct source *source,
                           const json_t *entry, const char *base);

#endif
