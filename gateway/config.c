/* SPDX-License-Identifier: MIT */
/*
 * Owns: the life of a configuration: loaded whole or not at all, shared, freed.
 * Never does: change one that has been handed out. Lock: none; references are atomic.
 */
#include "config.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"
#include "json_wipe.h"
#include "mapform.h"
#include "vault.h"

/* The references stand before the struct that everybody sees. */
struct counted {
    atomic_uint refs;
    struct config config;
};

static struct counted *counted_of(struct config *config)
{
    return (struct counted *)(void *)((char *)config - offsetof(struct counted, config));
}

static struct config *config_new(struct problems *problems)
{
    struct counted *counted = calloc(1, sizeof(*counted));

    if (counted == NULL || config_default_server(&counted->config.server) != 0) {
        problems_add(problems, NULL, 0, NULL, NULL, "out of memory");
        free(counted);
        return NULL;
    }
    atomic_init(&counted->refs, 1);
    return &counted->config;
}

struct config *config_ref(struct config *config)
{
    atomic_fetch_add_explicit(&counted_of(config)->refs, 1, memory_order_relaxed);
    return config;
}

void config_unref(struct config **at)
{
    struct config *config = *at;

    *at = NULL;
    if (config == NULL ||
        atomic_fetch_sub_explicit(&counted_of(config)->refs, 1, memory_order_acq_rel) != 1)
        return;
    weir_pin_unref(&config->pin);
    config_free_webhooks(config);
    config_free_connections(config);
    config_free_server(&config->server);
    free(counted_of(config));
}

/* ---- Loading --------------------------------------------------------------------------------- */

static char *token_of_environment(void)
{
    const char *token = getenv("WEIR_ADMIN_TOKEN");

    return token == NULL ? NULL : vault_copy(token, strlen(token));
}

static void read_server(struct config *config, const char *directory, struct problems *problems)
{
    struct source source;

    if (source_open(&source, directory, "server.json", false, problems) == 1) {
        config_read_server(&config->server, &source);
        config_read_tls(&config->server, &source);
        config->server.is_written = true;
        source_close(&source);
    }
    if (config->server.admin_token == NULL)
        config->server.admin_token = token_of_environment();
}

bool config_open_files(const char *directory, struct source *connections, struct source *webhooks,
                       struct problems *problems)
{
    int have_connections = source_open(connections, directory, "connections.json", true, problems);
    int have_webhooks = source_open(webhooks, directory, "webhooks.json", true, problems);

    if (have_connections != 1 || have_webhooks != 1)
        return false;
    return !mapform_is(webhooks->root) || mapform_apply(connections, webhooks);
}

static void read_rest(struct config *config, const char *directory, struct problems *problems)
{
    struct source connections, webhooks;

    if (config_open_files(directory, &connections, &webhooks, problems)) {
        config_read_connections(config, &connections);
        config_read_webhooks(config, &webhooks);
    } else if (connections.root != NULL && webhooks.root == NULL) {
        config_read_connections(config, &connections);
    }
    source_close(&connections);
    source_close(&webhooks);
}

static int deliver(struct config *config, struct config **out, const struct problems *problems)
{
    if (problems->count > 0) {
        config_unref(&config);
        return WEIR_EINVAL;
    }
    *out = config;
    return 0;
}

int config_load(const char *directory, struct config **out, struct problems *problems)
{
    struct config *config = config_new(problems);
    unsigned failures = json_wipe_failures();

    *out = NULL;
    if (config == NULL)
        return WEIR_EINVAL;
    read_server(config, directory, problems);
    read_rest(config, directory, problems);
    if (json_wipe_failures() != failures)
        problems_add(problems, NULL, 0, NULL, NULL, "out of memory");
    return deliver(config, out, problems);
}

/* ---- The embedded default -------------------------------------------------------------------- */

static const char embedded_webhooks[] =
    "{\"webhooks\":[{\"path\":\"/webhook/example\","
    "\"modules\":[{\"type\":\"sqlite\",\"connection\":\"embedded\"}]}]}";

/* Built, not printed, so that any path is quoted as JSON wants it. */
static char *embedded_connections(const char *database)
{
    json_t *root = json_pack("{s:{s:s,s:s}}", "embedded", "type", "sqlite", "path", database);
    char *text = root == NULL ? NULL : json_dumps(root, 0);

    json_decref(root);
    return text;
}

static void parse_embedded(struct config *config, char *connections, char *webhooks,
                           struct problems *problems)
{
    struct source source;

    if (connections == NULL || webhooks == NULL) {
        problems_add(problems, NULL, 0, NULL, NULL, "the path cannot be used");
        free(connections);
        free(webhooks);
        return;
    }
    if (source_parse(&source, "connections.json", connections, problems) == 1)
        config_read_connections(config, &source);
    source_close(&source);
    if (source_parse(&source, "webhooks.json", webhooks, problems) == 1)
        config_read_webhooks(config, &source);
    source_close(&source);
}

int config_embedded(const char *database, struct config **out, struct problems *problems)
{
    struct config *config = config_new(problems);

    *out = NULL;
    if (config == NULL)
        return WEIR_EINVAL;
    config->server.admin_token = token_of_environment();
    parse_embedded(config, embedded_connections(database), strdup(embedded_webhooks), problems);
    return deliver(config, out, problems);
}

/* ---- Looking up ------------------------------------------------------------------------------ */

/* As strcmp would order them, with a key that is not NUL-terminated. */
static int compare(const char *key, size_t len, const char *text)
{
    int order = strncmp(key, text, len);

    return order != 0 ? order : -(text[len] != '\0');
}

const struct config_webhook *config_webhook_find(const struct config *config, const char *path,
                                                 size_t len)
{
    size_t low = 0, high = config->webhooks_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare(path, len, config->webhooks[middle].path);
        if (order == 0)
            return &config->webhooks[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct config_connection *config_connection_find(const struct config *config,
                                                       const char *name)
{
    size_t low = 0, high = config->connections_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, config->connections[middle].name);
        if (order == 0)
            return &config->connections[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
