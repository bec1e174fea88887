/* SPDX-License-Identifier: MIT */
/* Settings, as the pool sees them beside the public functions. */
#ifndef POOL_SETTINGS_H
#define POOL_SETTINGS_H

#include <weir/driver.h>
#include <weir/settings.h>

#include "sha256.h"

/* The same but for the keys of the pool: its sizes and time-outs? */
bool settings_same_kin(const struct weir_settings *a, const struct weir_settings *b);

/* SHA-256 over `key` and the canonical form. */
void settings_hash(const struct weir_settings *settings, const uint8_t *key, size_t key_len,
                   uint8_t digest[SHA256_LEN]);

/* A new one with these sizes, else the same; NULL without memory. The caller owns it. */
struct weir_settings *settings_with_sizes(const struct weir_settings *settings, unsigned min,
                                          unsigned max);

#endif
