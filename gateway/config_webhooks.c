/* SPDX-License-Identifier: MIT */
/*
 * Owns: webhooks.json: paths, ids, modules.
 * Never does: know a sink's options; target_new does. Lock: none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "config_auth.h"
#include "config_pace.h"
#include "config_parts.h"
#include "text.h"

#define ID_MAX      256
#define NEAREST_MAX 64 /* connections looked at for "did you mean" */

static const char *const module_keys[] = {"type", "connection", "module-config", NULL};

/* ---- Modules --------------------------------------------------------------------------------- */

/* A required string member; malloc'd, NULL with a problem added. */
static char *member(const struct source *source, const json_t *object, const char *base,
                    const char *key)
{
    char pointer[SOURCE_POINTER_MAX];
    const json_t *value = json_object_get(object, key);

    if (value == NULL) {
        source_problem(source, base, key, "%s is required", key);
        return NULL;
    }
    source_pointer(pointer, base, key);
    return source_string(source, value, pointer, key);
}

static void unknown_connection(const struct config *config, const struct source *source,
                               const char *pointer, const char *name)
{
    const char *names[NEAREST_MAX];
    size_t count = 0;

    if (json_object_get(config->unread, name) != NULL)
        return; /* what is wrong with it has been said */
    for (; count < config->connections_count && count < NEAREST_MAX; count++)
        names[count] = config->connections[count].name;
    source_unknown(source, pointer, "connection", "connection", name, names, count);
}

static void unknown_module(const struct source *source, const char *pointer, const char *type)
{
    const char *names[BACKENDS_MAX];

    source_unknown(source, pointer, "type", "module", type, names, backends_sink_names(names));
}

static bool find_parts(struct config_module *module, const struct config *config,
                       const struct source *source, const json_t *entry, const char *base)
{
    char pointer[SOURCE_POINTER_MAX];
    char *type = member(source, entry, base, "type");
    char *name = member(source, entry, base, "connection");

    module->sink = type == NULL ? NULL : backends_sink(type);
    module->connection = name == NULL ? NULL : config_connection_find(config, name);
    source_pointer(pointer, base, "type");
    if (type != NULL && module->sink == NULL)
        unknown_module(source, pointer, type);
    source_pointer(pointer, base, "connection");
    if (name != NULL && module->connection == NULL)
        unknown_connection(config, source, pointer, name);
    bool good = module->sink != NULL && module->connection != NULL;
    if (good && module->connection->driver != module->sink->driver) {
        source_problem(source, pointer, "connection", "%s is of type %s, not %s", name,
                       module->connection->driver->name, module->sink->driver->name);
        good = false;
    }
    free(type);
    free(name);
    return good;
}

/* Options stand beside type and connection, or in a module-config object, or both. */
static bool read_options(struct weir_settings *options, const struct source *source,
                         const json_t *entry, const char *base)
{
    static const char *const none[] = {NULL};
    char inner[SOURCE_POINTER_MAX];
    const json_t *object = json_object_get(entry, "module-config");

    bool good = config_set_values(options, NULL, source, entry, base, module_keys);
    if (object == NULL)
        return good;
    source_pointer(inner, base, "module-config");
    if (!json_is_object(object)) {
        source_problem(source, inner, "module-config", "must be an object");
        return false;
    }
    return config_set_values(options, NULL, source, object, inner, none) && good;
}

static void target_problem(const struct source *source, const json_t *entry, const char *base,
                           const struct weir_error *error)
{
    char inner[SOURCE_POINTER_MAX];
    const json_t *object = json_object_get(entry, "module-config");

    source_pointer(inner, base, "module-config");
    if (object != NULL && json_object_get(object, error->key) != NULL)
        config_settings_problem(source, object, inner, error);
    else
        config_settings_problem(source, entry, base, error);
}

/* However its keys are ordered, and whatever stands in them. */
static bool identify(struct config_module *module, const json_t *entry)
{
    char *text = json_dumps(entry, JSON_SORT_KEYS | JSON_COMPACT);

    if (text == NULL)
        return false;
    sha256_of(text, strlen(text), module->identity);
    free(text);
    return true;
}

static bool read_module(struct config_module *module, const struct config *config,
                        const struct source *source, const json_t *entry, const char *base)
{
    struct weir_settings *options;
    struct weir_error error = {.status = 0};

    if (!json_is_object(entry)) {
        source_problem(source, base, NULL, "must be an object");
        return false;
    }
    if (!find_parts(module, config, source, entry, base))
        return false;
    if (weir_settings_new(&options, module->sink->name, &error) != 0) {
        source_problem(source, base, NULL, "%s", error.detail);
        return false;
    }
    bool good = read_options(options, source, entry, base);
    if (good && !identify(module, entry)) {
        source_problem(source, base, NULL, "out of memory");
        good = false;
    }
    if (good && module->sink->target_new(&module->target, options, &error) != 0) {
        target_problem(source, entry, base, &error);
        good = false;
    }
    weir_settings_unref(&options);
    return good;
}

static bool read_modules(struct config_webhook *webhook, const struct config *config,
                         const struct source *source, const json_t *entry, const char *base)
{
    char list[SOURCE_POINTER_MAX], pointer[SOURCE_POINTER_MAX], index[24];
    const json_t *modules = json_object_get(entry, "modules");
    size_t count = json_array_size(modules);
    bool good = true;

    source_pointer(list, base, "modules");
    if (modules == NULL || count == 0 || count > CONFIG_MODULES_MAX) {
        source_problem(source, modules == NULL ? base : list, "modules",
                       "modules must be an array of 1 to %d modules", CONFIG_MODULES_MAX);
        return false;
    }
    webhook->modules = calloc(count, sizeof(*webhook->modules));
    if (webhook->modules == NULL) {
        source_problem(source, list, NULL, "out of memory");
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        snprintf(index, sizeof(index), "%zu", i);
        source_pointer(pointer, list, index);
        struct config_module *module = &webhook->modules[webhook->modules_count];
        if (read_module(module, config, source, json_array_get(modules, i), pointer))
            webhook->modules_count++;
        else
            good = false;
    }
    return good;
}

/* ---- Entries --------------------------------------------------------------------------------- */

static const char *wrong_path(const char *path)
{
    static const char *const taken[] = {"/healthz", "/health", "/readyz",
                                        "/metrics", "/admin",  NULL};

    if (path[0] != '/' || strlen(path) > CONFIG_PATH_MAX)
        return "must begin with / and be at most 1024 bytes long";
    for (const char *at = path; *at != '\0'; at++)
        if (*at <= ' ' || *at > '~' || *at == '?' || *at == '#')
            return "must be printable ASCII without spaces, ? and #";
    for (const char *const *at = taken; *at != NULL; at++) {
        size_t len = strlen(*at);
        if (strncmp(path, *at, len) == 0 && (path[len] == '\0' || path[len] == '/'))
            return "belongs to weir itself";
    }
    return NULL;
}

/* The entry's own id, else its path without a leading /webhook/. */
static char *read_id(const struct source *source, const json_t *entry, const char *base,
                     const char *path)
{
    static const char prefix[] = "/webhook/";
    char pointer[SOURCE_POINTER_MAX];
    const json_t *value = json_object_get(entry, "id");
    size_t skip = strncmp(path, prefix, sizeof(prefix) - 1) == 0 ? sizeof(prefix) - 1 : 1;

    if (value == NULL) {
        char *copy = strdup(path[skip] == '\0' ? path : path + skip);
        if (copy == NULL)
            source_problem(source, base, "id", "out of memory");
        return copy;
    }
    source_pointer(pointer, base, "id");
    char *id = source_string(source, value, pointer, "id");
    if (id == NULL)
        return NULL;
    if (id[0] != '\0' && strlen(id) <= ID_MAX && text_printable(id, strlen(id)))
        return id;
    source_problem(source, pointer, "id", "must have 1 to %d bytes of printable text", ID_MAX);
    free(id);
    return NULL;
}

/* A field name of HTTP (RFC 9110, section 5.6.2), which is compared in lower case. */
static bool read_delivery_header(struct config_webhook *webhook, const struct source *source,
                                 const json_t *entry, const char *base)
{
    const json_t *value = json_object_get(entry, "delivery_id_header");
    char pointer[SOURCE_POINTER_MAX];

    if (value == NULL)
        return true;
    source_pointer(pointer, base, "delivery_id_header");
    char *name = source_string(source, value, pointer, "delivery_id_header");
    if (name == NULL)
        return false;
    webhook->delivery_header = name;
    for (char *at = name; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at | 0x20);
    if (text_is_token(name))
        return true;
    source_problem(source, pointer, "delivery_id_header", "must be the name of an HTTP header");
    return false;
}

static void free_webhook(struct config_webhook *webhook)
{
    for (size_t i = 0; i < webhook->modules_count; i++)
        webhook->modules[i].sink->target_free(&webhook->modules[i].target);
    free(webhook->modules);
    free(webhook->path);
    free(webhook->id);
    free(webhook->delivery_header);
    free(webhook->public_url);
    guard_free(&webhook->guard);
    challenge_fini(&webhook->challenge);
    redact_fini(&webhook->redact);
    if (webhook->match != NULL)
        match_fini(webhook->match);
    free(webhook->match);
}

/* Senders who sign the URL would all be turned away. */
static bool check_url(const struct config_webhook *webhook, const struct config_server *server,
                      const struct source *source, const char *base)
{
    if (webhook->public_url != NULL || server->public_url != NULL ||
        !guard_needs_url(webhook->guard))
        return true;
    source_problem(source, base, "public_url",
                   "public_url is needed here or in server.json: the sender signs it");
    return false;
}

/* Some signatures are good only, or not at all, over bodies of one kind. */
static bool check_content(const struct config_webhook *webhook, const struct source *source,
                          const char *base)
{
    enum guard_takes takes = guard_takes(webhook->guard);
    char pointer[SOURCE_POINTER_MAX];
    const char *wrong = NULL;

    if (takes == GUARD_TAKES_JSON && webhook->content != CONTENT_JSON)
        wrong = "must be json: a sha256 that begins with the secret can be forged for other bodies";
    else if (takes == GUARD_TAKES_NO_FORM && webhook->content == CONTENT_FORM)
        wrong = "must not be form: the signature in auth is looked for in a JSON body";
    if (wrong == NULL)
        return true;
    source_pointer(pointer, base, "content");
    source_problem(source, pointer, "content", "%s", wrong);
    return false;
}

static bool read_entry(struct config_webhook *webhook, const struct config *config,
                       const struct source *source, const json_t *entry, const char *base)
{
    static const char *const keys[] = {
        "path",      "id",      "modules", "delivery_id_header", "public_url", "auth",
        "challenge", "content", "redact",  "rate_limit",         "match",      NULL};
    char pointer[SOURCE_POINTER_MAX];

    if (!json_is_object(entry)) {
        source_problem(source, base, NULL, "must be an object");
        return false;
    }
    source_check_keys(source, entry, base, keys);
    webhook->path = member(source, entry, base, "path");
    bool good = read_modules(webhook, config, source, entry, base);
    if (webhook->path == NULL)
        return false;
    const char *wrong = wrong_path(webhook->path);
    if (wrong != NULL) {
        source_pointer(pointer, base, "path");
        source_problem(source, pointer, "path", "%s", wrong);
        return false;
    }
    webhook->id = read_id(source, entry, base, webhook->path);
    good = read_delivery_header(webhook, source, entry, base) && good;
    good = config_read_public_url(&webhook->public_url, source, entry, base) && good;
    good = config_read_enter(webhook, source, entry, base) && good;
    good = config_read_match(webhook, source, entry, base) && good;
    good = config_read_auth(webhook, source, entry, base) && good;
    good = check_url(webhook, &config->server, source, base) && good;
    good = check_content(webhook, source, base) && good;
    good = config_read_pace(webhook, source, entry, base) && good;
    return config_read_challenge(webhook, source, entry, base) && good && webhook->id != NULL;
}

/* Those of one path as they stand in the file. */
static int by_path(const void *a, const void *b)
{
    const struct config_webhook *one = a, *other = b;
    int order = strcmp(one->path, other->path);

    return order != 0 ? order
                      : (one->position > other->position) - (one->position < other->position);
}

static void check_unique(const struct config *config, const struct source *source)
{
    char pointer[SOURCE_POINTER_MAX];

    for (size_t i = 1; i < config->webhooks_count; i++) {
        const struct config_webhook *one = &config->webhooks[i - 1], *other = one + 1;
        if (strcmp(one->path, other->path) != 0)
            continue;
        snprintf(pointer, sizeof(pointer), "/webhooks/%zu/path", other->position);
        source_problem(source, pointer, "path", "two webhooks have the path %s", other->path);
    }
}

static void read_list(struct config *config, const struct source *source, const json_t *list)
{
    char pointer[SOURCE_POINTER_MAX], index[24];

    for (size_t i = 0; i < json_array_size(list); i++) {
        struct config_webhook *webhook = &config->webhooks[config->webhooks_count];
        snprintf(index, sizeof(index), "%zu", i);
        source_pointer(pointer, "/webhooks", index);
        webhook->position = i;
        if (read_entry(webhook, config, source, json_array_get(list, i), pointer)) {
            config->webhooks_count++;
        } else {
            free_webhook(webhook);
            memset(webhook, 0, sizeof(*webhook));
        }
    }
    qsort(config->webhooks, config->webhooks_count, sizeof(*config->webhooks), by_path);
    check_unique(config, source);
}

void config_read_webhooks(struct config *config, const struct source *source)
{
    static const char *const keys[] = {"webhooks", NULL};
    const json_t *list = json_object_get(source->root, "webhooks");

    source_check_keys(source, source->root, "", keys);
    if (!json_is_array(list) || json_array_size(list) > CONFIG_WEBHOOKS_MAX) {
        source_problem(source, list == NULL ? "" : "/webhooks", "webhooks",
                       "webhooks must be an array of at most %d entries", CONFIG_WEBHOOKS_MAX);
        return;
    }
    config->webhooks = calloc(json_array_size(list) + 1, sizeof(*config->webhooks));
    if (config->webhooks == NULL)
        source_problem(source, "", NULL, "out of memory");
    else
        read_list(config, source, list);
}

void config_free_webhooks(struct config *config)
{
    for (size_t i = 0; i < config->webhooks_count; i++)
        free_webhook(&config->webhooks[i]);
    free(config->webhooks);
}
