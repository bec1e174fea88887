/* SPDX-License-Identifier: MIT */
/*
 * Owns: turning a webhooks.json in map form, and its connections, into the array form.
 * Never does: read a value for what it means (the array form's readers do). Lock: none.
 */
#include "mapform.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "environment.h"
#include "mapform_parts.h"
#include "text.h"

/* ---- Tools ----------------------------------------------------------------------------------- */

void mapform_problem(struct mapping *mapping, const char *base, const char *key, const char *format,
                     ...)
{
    char message[512], pointer[SOURCE_POINTER_MAX];
    const struct source *source = mapping->source;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    source_pointer(pointer, base, key == NULL ? "" : key);
    if (key == NULL)
        pointer[strlen(pointer) - 1] = '\0';
    unsigned line = problems_are_full(source->problems) ? 0 : source_line(source, pointer);
    problems_add(source->problems, source->file, line, pointer, key, "%s", message);
    mapping->good = false;
}

void mapform_check_keys(struct mapping *mapping, const json_t *object, const char *base,
                        const char *const *known)
{
    const char *key;
    json_t *value;
    size_t count = 0;

    while (known[count] != NULL)
        count++;
    json_object_foreach((json_t *)object, key, value)
    {
        size_t i = 0;
        while (i < count && strcmp(known[i], key) != 0)
            i++;
        if (i < count)
            continue;
        const char *nearest = text_nearest(key, (const char **)known, count);
        mapform_problem(mapping, base, key, "weir does not know this key%s%s",
                        nearest == NULL ? "" : "; did you mean ", nearest == NULL ? "" : nearest);
    }
}

void mapform_set(struct mapping *mapping, json_t *object, const char *to, const char *name,
                 json_t *value, const char *base, const char *key)
{
    char here[SOURCE_POINTER_MAX], there[SOURCE_POINTER_MAX];

    source_pointer(here, to, name);
    source_pointer(there, base, key);
    if (json_object_get(object, name) != NULL)
        mapform_problem(mapping, base, key, "says once more what another key says");
    if (value == NULL || json_object_set_new(object, name, value) != 0)
        mapping->origins->failed = true;
    origins_add(mapping->origins, here, there, false);
}

void mapform_move(struct mapping *mapping, json_t *object, const char *to, const char *name,
                  const json_t *value, const char *base, const char *key)
{
    mapform_set(mapping, object, to, name, json_deep_copy(value), base, key);
    if (mapping->origins->count > 0)
        mapping->origins->items[mapping->origins->count - 1].whole = true;
}

void mapform_note(struct mapping *mapping, const char *base, const char *key)
{
    char there[SOURCE_POINTER_MAX];

    source_pointer(there, base, key);
    origins_add(mapping->origins, MAPFORM_ALWAYS, there, false);
}

void mapform_tell(struct mapping *mapping, const char *base, const char *key,
                  const char *connection, const char *name)
{
    char there[SOURCE_POINTER_MAX], whole[SOURCE_POINTER_MAX], member[SOURCE_POINTER_MAX];
    char to[SOURCE_POINTER_MAX + 32];

    source_pointer(there, base, key);
    source_pointer(whole, "", connection);
    source_pointer(member, whole, name);
    snprintf(to, sizeof(to), "connections.json %s", member);
    origins_add(mapping->origins, to, there, false);
}

char *mapform_expand(const json_t *value)
{
    char missing[ENVIRONMENT_NAME_MAX + 1];

    return json_is_string(value) ? environment_expand(json_string_value(value), missing) : NULL;
}

bool mapform_flag(struct mapping *mapping, const json_t *object, const char *base, const char *key,
                  bool fallback)
{
    const json_t *value = json_object_get(object, key);

    if (value == NULL)
        return fallback;
    if (!json_is_boolean(value))
        mapform_problem(mapping, base, key, "must be true or false");
    mapform_note(mapping, base, key);
    return json_is_true(value);
}

bool mapform_on(struct mapping *mapping, const json_t *object, const char *base)
{
    if (!json_is_false(json_object_get(object, "enabled")))
        return mapform_flag(mapping, object, base, "enabled", true);
    origins_add(mapping->origins, MAPFORM_OFF, base, false);
    return false;
}

/* ---- Keys of an entry ------------------------------------------------------------------------ */

/* What weir does not do, and what to do instead. */
static const struct refusal {
    const char *key, *why;
} refusals[] = {
    {"json_schema",
     "weir checks no JSON Schema; columns with types and constraints refuse what does "
     "not fit"},
    {"digest_auth", "weir does no digest authentication; basic_auth behind TLS takes its place"},
    {"oauth1", "weir does no OAuth 1.0; hmac takes its place"},
    {"oauth2", "weir asks no authorization server; jwt verifies tokens by secret or public key"},
    {"recaptcha", "weir asks no captcha service"},
    {"trusted_proxies", "is for the whole of weir: trusted_proxies in server.json"},
    {"topic", "weir has no module that takes a topic"},
};

static void refuse_keys(struct mapping *mapping, const json_t *entry)
{
    static const char *const known[] = {"data_type",
                                        "module",
                                        "chain",
                                        "chain-config",
                                        "connection",
                                        "module-config",
                                        "queue_name",
                                        "redis",
                                        "authorization",
                                        "basic_auth",
                                        "jwt",
                                        "hmac",
                                        "header_auth",
                                        "query_auth",
                                        "ip_whitelist",
                                        "rate_limit",
                                        "credential_cleanup",
                                        "retry",
                                        NULL};
    json_t *rest = json_copy((json_t *)entry);

    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (json_object_get(entry, refusals[i].key) != NULL) {
            mapform_problem(mapping, mapping->from, refusals[i].key, "%s", refusals[i].why);
            json_object_del(rest, refusals[i].key);
        }
    mapform_check_keys(mapping, rest, mapping->from, known);
    json_decref(rest);
}

static void read_data_type(struct mapping *mapping, const json_t *entry)
{
    const json_t *value = json_object_get(entry, "data_type");
    const char *type = json_is_string(value) ? json_string_value(value) : "";
    bool blob = strcmp(type, "blob") == 0;

    if (value == NULL)
        return;
    if (!blob && strcmp(type, "json") != 0)
        mapform_problem(mapping, mapping->from, "data_type", "must be json or blob");
    mapform_set(mapping, mapping->made, mapping->to, "content", json_string(blob ? "raw" : "json"),
                mapping->from, "data_type");
}

static void read_rate_limit(struct mapping *mapping, const json_t *entry)
{
    static const char *const known[] = {"enabled", "max_requests", "window_seconds", NULL};
    const json_t *value = json_object_get(entry, "rate_limit");
    char base[SOURCE_POINTER_MAX], to[SOURCE_POINTER_MAX];
    json_t *limit, *part;

    if (value == NULL)
        return;
    source_pointer(base, mapping->from, "rate_limit");
    source_pointer(to, mapping->to, "rate_limit");
    mapform_check_keys(mapping, value, base, known);
    if (!json_is_object(value))
        mapform_problem(mapping, mapping->from, "rate_limit", "must be an object");
    if (json_is_object(value) && json_object_size(value) == 0)
        origins_add(mapping->origins, MAPFORM_OFF, base, false);
    if (json_object_size(value) == 0 || !mapform_on(mapping, value, base) || !mapping->good)
        return;
    limit = json_object();
    mapform_set(mapping, mapping->made, mapping->to, "rate_limit", limit, mapping->from,
                "rate_limit");
    if ((part = json_object_get(value, "max_requests")) != NULL)
        mapform_move(mapping, limit, to, "requests", part, base, "max_requests");
    else
        json_object_set_new(limit, "requests", json_integer(100));
    if ((part = json_object_get(value, "window_seconds")) != NULL)
        mapform_move(mapping, limit, to, "per", part, base, "window_seconds");
    else
        json_object_set_new(limit, "per", json_integer(60));
}

/* weir writes again until request_timeout, and then the sender sends again. */
static void read_retry(struct mapping *mapping, const json_t *object, const char *from)
{
    static const char *const ours[] = {
        "max_attempts",     "initial_delay",        "max_delay", "backoff_multiplier",
        "retryable_errors", "non_retryable_errors", NULL};
    static const char *const known[] = {"enabled",
                                        "max_attempts",
                                        "initial_delay",
                                        "max_delay",
                                        "backoff_multiplier",
                                        "retryable_errors",
                                        "non_retryable_errors",
                                        NULL};
    const json_t *value = json_object_get(object, "retry");
    char base[SOURCE_POINTER_MAX];

    if (value == NULL)
        return;
    source_pointer(base, from, "retry");
    mapform_check_keys(mapping, value, base, known);
    if (!json_is_object(value))
        mapform_problem(mapping, from, "retry", "must be an object");
    mapform_note(mapping, from, "retry");
    if (!mapform_flag(mapping, value, base, "enabled", false))
        return;
    for (size_t i = 0; ours[i] != NULL; i++)
        if (json_object_get(value, ours[i]) != NULL)
            mapform_problem(mapping, base, ours[i],
                            "weir writes again what was not stored until request_timeout "
                            "(server.json), and answers 503 then; take this key out");
}

static void read_retries(struct mapping *mapping, const json_t *entry)
{
    const json_t *chain = json_object_get(entry, "chain");
    char list[SOURCE_POINTER_MAX], base[SOURCE_POINTER_MAX], index[24];

    read_retry(mapping, entry, mapping->from);
    source_pointer(list, mapping->from, "chain");
    for (size_t i = 0; i < json_array_size(chain); i++) {
        snprintf(index, sizeof(index), "%zu", i);
        source_pointer(base, list, index);
        read_retry(mapping, json_array_get(chain, i), base);
    }
}

/* ---- Entries --------------------------------------------------------------------------------- */

static void read_entry(struct mapping *mapping, const json_t *entry)
{
    char path[SOURCE_POINTER_MAX];

    origins_add(mapping->origins, mapping->to, mapping->from, false);
    if (!json_is_object(entry)) {
        mapform_problem(mapping, mapping->from, NULL, "must be an object");
        return;
    }
    snprintf(path, sizeof(path), "/webhook/%s", mapping->id);
    json_object_set_new(mapping->made, "path", json_string(path));
    json_object_set_new(mapping->made, "id", json_string(mapping->id));
    refuse_keys(mapping, entry);
    read_data_type(mapping, entry);
    mapform_auth(mapping, entry);
    read_rate_limit(mapping, entry);
    mapform_cleanup(mapping, entry);
    read_retries(mapping, entry);
    mapform_modules(mapping, entry);
}

static bool read_entries(struct source *source, json_t *connections, json_t *list)
{
    struct mapping mapping = {
        .source = source, .connections = connections, .origins = &source->origins, .good = true};
    char to[32];
    json_t *entry;

    json_object_foreach(source->root, mapping.id, entry)
    {
        snprintf(to, sizeof(to), "/webhooks/%zu", json_array_size(list));
        snprintf(mapping.to, sizeof(mapping.to), "%s", to);
        source_pointer(mapping.from, "", mapping.id);
        mapping.made = json_object();
        read_entry(&mapping, entry);
        if (json_array_append_new(list, mapping.made) != 0)
            source->origins.failed = true;
    }
    return mapping.good;
}

static bool read_connections(struct source *source, json_t *made)
{
    struct mapping mapping = {.source = source, .origins = &source->origins, .good = true};
    json_t *entry;

    json_object_foreach(source->root, mapping.id, entry)
    {
        source_pointer(mapping.from, "", mapping.id);
        snprintf(mapping.to, sizeof(mapping.to), "%s", mapping.from);
        mapping.made = json_is_object(entry) ? json_object() : json_incref(entry);
        origins_add(mapping.origins, mapping.to, mapping.from, false);
        if (json_is_object(entry))
            mapform_connection(&mapping, entry);
        if (json_object_set_new(made, mapping.id, mapping.made) != 0)
            source->origins.failed = true;
    }
    return mapping.good;
}

/* An entry of the array form is never one of these; an empty file is of no form. */
bool mapform_is(const json_t *webhooks)
{
    const char *id;
    json_t *entry;

    if (json_is_array(json_object_get(webhooks, "webhooks")))
        return false;
    json_object_foreach((json_t *)webhooks, id,
                        entry) if (json_object_get(entry, "module") != NULL ||
                                   json_object_get(entry, "chain") != NULL) return true;
    return false;
}

bool mapform_apply(struct source *connections, struct source *webhooks)
{
    json_t *made = json_object(), *list = json_array();
    bool good = read_connections(connections, made);

    good = read_entries(webhooks, made, list) && good;
    json_t *root = json_pack("{s:o}", "webhooks", list);
    if (webhooks->origins.failed || connections->origins.failed || root == NULL) {
        problems_add(webhooks->problems, webhooks->file, 0, NULL, NULL, "out of memory");
        good = false;
    }
    json_decref(connections->root);
    connections->root = made;
    json_decref(webhooks->root);
    webhooks->root = root;
    return good && root != NULL;
}
