/* SPDX-License-Identifier: MIT */
/*
 * Conditions: the first line has pointers, with spaces between them, the rest is a body. What is
 * found of it must be what jansson, which makes a tree and keeps the last of two equal keys, finds:
 * by each pointer alone, and by all of them in one condition.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "enter.h"
#include "match.h"

#define POINTERS_MAX 40 /* three nodes of the condition for two of them */

/* By the pointer's rules: digits without a leading zero name an item. */
static const json_t *step(const json_t *value, const char *segment, size_t len)
{
    char *key = strndup(segment, len), *end;
    const json_t *found = NULL;

    PROMISE(key != NULL);
    if (json_is_object(value))
        found = json_object_get(value, key);
    else if (json_is_array(value) && len > 0 && len < 10 && key[0] >= '0' && key[0] <= '9' &&
             (key[0] != '0' || len == 1)) {
        size_t index = strtoul(key, &end, 10);
        found = *end == '\0' ? json_array_get(value, index) : NULL;
    }
    free(key);
    return found;
}

static const json_t *look_up(const json_t *root, const struct place *place)
{
    size_t from = 0;

    for (size_t i = 0; root != NULL && i < place->count; i++) {
        root = step(root, place->text + from, place->segments[i].end - from);
        from = place->segments[i].end;
    }
    return root;
}

static bool is_met(const char *pointer, enum match_kind kind, const struct match_value *value,
                   const char *body, size_t len)
{
    struct match match = {.nodes_count = 0};
    struct weir_error error;
    struct match_node *node = match_add(&match, MATCH_NO_NODE, kind);

    PROMISE(match_set_pointer(&match, node, pointer, &error) == 0);
    if (value != NULL)
        PROMISE(match_add_value(node, value->type, value->text, value->len, &error) == 0);
    bool met = match_holds(&match, body, len, NULL, 0);
    match_fini(&match);
    return met;
}

/* The same value, in another spelling where there is one. */
static bool spell(const json_t *found, char *text, struct match_value *value)
{
    *value = (struct match_value){.type = MATCH_LITERAL, .text = text};
    if (json_is_string(found)) {
        *value = (struct match_value){MATCH_STRING, (char *)json_string_value(found),
                                      json_string_length(found)};
        return value->len <= MATCH_TEXT_MAX;
    }
    if (json_is_integer(found)) {
        value->type = MATCH_NUMBER;
        snprintf(text, 64, "%lld.00e-0", (long long)json_integer_value(found));
    } else if (json_is_boolean(found) || json_is_null(found))
        snprintf(text, 64, "%s",
                 json_is_null(found)   ? "null"
                 : json_is_true(found) ? "true"
                                       : "false");
    else
        return false;
    value->len = strlen(text);
    return true;
}

static void compare(const char *pointer, const json_t *root, const char *body, size_t len)
{
    struct places places = {.items = NULL};
    struct match_value value;
    char text[64], no[] = "no";

    PROMISE(places_add(&places, pointer, NULL) == 0);
    const json_t *found = look_up(root, &places.items[0]);
    places_fini(&places);
    PROMISE(is_met(pointer, MATCH_EXISTS, NULL, body, len) == (found != NULL));
    PROMISE(is_met(pointer, MATCH_ABSENT, NULL, body, len) == (found == NULL));
    if (found != NULL && spell(found, text, &value))
        PROMISE(is_met(pointer, MATCH_EQUALS, &value, body, len));
    value = (struct match_value){MATCH_STRING, no, sizeof(no) - 1};
    PROMISE(is_met(pointer, MATCH_EQUALS, &value, body, len) ==
            (found != NULL && json_is_string(found) && json_string_length(found) == 2 &&
             memcmp(json_string_value(found), "no", 2) == 0));
}

/* Below `parent`: that there is such a value, or one that equals what is known to be there. */
static void add_test(struct match *match, uint8_t parent, const char *pointer, const json_t *found)
{
    struct match_value value;
    struct weir_error error;
    char text[64];
    bool spelt = found != NULL && spell(found, text, &value);
    struct match_node *node = match_add(match, parent, spelt ? MATCH_EQUALS : MATCH_EXISTS);

    PROMISE(match_set_pointer(match, node, pointer, &error) == 0);
    if (spelt)
        PROMISE(match_add_value(node, value.type, value.text, value.len, &error) == 0);
}

static uint8_t add_group(struct match *match, uint8_t parent, enum match_kind kind)
{
    struct match_node *node = match_add(match, parent, kind);

    PROMISE(node != NULL);
    return (uint8_t)(node - match->nodes);
}

/* The first and not the second, or the third and not the fourth, and so on: in one pass. */
static void compare_together(char *const *pointers, size_t count, const json_t *root,
                             const char *body, size_t len)
{
    struct match match = {.nodes_count = 0};
    uint8_t either = add_group(&match, MATCH_NO_NODE, MATCH_OR), both = 0;
    bool met = false, first = false;

    for (size_t i = 0; i < count; i++) {
        struct places places = {.items = NULL};
        PROMISE(places_add(&places, pointers[i], NULL) == 0);
        const json_t *found = look_up(root, &places.items[0]);
        places_fini(&places);
        if (i % 2 == 0) {
            first = found != NULL;
            both = add_group(&match, either, MATCH_AND);
            add_test(&match, both, pointers[i], found);
        } else {
            add_test(&match, add_group(&match, both, MATCH_NOT), pointers[i], found);
            met = met || (first && found == NULL);
        }
    }
    met = met || (count % 2 == 1 && first);
    PROMISE(match_holds(&match, body, len, NULL, 0) == met);
    match_fini(&match);
}

static bool is_pointer(const char *text)
{
    struct places places = {.items = NULL};
    bool good = places_add(&places, text, NULL) == 0;

    places_fini(&places);
    return good;
}

static void compare_all(char *line, const json_t *root, const char *body, size_t len)
{
    char *pointers[POINTERS_MAX], *rest = NULL;
    size_t count = 0;

    for (char *at = strtok_r(line, " ", &rest); at != NULL && count < POINTERS_MAX;
         at = strtok_r(NULL, " ", &rest))
        if (is_pointer(at))
            pointers[count++] = at;
    for (size_t i = 0; i < count; i++)
        compare(pointers[i], root, body, len);
    if (count > 0)
        compare_together(pointers, count, root, body, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    PROMISE(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    size_t line = strcspn(text, "\n");
    const char *body = text + line + (text[line] == '\n');
    size_t len = size - (size_t)(body - text);
    /* Without these the two agree on what there is: jansson refuses what is past a double. */
    json_t *root = is_json(body, len) && memmem(body, len, "\\u0000", 6) == NULL
                       ? json_loadb(body, len, JSON_DECODE_ANY, NULL)
                       : NULL;
    char *pointers = strndup(text, line);
    PROMISE(pointers != NULL);
    if (root != NULL)
        compare_all(pointers, root, body, len);
    free(pointers);
    json_decref(root);
    free(text);
    return 0;
}
