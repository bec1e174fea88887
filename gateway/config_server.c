/* SPDX-License-Identifier: MIT */
/*
 * Owns: server.json: its keys, defaults and bounds, in one table.
 * Never does: listen (door.c). Lock: none.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "clock.h"
#include "config_parts.h"
#include "config_secret.h"
#include "object.h"
#include "vault.h"

enum kind { COUNT32, SIZE, SPAN, SECRET, ADDRESS, FLAG, LEVEL, FORMAT };

struct key {
    const char *name;
    enum kind kind;
    size_t offset;
    double min, max;
};

#define AT(field) offsetof(struct config_server, field)
#define MIB       (1024.0 * 1024.0)
#define DAY       86400.0

static const struct key top_keys[] = {{"listen", ADDRESS, AT(listen), 0, 0},
                                      {"admin_listen", ADDRESS, AT(admin_listen), 0, 0},
                                      {"admin_token", SECRET, AT(admin_token), 0, 0},
                                      {"loops", COUNT32, AT(loops), 1, 64},
                                      {"watch", FLAG, AT(watch), 0, 0},
                                      {"proxy_protocol", FLAG, AT(proxy_protocol), 0, 0},
                                      {"migration_timeout", SPAN, AT(migration_timeout), 0, DAY},
                                      {"request_timeout", SPAN, AT(request_timeout), 0, DAY},
                                      {"shutdown_timeout", SPAN, AT(shutdown_timeout), 0, DAY},
                                      {NULL, FLAG, 0, 0, 0}};

static const struct key limit_keys[] = {
    {"body", SIZE, AT(body_max), 1, 64 * MIB},
    {"head", SIZE, AT(head_max), 256, MIB},
    {"headers", COUNT32, AT(headers_max), 1, 1000},
    {"json_depth", COUNT32, AT(json_depth_max), 1, 1000},
    {"json_string", SIZE, AT(json_string_max), 1, 64 * MIB},
    {"form_fields", COUNT32, AT(form_fields_max), 1, 10000},
    {"inflate_ratio", COUNT32, AT(inflate_ratio_max), 1, 2000},
    {"connections", COUNT32, AT(connections_max), 1, 1000000},
    {"connections_per_address", COUNT32, AT(per_address_max), 0, 1000000},
    {"body_rate", SIZE, AT(body_rate), 0, 64 * MIB},
    {"inflight_requests", COUNT32, AT(requests_max), 1, 1000000},
    {"inflight_bytes", SIZE, AT(inflight_max), 1, 1024 * 1024 * MIB},
    {"inflight_bytes_per_address", SIZE, AT(bytes_per_address_max), 0, 1024 * 1024 * MIB},
    {"batch", COUNT32, AT(batch_max), 1, WEIR_BATCH_MAX},
    {"queue", COUNT32, AT(queue_max), 1, 1000000},
    {"queue_bytes", SIZE, AT(queue_bytes_max), 1, 1024 * 1024 * MIB},
    {"head_timeout", SPAN, AT(head_timeout), 0, DAY},
    {"body_timeout", SPAN, AT(body_timeout), 0, DAY},
    {"idle_timeout", SPAN, AT(idle_timeout), 0, DAY},
    {NULL, FLAG, 0, 0, 0}};

static const struct key log_keys[] = {{"format", FORMAT, AT(log_format), 0, 0},
                                      {"level", LEVEL, AT(log_level), 0, 0},
                                      {NULL, FLAG, 0, 0, 0}};

int config_default_server(struct config_server *server)
{
    *server = (struct config_server){.loops = 1,
                                     .watch = true,
                                     .migration_timeout = 300 * CLOCK_SECOND,
                                     .request_timeout = 30 * CLOCK_SECOND,
                                     .shutdown_timeout = 30 * CLOCK_SECOND,
                                     .head_timeout = 10 * CLOCK_SECOND,
                                     .body_timeout = 30 * CLOCK_SECOND,
                                     .idle_timeout = 75 * CLOCK_SECOND,
                                     .body_max = 1 << 20,
                                     .head_max = 16 << 10,
                                     .headers_max = 100,
                                     .json_depth_max = 64,
                                     .json_string_max = 64u << 20,
                                     .form_fields_max = 1000,
                                     .inflate_ratio_max = 100,
                                     .connections_max = 4096,
                                     .per_address_max = 1024,
                                     .bytes_per_address_max = 64 * MIB,
                                     .body_rate = 240,
                                     .inflight_max = 256u << 20,
                                     .requests_max = 10000,
                                     .batch_max = WEIR_BATCH_MAX,
                                     .queue_max = 10000,
                                     .queue_bytes_max = 64u << 20,
                                     .log_format = LOG_LOGFMT,
                                     .log_level = LOG_INFO};
    server->listen = strdup("127.0.0.1:8000");
    server->forwarded_header = strdup("x-forwarded-for");
    return server->listen == NULL || server->forwarded_header == NULL ? WEIR_ENOMEM : 0;
}

void config_free_server(struct config_server *server)
{
    free(server->listen);
    free(server->admin_listen);
    vault_free_string(server->admin_token);
    free(server->public_url);
    free(server->forwarded_header);
    networks_fini(&server->trusted_proxies);
    config_free_outbound(&server->outbound);
    tls_free(&server->tls);
}

/* ---- Values ---------------------------------------------------------------------------------- */

static bool is_port(const char *text)
{
    size_t len = strspn(text, "0123456789");

    return len > 0 && len <= 5 && text[len] == '\0' && strtoul(text, NULL, 10) <= 65535;
}

/* "host:port", "[v6]:port" or "unix:/path". */
static bool is_address(const char *text)
{
    const char *colon = strrchr(text, ':');

    if (strncmp(text, "unix:", 5) == 0)
        return text[5] == '/';
    if (colon == NULL || colon == text || !is_port(colon + 1))
        return false;
    return text[0] == '[' ? colon[-1] == ']' : strchr(text, ':') == colon;
}

static void set_address(char **field, const struct source *source, const struct key *key,
                        const json_t *value, const char *pointer)
{
    char *text = source_string(source, value, pointer, key->name);

    if (text == NULL)
        return;
    if (!is_address(text)) {
        source_problem(source, pointer, key->name, "must be host:port, [v6]:port or unix:/path");
        free(text);
        return;
    }
    free(*field);
    *field = text;
}

static void set_secret(char **field, const struct source *source, const struct key *key,
                       const json_t *value, const char *pointer)
{
    char *text = config_secret_string(source, value, pointer, key->name);

    if (text != NULL && text[0] == '\0') {
        source_problem(source, pointer, key->name, "must not be empty");
        vault_free_string(text);
        return;
    }
    vault_free_string(*field);
    *field = text;
}

static void set_number(void *field, const struct source *source, const struct key *key,
                       const json_t *value, const char *pointer)
{
    double number = json_number_value(value);
    bool whole = json_is_integer(value);

    if (key->kind == SPAN) {
        if (!json_is_number(value) || number <= 0 || number > key->max)
            source_problem(source, pointer, key->name,
                           "must be a number of seconds above 0 and at most %.0f", key->max);
        else
            *(int64_t *)field = clock_from_seconds(number);
        return;
    }
    if (!whole || number < key->min || number > key->max)
        source_problem(source, pointer, key->name, "must be a whole number from %.0f to %.0f",
                       key->min, key->max);
    else if (key->kind == SIZE)
        *(size_t *)field = (size_t)json_integer_value(value);
    else
        *(unsigned *)field = (unsigned)json_integer_value(value);
}

static void set_word(void *field, const struct source *source, const struct key *key,
                     const json_t *value, const char *pointer)
{
    const char *word = json_is_string(value) ? json_string_value(value) : "";

    if (key->kind == LEVEL && !log_level_parse(word, field))
        source_problem(source, pointer, key->name, "must be debug, info, warning or error");
    if (key->kind == FORMAT && !log_format_parse(word, field))
        source_problem(source, pointer, key->name, "must be logfmt or json");
}

static void set(struct config_server *server, const struct source *source, const struct key *key,
                const json_t *value, const char *pointer)
{
    void *field = (char *)server + key->offset;

    switch (key->kind) {
    case COUNT32:
    case SIZE:
    case SPAN: set_number(field, source, key, value, pointer); break;
    case SECRET: set_secret(field, source, key, value, pointer); break;
    case ADDRESS: set_address(field, source, key, value, pointer); break;
    case LEVEL:
    case FORMAT: set_word(field, source, key, value, pointer); break;
    case FLAG:
        if (!json_is_boolean(value))
            source_problem(source, pointer, key->name, "must be true or false");
        else
            *(bool *)field = json_is_true(value);
        break;
    }
}

/* ---- Objects --------------------------------------------------------------------------------- */

#define KEYS_MAX 32

/* `more`: names of objects inside, read elsewhere; ends with NULL. */
static void read_object(struct config_server *server, const struct source *source,
                        const json_t *object, const char *base, const struct key *keys,
                        const char *const *more)
{
    const char *known[KEYS_MAX] = {NULL};
    char pointer[SOURCE_POINTER_MAX];
    size_t count = 0;

    for (const struct key *key = keys; key->name != NULL; key++) {
        const json_t *value = json_object_get(object, key->name);
        known[count++] = key->name;
        source_pointer(pointer, base, key->name);
        if (value != NULL)
            set(server, source, key, value, pointer);
    }
    while (*more != NULL)
        known[count++] = *more++;
    source_check_keys(source, object, base, known);
}

static void read_inner(struct config_server *server, const struct source *source, const char *name,
                       const struct key *keys)
{
    static const char *const none[] = {NULL};
    char base[SOURCE_POINTER_MAX];
    const json_t *object = json_object_get(source->root, name);

    if (object == NULL)
        return;
    source_pointer(base, "", name);
    if (json_is_object(object))
        read_object(server, source, object, base, keys, none);
    else
        source_problem(source, base, name, "must be an object");
}

/* Loaded at once, since the other files may use what they bring. */
static void read_plugins(const struct source *source)
{
    const json_t *list = json_object_get(source->root, "plugins");
    char pointer[SOURCE_POINTER_MAX], number[24];
    struct weir_error error = {.status = 0};

    if (list != NULL && !json_is_array(list))
        source_problem(source, "/plugins", "plugins", "must be an array of files");
    for (size_t i = 0; i < json_array_size(list); i++) {
        snprintf(number, sizeof(number), "%zu", i);
        source_pointer(pointer, "/plugins", number);
        char *path = source_string(source, json_array_get(list, i), pointer, "plugins");
        if (path != NULL && backends_load(path, &error) != 0)
            source_problem(source, pointer, "plugins", "%s", error.detail);
        free(path);
    }
}

/* ---- Who is before us ------------------------------------------------------------------------ */

static void read_network(struct config_server *server, const struct source *source,
                         const json_t *value, const char *pointer)
{
    struct weir_error error;
    char *text = source_string(source, value, pointer, "trusted_proxies");

    if (text != NULL && networks_add_peer(&server->trusted_proxies, text, &error) != 0)
        source_problem(source, pointer, "trusted_proxies", "%s", error.detail);
    free(text);
}

static void read_proxies(struct config_server *server, const struct source *source)
{
    const json_t *list = json_object_get(source->root, "trusted_proxies");
    char pointer[SOURCE_POINTER_MAX], number[24], *name;
    struct weir_error error = {.status = 0};

    if (list != NULL && !json_is_array(list))
        source_problem(source, "/trusted_proxies", "trusted_proxies",
                       "must be an array of addresses and networks");
    for (size_t i = 0; i < json_array_size(list); i++) {
        snprintf(number, sizeof(number), "%zu", i);
        source_pointer(pointer, "/trusted_proxies", number);
        read_network(server, source, json_array_get(list, i), pointer);
    }
    if (object_header_name(source->root, "forwarded_header", server->forwarded_header, &name,
                           &error) != 0) {
        source_problem(source, "/forwarded_header", "forwarded_header", "%s", error.detail);
    } else {
        free(server->forwarded_header);
        server->forwarded_header = name;
    }
    if (server->proxy_protocol && server->trusted_proxies.count == 0 &&
        !server->trusted_proxies.local)
        source_problem(source, "/proxy_protocol", "proxy_protocol",
                       "needs trusted_proxies: whose connections begin with such a header");
}

/* "https://host", and the path that is taken away on the way here, if any. */
static bool is_public_url(const char *text)
{
    size_t skip = strncmp(text, "https://", 8) == 0 ? 8 : strncmp(text, "http://", 7) == 0 ? 7 : 0;
    const char *rest = text + skip;

    return skip > 0 && rest[0] != '\0' && rest[0] != '/' && strpbrk(rest, "?# \t\"\\") == NULL;
}

bool config_read_public_url(char **out, const struct source *source, const json_t *object,
                            const char *base)
{
    const json_t *value = json_object_get(object, "public_url");
    char pointer[SOURCE_POINTER_MAX];

    if (value == NULL)
        return true;
    source_pointer(pointer, base, "public_url");
    *out = source_string(source, value, pointer, "public_url");
    if (*out == NULL)
        return false;
    size_t len = strlen(*out);
    if (len > 0 && (*out)[len - 1] == '/')
        (*out)[len - 1] = '\0';
    if (is_public_url(*out))
        return true;
    source_problem(
        source, pointer, "public_url",
        "must be like https://hooks.example.com, with the path that a proxy takes away, if any");
    return false;
}

void config_read_server(struct config_server *server, const struct source *source)
{
    static const char *const inner[] = {
        "limits",           "log",        "outbound", "plugins", "trusted_proxies",
        "forwarded_header", "public_url", "tls",      NULL};

    read_object(server, source, source->root, "", top_keys, inner);
    read_inner(server, source, "limits", limit_keys);
    read_inner(server, source, "log", log_keys);
    read_plugins(source);
    read_proxies(server, source);
    config_read_outbound(&server->outbound, source);
    config_read_public_url(&server->public_url, source, source->root, "");
    server->tls_wanted = json_object_get(source->root, "tls") != NULL;
}
