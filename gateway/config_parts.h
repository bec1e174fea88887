/* SPDX-License-Identifier: MIT */
/* The parts of a configuration, each from its own file. Problems are added to the source's list. */
#ifndef GATEWAY_CONFIG_PARTS_H
#define GATEWAY_CONFIG_PARTS_H

#include "config.h"
#include "source.h"

#define CONFIG_CONNECTIONS_MAX 10000 /* entries in connections.json */

/* In order of name. */
void config_read_connections(struct config *config, const struct source *source);
/* In order of path; after the connections. */
void config_read_webhooks(struct config *config, const struct source *source);
/* Before reading: what holds without a server.json. 0 or WEIR_ENOMEM. */
int config_default_server(struct config_server *server);
void config_read_server(struct config_server *server, const struct source *source);

/* By its name; NULL if it is not there. The table may be NULL. */
const struct weir_setting *config_find_setting(const struct weir_setting *table, const char *key);

/*
 * Every member but `skip` (ends with NULL) as a setting; false if one was a problem. The keys that
 * are secrets in `table` (may be NULL) may be read from files and credentials.
 */
bool config_set_values(struct weir_settings *settings, const struct weir_setting *table,
                       const struct source *source, const json_t *object, const char *base,
                       const char *const *skip);
/* "public_url" of an object; *out is malloc'd, NULL if it is not there. False: a problem. */
bool config_read_public_url(char **out, const struct source *source, const json_t *object,
                            const char *base);
/* A problem with a key of that object, as a check of settings reported it. */
void config_settings_problem(const struct source *source, const json_t *object, const char *base,
                             const struct weir_error *error);

/* What an entry of webhooks.json says of its bodies. False: a problem was added. */
bool config_read_enter(struct config_webhook *webhook, const struct source *source,
                       const json_t *entry, const char *base);

/* Its "match"; after what its bodies are. False: a problem was added. */
bool config_read_match(struct config_webhook *webhook, const struct source *source,
                       const json_t *entry, const char *base);

/*
 * "tls" of server.json, whose files are read; after the rest of it. Whoever only wants to know
 * where a daemon listens need not be able to read them.
 */
void config_read_tls(struct config_server *server, const struct source *source);

/* "outbound" of server.json. */
void config_read_outbound(struct config_outbound *outbound, const struct source *source);
/* False, and a problem, if an entry of connections.json would set what belongs there. */
bool config_refuse_outbound(const struct source *source, const json_t *entry, const char *base);
/*
 * Into the settings of one connection, unless its backend has no host. WEIR_EINVAL if its driver
 * (a plugin's) has one but cannot be held to it.
 */
int config_apply_outbound(const struct config_outbound *outbound, const struct weir_driver *driver,
                          struct weir_settings *settings, struct weir_error *error);
void config_free_outbound(struct config_outbound *outbound);

void config_free_connections(struct config *config);
void config_free_webhooks(struct config *config);
void config_free_server(struct config_server *server);

#endif
