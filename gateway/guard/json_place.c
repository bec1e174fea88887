/* SPDX-License-Identifier: MIT */
/*
 * Owns: looking a value up in a body. Never does: change it. Lock: none.
 */
#include "json_place.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENT_MAX 256

/* The next segment, unescaped; false if it is too long. */
static bool next_segment(const char **at, char segment[SEGMENT_MAX])
{
    size_t used = 0;

    for ((*at)++; **at != '\0' && **at != '/'; (*at)++) {
        char c = **at;
        if (c == '~' && ((*at)[1] == '0' || (*at)[1] == '1'))
            c = *++*at == '0' ? '~' : '/';
        if (used + 1 == SEGMENT_MAX)
            return false;
        segment[used++] = c;
    }
    segment[used] = '\0';
    return true;
}

/* Digits without a leading zero. */
static const json_t *item(const json_t *array, const char *segment)
{
    size_t len = strlen(segment);
    bool index = len > 0 && len < 10 && strspn(segment, "0123456789") == len &&
                 (segment[0] != '0' || len == 1);

    return index ? json_array_get(array, strtoul(segment, NULL, 10)) : NULL;
}

static const json_t *find(const json_t *value, const char *pointer)
{
    char segment[SEGMENT_MAX];

    while (value != NULL && *pointer == '/') {
        if (!next_segment(&pointer, segment))
            return NULL;
        if (json_is_array(value))
            value = item(value, segment);
        else
            value = json_object_get(value, segment);
    }
    return value;
}

static bool as_text(const json_t *value, char text[JSON_PLACE_MAX])
{
    const char *string = json_string_value(value);

    if (json_is_integer(value))
        return snprintf(text, JSON_PLACE_MAX, "%lld", (long long)json_integer_value(value)) > 0;
    if (string == NULL || json_string_length(value) >= JSON_PLACE_MAX ||
        strlen(string) != json_string_length(value))
        return false;
    memcpy(text, string, strlen(string) + 1);
    return true;
}

static json_t *read_body(const struct guard_request *request)
{
    return request->body == NULL ? NULL
                                 : json_loadb((const char *)request->body, request->body_len,
                                              JSON_REJECT_DUPLICATES, NULL);
}

bool json_place(const struct guard_request *request, const char *pointer, char text[JSON_PLACE_MAX])
{
    struct json_body own = {.read = false};
    struct json_body *body = request->json != NULL ? request->json : &own;

    if (!body->read)
        *body = (struct json_body){.read = true, .root = read_body(request)};
    bool good = as_text(find(body->root, pointer), text);
    json_decref(own.root);
    return good;
}
