/* SPDX-License-Identifier: MIT */
/*
 * Owns: the walk through a body: where we are, which fields that is, and copying their values.
 * Never does: build a tree, or convert (convert.c). Lock: none.
 */
#include "extract.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

/* A place in the text: the member or element that is being read at one depth. */
struct step {
    char key[SCHEMA_NAME_MAX]; /* cut off: then it equals no token */
    bool is_array;
    size_t index; /* of the next element */
    size_t start; /* where it begins in the text */
};

struct walk {
    const struct schema *schema;
    struct raw *raws;
    bool whole; /* no fields: the text is one value, for raws[0] */
    const char *json;
    yajl_handle parser;
    struct step steps[SCHEMA_TOKENS_MAX + 1];
    size_t depth; /* arrays and objects that are open */
    int status;
};

void raw_free(struct raw *raw)
{
    free(raw->text);
    *raw = (struct raw){.kind = RAW_ABSENT};
}

static int stop(struct walk *walk, int status)
{
    walk->status = status;
    return 0;
}

/* ---- Where we are ---------------------------------------------------------------------------- */

static bool is_here(const struct walk *walk, const struct schema_field *field)
{
    if (field->tokens_count != walk->depth)
        return false;
    for (unsigned i = 0; i < field->tokens_count; i++)
        if (strcmp(walk->steps[i].key, field->tokens[i]) != 0)
            return false;
    return true;
}

/* The field whose value comes next, from number `from` on; -1: none. */
static int field_here(const struct walk *walk, unsigned from)
{
    if (walk->whole)
        return walk->depth == 0 && from == 0 ? 0 : -1;
    for (unsigned i = from; i < walk->schema->fields_count; i++)
        if (is_here(walk, &walk->schema->fields[i]))
            return (int)i;
    return -1;
}

/* An element of an array is about to be read: its number is its name. */
static void count_element(struct walk *walk)
{
    if (walk->depth == 0 || walk->depth > SCHEMA_TOKENS_MAX)
        return;
    struct step *step = &walk->steps[walk->depth - 1];
    if (step->is_array)
        snprintf(step->key, sizeof(step->key), "%zu", step->index++);
}

/* ---- Values ---------------------------------------------------------------------------------- */

static bool keep(struct raw *raw, enum raw_kind kind, const void *text, size_t len)
{
    raw_free(raw);
    raw->kind = kind;
    if (text == NULL)
        return true;
    raw->text = malloc(len + 1);
    if (raw->text == NULL)
        return false;
    memcpy(raw->text, text, len);
    raw->text[len] = '\0';
    raw->len = len;
    return true;
}

static int scalar(struct walk *walk, enum raw_kind kind, const void *text, size_t len)
{
    count_element(walk);
    if (walk->depth == 0 && !walk->whole)
        return stop(walk, WEIR_EREJECTED); /* not an object */
    for (int i = field_here(walk, 0); i >= 0; i = field_here(walk, (unsigned)i + 1))
        if (!keep(&walk->raws[i], kind, text, len))
            return stop(walk, WEIR_ENOMEM);
    return 1;
}

static int on_null(void *context)
{
    return scalar(context, RAW_NULL, NULL, 0);
}

static int on_boolean(void *context, int value)
{
    return scalar(context, value ? RAW_TRUE : RAW_FALSE, NULL, 0);
}

static int on_number(void *context, const char *text, size_t len)
{
    return scalar(context, RAW_NUMBER, text, len);
}

static int on_string(void *context, const unsigned char *text, size_t len)
{
    return scalar(context, RAW_STRING, text, len);
}

static int on_key(void *context, const unsigned char *text, size_t len)
{
    struct walk *walk = context;

    if (walk->depth == 0 || walk->depth > SCHEMA_TOKENS_MAX)
        return 1;
    char *key = walk->steps[walk->depth - 1].key;
    bool fits = len < SCHEMA_NAME_MAX && memchr(text, '\0', len) == NULL;
    memcpy(key, text, fits ? len : 0);
    key[fits ? len : 0] = '\0';
    if (!fits)
        key[0] = '\x01'; /* no token begins with a control character */
    return 1;
}

/* ---- Arrays and objects ---------------------------------------------------------------------- */

/* The text up to here; the bracket that was just read is its last byte. */
static size_t position(const struct walk *walk)
{
    return yajl_get_bytes_consumed(walk->parser);
}

static int begin(struct walk *walk, bool is_array)
{
    count_element(walk);
    if (walk->depth == 0 && is_array && !walk->whole)
        return stop(walk, WEIR_EREJECTED);
    if (walk->depth <= SCHEMA_TOKENS_MAX)
        walk->steps[walk->depth] = (struct step){.is_array = is_array, .start = position(walk) - 1};
    walk->depth++;
    return 1;
}

/* An array or object that is a field's value is kept as it stands in the text. */
static int finish(struct walk *walk)
{
    walk->depth--;
    for (int i = field_here(walk, 0); i >= 0; i = field_here(walk, (unsigned)i + 1)) {
        size_t start = walk->steps[walk->depth].start;
        if (!keep(&walk->raws[i], RAW_DOCUMENT, walk->json + start, position(walk) - start))
            return stop(walk, WEIR_ENOMEM);
    }
    return 1;
}

static int on_map(void *context)
{
    return begin(context, false);
}

static int on_map_end(void *context)
{
    return finish(context);
}

static int on_array(void *context)
{
    return begin(context, true);
}

static int on_array_end(void *context)
{
    return finish(context);
}

/* ---- The walk -------------------------------------------------------------------------------- */

static int go(struct walk *walk, const char *json, size_t len)
{
    static const yajl_callbacks callbacks = {.yajl_null = on_null,
                                             .yajl_boolean = on_boolean,
                                             .yajl_number = on_number,
                                             .yajl_string = on_string,
                                             .yajl_map_key = on_key,
                                             .yajl_start_map = on_map,
                                             .yajl_end_map = on_map_end,
                                             .yajl_start_array = on_array,
                                             .yajl_end_array = on_array_end};

    walk->json = json;
    walk->parser = yajl_alloc(&callbacks, NULL, walk);
    if (walk->parser == NULL)
        return WEIR_ENOMEM;
    bool good = yajl_parse(walk->parser, (const unsigned char *)json, len) == yajl_status_ok &&
                yajl_complete_parse(walk->parser) == yajl_status_ok;
    yajl_free(walk->parser);
    if (walk->status != 0)
        return walk->status;
    return good ? 0 : WEIR_EREJECTED;
}

int extract(const struct schema *schema, const char *json, size_t len,
            struct raw raws[SCHEMA_FIELDS_MAX])
{
    struct walk walk = {.schema = schema, .raws = raws};

    memset(raws, 0, SCHEMA_FIELDS_MAX * sizeof(raws[0]));
    return go(&walk, json, len);
}

int extract_value(const char *json, size_t len, struct raw *raw)
{
    struct walk walk = {.raws = raw, .whole = true};

    *raw = (struct raw){.kind = RAW_ABSENT};
    return go(&walk, json, len);
}
