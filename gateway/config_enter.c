/* SPDX-License-Identifier: MIT */
/*
 * Owns: what webhooks.json says of the bodies of an entry: "content", "redact".
 * Never does: look at a body (enter/). Lock: none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"

static bool read_content(struct config_webhook *webhook, const struct source *source,
                         const json_t *entry, const char *base)
{
    static const char *const names[] = {
        [CONTENT_JSON] = "json", [CONTENT_FORM] = "form", [CONTENT_RAW] = "raw"};
    const json_t *value = json_object_get(entry, "content");
    const char *word = json_is_string(value) ? json_string_value(value) : "";
    char pointer[SOURCE_POINTER_MAX];

    if (value == NULL)
        return true; /* CONTENT_JSON */
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        webhook->content = (enum config_content)i;
        if (strcmp(word, names[i]) == 0)
            return true;
    }
    source_pointer(pointer, base, "content");
    source_problem(source, pointer, "content", "must be json, form or raw");
    return false;
}

/* {"preset": NAME}? A failure is in the error. */
static bool read_preset(struct config_webhook *webhook, const json_t *value,
                        struct weir_error *error)
{
    const char *name = json_string_value(json_object_get(value, "preset"));

    if (name == NULL || json_object_size(value) != 1)
        return false;
    if (strcmp(name, "credential-words") == 0)
        redact_add_words(&webhook->redact);
    else if (strcmp(name, "credentials") == 0)
        redact_add_credentials(&webhook->redact, error);
    else
        return false;
    return true;
}

static bool read_redacted(struct config_webhook *webhook, const struct source *source,
                          const json_t *value, const char *pointer)
{
    struct weir_error error = {.status = 0};
    const json_t *key = json_object_get(value, "key");

    if (read_preset(webhook, value, &error)) {
        if (error.status != 0)
            source_problem(source, pointer, "redact", "%s", error.detail);
        return error.status == 0;
    }
    if (json_is_object(value) && (key == NULL || json_object_size(value) > 1)) {
        source_problem(source, pointer, "redact",
                       "must be like {\"key\": \"password\"}, {\"preset\": \"credentials\"} or "
                       "{\"preset\": \"credential-words\"}");
        return false;
    }
    char *text = source_string(source, key != NULL ? key : value, pointer, "redact");
    if (text == NULL)
        return false;
    int status = key != NULL ? redact_add_key(&webhook->redact, text, &error)
                             : redact_add(&webhook->redact, text, &error);
    free(text);
    if (status != 0)
        source_problem(source, pointer, "redact", "%s", error.detail);
    return status == 0;
}

static bool read_redact(struct config_webhook *webhook, const struct source *source,
                        const json_t *entry, const char *base)
{
    const json_t *list = json_object_get(entry, "redact");
    char pointer[SOURCE_POINTER_MAX], inner[SOURCE_POINTER_MAX], index[24];
    bool good = true;

    source_pointer(pointer, base, "redact");
    if (list != NULL && !json_is_array(list)) {
        source_problem(source, pointer, "redact",
                       "must be an array of JSON pointers, names of headers and {\"key\": ...}");
        return false;
    }
    for (size_t i = 0; good && i < json_array_size(list); i++) {
        snprintf(index, sizeof(index), "%zu", i);
        source_pointer(inner, pointer, index);
        good = read_redacted(webhook, source, json_array_get(list, i), inner);
    }
    if (good && webhook->content == CONTENT_RAW &&
        webhook->redact.places.count + webhook->redact.keys_count > 0) {
        source_problem(source, pointer, "redact",
                       "a raw body has no places that could be redacted");
        good = false;
    }
    return good;
}

bool config_read_enter(struct config_webhook *webhook, const struct source *source,
                       const json_t *entry, const char *base)
{
    return read_content(webhook, source, entry, base) && read_redact(webhook, source, entry, base);
}
