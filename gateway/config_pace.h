/* SPDX-License-Identifier: MIT */
/* "rate_limit" of an entry of webhooks.json. */
#ifndef GATEWAY_CONFIG_PACE_H
#define GATEWAY_CONFIG_PACE_H

#include "config.h"
#include "source.h"

/* The entry at `base`; its path and guard have been read. False: a problem was added. */
bool config_read_pace(struct config_webhook *webhook, const struct source *source,
                      const json_t *entry, const char *base);

#endif
