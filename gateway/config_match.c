/* SPDX-License-Identifier: MIT */
/*
 * Owns: "match" in webhooks.json: the condition, as it is written down.
 * Never does: ask whether it holds (enter/match.c). Lock: none.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"

/* What one object of the condition may say, of which it must say one thing. */
static const char *const words[] = {"and", "or", "not", "equals", "in", "exists"};
enum word { WORD_AND, WORD_OR, WORD_NOT, WORD_EQUALS, WORD_IN, WORD_EXISTS, WORDS_COUNT };

struct reading {
    struct config_webhook *webhook;
    const struct source *source;
    struct match *match;
};

__attribute__((format(printf, 3, 4))) static bool
problem(const struct reading *reading, const char *pointer, const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    source_problem(reading->source, pointer, "match", "%s", text);
    return false;
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* The shortest text that is this number again. */
static void write_real(char text[32], double number)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, number);
        if (strtod(text, NULL) == number) /* exactly, since that is what was read */
            return;
    }
}

static int add_string(const struct reading *reading, struct match_node *node, const json_t *value,
                      const char *pointer, struct weir_error *error)
{
    char *text = source_string(reading->source, value, pointer, "match");

    if (text == NULL)
        return WEIR_EINVAL;
    int status = match_add_value(node, MATCH_STRING, text, strlen(text), error);
    if (status != 0)
        problem(reading, pointer, "%s", error->detail);
    free(text);
    return status;
}

static bool read_value(const struct reading *reading, struct match_node *node, const json_t *value,
                       const char *pointer)
{
    struct weir_error error = {.status = 0};
    char text[32] = "null";
    enum match_type type = MATCH_LITERAL;

    if (json_is_string(value))
        return add_string(reading, node, value, pointer, &error) == 0;
    if (node->header != NULL)
        return problem(reading, pointer, "must be a string, as headers are");
    if (json_is_object(value) || json_is_array(value))
        return problem(reading, pointer, "must be a string, a number, true, false or null");
    if (json_is_boolean(value))
        snprintf(text, sizeof(text), "%s", json_is_true(value) ? "true" : "false");
    else if (json_is_integer(value))
        snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        write_real(text, json_real_value(value));
    if (json_is_number(value))
        type = MATCH_NUMBER;
    return match_add_value(node, type, text, strlen(text), &error) == 0 ||
           problem(reading, pointer, "%s", error.detail);
}

static bool read_values(const struct reading *reading, struct match_node *node, const json_t *list,
                        const char *base)
{
    char pointer[SOURCE_POINTER_MAX], index[24];
    bool good = true;

    if (json_array_size(list) == 0)
        return problem(reading, base, "must be an array of at least one value");
    for (size_t i = 0; good && i < json_array_size(list); i++) {
        snprintf(index, sizeof(index), "%zu", i);
        source_pointer(pointer, base, index);
        good = read_value(reading, node, json_array_get(list, i), pointer);
    }
    return good;
}

/* ---- Conditions ------------------------------------------------------------------------------ */

static bool read_condition(const struct reading *reading, const json_t *object, const char *base,
                           uint8_t parent, unsigned depth);

static bool read_children(const struct reading *reading, const json_t *list, const char *base,
                          uint8_t parent, unsigned depth)
{
    char pointer[SOURCE_POINTER_MAX], index[24];
    bool good = true;

    if (json_array_size(list) == 0)
        return problem(reading, base, "must be an array of at least one condition");
    for (size_t i = 0; good && i < json_array_size(list); i++) {
        snprintf(index, sizeof(index), "%zu", i);
        source_pointer(pointer, base, index);
        good = read_condition(reading, json_array_get(list, i), pointer, parent, depth);
    }
    return good;
}

/* The pointer or header that the test is of. */
static bool read_subject(const struct reading *reading, struct match_node *node,
                         const json_t *object, const char *base)
{
    struct weir_error error = {.status = 0};
    bool header = json_object_get(object, "header") != NULL;
    const char *key = header ? "header" : "pointer";
    const json_t *value = json_object_get(object, key);
    char pointer[SOURCE_POINTER_MAX];

    if (value == NULL || (header && json_object_get(object, "pointer") != NULL))
        return problem(reading, base, "must have a pointer or a header, and not both");
    source_pointer(pointer, base, key);
    if (!header && reading->webhook->content == CONTENT_RAW)
        return problem(reading, pointer, "a raw body has no places to look at");
    char *text = source_string(reading->source, value, pointer, key);
    if (text == NULL)
        return false;
    int status = header ? match_set_header(node, text, &error)
                        : match_set_pointer(reading->match, node, text, &error);
    free(text);
    return status == 0 || problem(reading, pointer, "%s", error.detail);
}

/* "equals", "in" or "exists". */
static bool read_test(const struct reading *reading, struct match_node *node, enum word word,
                      const json_t *object, const char *base)
{
    const json_t *value = json_object_get(object, words[word]);
    char pointer[SOURCE_POINTER_MAX];

    if (!read_subject(reading, node, object, base))
        return false;
    source_pointer(pointer, base, words[word]);
    if (word == WORD_EQUALS)
        return read_value(reading, node, value, pointer);
    if (word == WORD_IN)
        return read_values(reading, node, value, pointer);
    if (!json_is_boolean(value))
        return problem(reading, pointer, "must be true or false");
    node->kind = json_is_true(value) ? MATCH_EXISTS : MATCH_ABSENT;
    return true;
}

/* The one thing that the object says; WORDS_COUNT if it says none, or several. */
static enum word word_of(const json_t *object)
{
    enum word found = WORDS_COUNT;

    for (unsigned i = 0; i < WORDS_COUNT; i++) {
        if (json_object_get(object, words[i]) == NULL)
            continue;
        if (found != WORDS_COUNT)
            return WORDS_COUNT;
        found = (enum word)i;
    }
    return found;
}

static bool check_shape(const struct reading *reading, const json_t *object, const char *base,
                        enum word word, unsigned depth)
{
    static const char *const all[] = {"and",    "or",      "not",    "equals", "in",
                                      "exists", "pointer", "header", NULL};
    static const char *const groups[] = {"and", "or", "not", NULL};

    if (!json_is_object(object))
        return problem(reading, base, "must be an object");
    const struct problems *problems = reading->source->problems;
    size_t before = problems->count + problems->left_out;
    source_check_keys(reading->source, object, base, all);
    if (problems->count + problems->left_out != before)
        return false;
    if (word == WORDS_COUNT)
        return problem(reading, base, "must have one of and, or, not, equals, in, exists");
    if (word <= WORD_NOT && json_object_size(object) > 1) {
        source_check_keys(reading->source, object, base, groups);
        return false;
    }
    if (depth == MATCH_DEPTH_MAX)
        return problem(reading, base, "is deeper than %d conditions inside one another",
                       MATCH_DEPTH_MAX);
    return true;
}

static bool read_condition(const struct reading *reading, const json_t *object, const char *base,
                           uint8_t parent, unsigned depth)
{
    static const enum match_kind kinds[] = {MATCH_AND,    MATCH_OR,     MATCH_NOT,
                                            MATCH_EQUALS, MATCH_EQUALS, MATCH_EXISTS};
    enum word word = json_is_object(object) ? word_of(object) : WORDS_COUNT;
    char pointer[SOURCE_POINTER_MAX];

    if (!check_shape(reading, object, base, word, depth))
        return false;
    struct match_node *node = match_add(reading->match, parent, kinds[word]);
    if (node == NULL)
        return problem(reading, base, "is one of more than %d conditions", MATCH_NODES_MAX);
    if (word > WORD_NOT)
        return read_test(reading, node, word, object, base);
    const json_t *value = json_object_get(object, words[word]);
    uint8_t index = (uint8_t)(node - reading->match->nodes);
    source_pointer(pointer, base, words[word]);
    return word == WORD_NOT ? read_condition(reading, value, pointer, index, depth + 1)
                            : read_children(reading, value, pointer, index, depth + 1);
}

bool config_read_match(struct config_webhook *webhook, const struct source *source,
                       const json_t *entry, const char *base)
{
    const json_t *value = json_object_get(entry, "match");
    char pointer[SOURCE_POINTER_MAX];

    if (value == NULL)
        return true;
    source_pointer(pointer, base, "match");
    webhook->match = calloc(1, sizeof(*webhook->match));
    struct reading reading = {webhook, source, webhook->match};
    if (webhook->match == NULL)
        return problem(&reading, pointer, "out of memory");
    return read_condition(&reading, value, pointer, MATCH_NO_NODE, 0);
}
