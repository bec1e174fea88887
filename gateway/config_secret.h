/* SPDX-License-Identifier: MIT */
/*
 * Where a secret may stand in a configuration file: as a string with its environment variables, as
 * {"file": "/path"}, or as {"credential": "name"} (systemd's, in $CREDENTIALS_DIRECTORY).
 */
#ifndef GATEWAY_CONFIG_SECRET_H
#define GATEWAY_CONFIG_SECRET_H

#include <stdbool.h>

#include "secret.h"
#include "source.h"

/* Is it an object of that form? */
bool config_is_reference(const json_t *value);

/*
 * The secret's bytes, in a vault: out->bytes[out->len] is 0; vault_free(out->bytes, out->len + 1).
 * Of a file one newline at its end is left out. False: a problem was added.
 */
bool config_secret(const struct source *source, const json_t *value, const char *pointer,
                   const char *key, struct secret *out);

/* The same as a string without NUL, for settings; vault_free_string. NULL: a problem was added. */
char *config_secret_string(const struct source *source, const json_t *value, const char *pointer,
                           const char *key);

/*
 * All of an entry's "secret" and "secrets". False: a problem was added. An empty one is a problem,
 * none at all is not.
 */
bool config_secrets(const struct source *source, const json_t *entry, const char *base,
                    struct secrets *out);

#endif
