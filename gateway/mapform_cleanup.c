/* SPDX-License-Identifier: MIT */
/*
 * Owns: the map form's "credential_cleanup", which holds for every entry that does not turn it off.
 * Never does: look at a body (enter/redact.c), or redact less than was written. Lock: none.
 */
#include <string.h>

#include "mapform_parts.h"
#include "text.h"

/* A field is a header, too, if it can be one. */
static void add_field(json_t *list, const char *name, bool blob)
{
    if (!blob)
        json_array_append_new(list, json_pack("{s:s}", "key", name));
    if (name[0] == '\0' || text_is_token(name)) /* an empty one is refused when it is read */
        json_array_append_new(list, json_string(name));
}

static void read_fields(struct mapping *mapping, const json_t *value, const char *base,
                        json_t *list, bool blob)
{
    const json_t *fields = json_object_get(value, "fields");
    char to[SOURCE_POINTER_MAX], from[SOURCE_POINTER_MAX];

    if (fields != NULL && !json_is_array(fields))
        mapform_problem(mapping, base, "fields", "must be an array of names");
    source_pointer(to, mapping->to, "redact");
    source_pointer(from, base, "fields");
    if (fields != NULL)
        origins_add(mapping->origins, to, from, false);
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const char *name = json_string_value(json_array_get(fields, i));
        if (name == NULL)
            mapform_problem(mapping, base, "fields", "must be an array of names");
        else
            add_field(list, name, blob);
    }
}

static void read_mode(struct mapping *mapping, const json_t *value, const char *base)
{
    const json_t *mode = json_object_get(value, "mode");

    if (mode == NULL)
        return;
    if (json_is_string(mode) && strcmp(json_string_value(mode), "mask") == 0) {
        mapform_note(mapping, base, "mode");
        return;
    }
    mapform_problem(
        mapping, base, "mode",
        "must be mask: weir leaves \"[redacted]\" where something was, and removes nothing");
}

void mapform_cleanup(struct mapping *mapping, const json_t *entry)
{
    static const char *const known[] = {"enabled", "mode", "fields", NULL};
    const json_t *value = json_object_get(entry, "credential_cleanup");
    const json_t *content = json_object_get(mapping->made, "content");
    bool blob = json_is_string(content) && strcmp(json_string_value(content), "raw") == 0;
    char base[SOURCE_POINTER_MAX];

    source_pointer(base, mapping->from, "credential_cleanup");
    if (value != NULL && !json_is_object(value))
        mapform_problem(mapping, mapping->from, "credential_cleanup", "must be an object");
    mapform_check_keys(mapping, value, base, known);
    read_mode(mapping, value, base);
    if (!mapform_on(mapping, value, base))
        return;
    json_t *list = json_array();
    if (!blob) /* of which only the headers have names */
        json_array_append_new(list, json_pack("{s:s}", "preset", "credentials"));
    json_array_append_new(list, json_pack("{s:s}", "preset", "credential-words"));
    read_fields(mapping, value, base, list, blob);
    if (value != NULL)
        mapform_set(mapping, mapping->made, mapping->to, "redact", list, mapping->from,
                    "credential_cleanup");
    else
        json_object_set_new(mapping->made, "redact", list);
}
