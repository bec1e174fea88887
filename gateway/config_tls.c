/* SPDX-License-Identifier: MIT */
/*
 * Owns: "tls" in server.json: which certificate and key, and reading them.
 * Never does: keep their text. Lock: none.
 */
#include <string.h>

#include "config_parts.h"
#include "config_secret.h"
#include "vault.h"

/* A path, or a reference as secrets have it. */
static bool read_file(const struct source *source, const json_t *object, const char *key,
                      struct secret *out)
{
    char pointer[SOURCE_POINTER_MAX];
    const json_t *value = json_object_get(object, key);

    *out = (struct secret){.bytes = NULL};
    source_pointer(pointer, "/tls", key);
    if (!json_is_string(value) && !config_is_reference(value)) {
        source_problem(source, pointer, key,
                       "must be the absolute path of a file in PEM, or {\"credential\": ...}");
        return false;
    }
    json_t *path = json_is_string(value) ? json_pack("{s:O}", "file", value) : NULL;
    bool good = config_secret(source, path != NULL ? path : value, pointer, key, out);
    json_decref(path);
    return good;
}

static bool read_oldest(const struct source *source, const json_t *object, enum tls_version *out)
{
    static const char *const names[] = {[TLS_1_2] = "1.2", [TLS_1_3] = "1.3"};
    const json_t *value = json_object_get(object, "min_version");
    const char *text = value == NULL ? names[TLS_1_2] : json_string_value(value);

    for (size_t i = 0; text != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
        *out = (enum tls_version)i;
        if (strcmp(text, names[i]) == 0)
            return true;
    }
    source_problem(source, "/tls/min_version", "min_version", "must be \"1.2\" or \"1.3\"");
    return false;
}

static void make(struct config_server *server, const struct source *source,
                 const struct secret *certificate, const struct secret *key,
                 enum tls_version oldest)
{
    char pointer[SOURCE_POINTER_MAX];
    struct weir_error error = {.status = 0};

    if (tls_new(&server->tls, certificate, key, oldest, &error) == 0)
        return;
    source_pointer(pointer, "/tls", error.key);
    source_problem(source, error.key[0] == '\0' ? "/tls" : pointer, error.key, "%s", error.detail);
}

static void drop(struct secret *text)
{
    if (text->bytes != NULL)
        vault_free(text->bytes, text->len + 1);
}

void config_read_tls(struct config_server *server, const struct source *source)
{
    static const char *const known[] = {"certificate", "key", "min_version", NULL};
    const json_t *object = json_object_get(source->root, "tls");
    struct secret certificate = {.bytes = NULL}, key = {.bytes = NULL};
    enum tls_version oldest;

    if (object == NULL)
        return;
    if (!json_is_object(object)) {
        source_problem(source, "/tls", "tls", "must be an object");
        return;
    }
    source_check_keys(source, object, "/tls", known);
    if (strncmp(server->listen, "unix:", 5) == 0)
        source_problem(source, "/tls", "tls", "is for a listen of host:port, not a Unix socket");
    bool good = read_oldest(source, object, &oldest);
    good = read_file(source, object, "certificate", &certificate) && good;
    good = read_file(source, object, "key", &key) && good;
    if (good)
        make(server, source, &certificate, &key, oldest);
    drop(&certificate);
    drop(&key);
}
