/* SPDX-License-Identifier: MIT */
/*
 * Owns: whether a request meets a condition. Never does: walk through its body more than once, or
 * make a tree of it. Lock: none.
 */
#include "match.h"

#include <stdlib.h>
#include <string.h>

#include "number.h"

/* ---- Making ---------------------------------------------------------------------------------- */

struct match_node *match_add(struct match *match, uint8_t parent, enum match_kind kind)
{
    uint8_t index = match->nodes_count;

    if (index == MATCH_NODES_MAX)
        return NULL;
    match->nodes_count++;
    match->nodes[index] =
        (struct match_node){.kind = kind, .child = MATCH_NO_NODE, .next = MATCH_NO_NODE};
    if (parent != MATCH_NO_NODE) {
        uint8_t *link = &match->nodes[parent].child;
        while (*link != MATCH_NO_NODE)
            link = &match->nodes[*link].next;
        *link = index;
    }
    return &match->nodes[index];
}

int match_set_pointer(struct match *match, struct match_node *node, const char *pointer,
                      struct weir_error *error)
{
    size_t place = match->places.count;
    int status = places_add(&match->places, pointer, error);

    if (status != 0)
        return status;
    node->place = (uint8_t)place;
    match->node_of_place[place] = (uint8_t)(node - match->nodes);
    return 0;
}

int match_set_header(struct match_node *node, const char *name, struct weir_error *error)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz";

    node->header = strdup(name);
    if (node->header == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    for (char *at = node->header; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at | 0x20);
    if (name[0] == '\0' || node->header[strspn(node->header, token)] != '\0')
        return weir_fail(error, WEIR_EINVAL, "must be the name of a header");
    return 0;
}

int match_add_value(struct match_node *node, enum match_type type, const char *text, size_t len,
                    struct weir_error *error)
{
    if (node->values_count == MATCH_VALUES_MAX || len > MATCH_TEXT_MAX)
        return weir_fail(error, WEIR_ELIMIT, "must be at most %d values of %d bytes",
                         MATCH_VALUES_MAX, MATCH_TEXT_MAX);
    struct match_value *values = realloc(node->values, (node->values_count + 1) * sizeof(*values));
    if (values != NULL)
        node->values = values;
    char *copy = values == NULL ? NULL : malloc(len + 1);
    if (copy == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    memcpy(copy, text, len);
    copy[len] = '\0';
    values[node->values_count++] = (struct match_value){type, copy, len};
    return 0;
}

void match_fini(struct match *match)
{
    for (size_t i = 0; i < match->nodes_count; i++) {
        struct match_node *node = &match->nodes[i];
        for (size_t j = 0; j < node->values_count; j++)
            free(node->values[j].text);
        free(node->values);
        free(node->header);
    }
    places_fini(&match->places);
    match->nodes_count = 0;
}

/* ---- The body -------------------------------------------------------------------------------- */

/* What was found of the places so far: a bit for each. */
struct findings {
    const struct match *match;
    uint64_t there, equal;
};

static bool is_value(const struct match_value *value, const char *at, size_t len)
{
    switch (value->type) {
    case MATCH_STRING: return at[0] == '"' && places_string_is(at, len, value->text, value->len);
    case MATCH_NUMBER:
        return (at[0] == '-' || (at[0] >= '0' && at[0] <= '9')) &&
               number_equal(at, len, value->text, value->len);
    case MATCH_LITERAL: break;
    }
    return len == value->len && memcmp(at, value->text, len) == 0;
}

static bool is_one_of(const struct match_node *node, const char *at, size_t len)
{
    for (size_t i = 0; i < node->values_count; i++)
        if (is_value(&node->values[i], at, len))
            return true;
    return false;
}

/* What stood at the same key before, or below it, counts no more. */
static bool find(void *context, uint64_t through, uint64_t here, const char *at, size_t len)
{
    struct findings *findings = context;
    const struct match *match = findings->match;

    findings->there = (findings->there & ~through) | here;
    findings->equal &= ~through;
    for (; here != 0; here &= here - 1) {
        int place = __builtin_ctzll(here);
        if (is_one_of(&match->nodes[match->node_of_place[place]], at, len))
            findings->equal |= UINT64_C(1) << place;
    }
    return true;
}

/* ---- Headers --------------------------------------------------------------------------------- */

static bool is_text(const struct match_node *node, const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < node->values_count; i++)
        if (node->values[i].len == len && memcmp(node->values[i].text, text, len) == 0)
            return true;
    return false;
}

static bool header_holds(const struct match_node *node, const struct request_header *headers,
                         size_t count)
{
    bool there = false, equal = false;

    for (size_t i = 0; i < count; i++) {
        if (strcmp(headers[i].name, node->header) != 0)
            continue;
        there = true;
        equal = equal || is_text(node, headers[i].value);
    }
    return node->kind == MATCH_EQUALS ? equal : there == (node->kind == MATCH_EXISTS);
}

/* ---- The condition --------------------------------------------------------------------------- */

static bool holds(const struct findings *findings, const struct match_node *node,
                  const struct request_header *headers, size_t count)
{
    const struct match *match = findings->match;
    uint64_t bit = UINT64_C(1) << node->place;
    bool any = node->kind == MATCH_OR;

    switch (node->kind) {
    case MATCH_NOT: return !holds(findings, &match->nodes[node->child], headers, count);
    case MATCH_EQUALS:
    case MATCH_EXISTS:
    case MATCH_ABSENT:
        if (node->header != NULL)
            return header_holds(node, headers, count);
        if (node->kind == MATCH_EQUALS)
            return (findings->equal & bit) != 0;
        return ((findings->there & bit) != 0) == (node->kind == MATCH_EXISTS);
    default: break;
    }
    for (uint8_t i = node->child; i != MATCH_NO_NODE; i = match->nodes[i].next)
        if (holds(findings, &match->nodes[i], headers, count) == any)
            return any;
    return !any;
}

bool match_holds(const struct match *match, const char *body, size_t len,
                 const struct request_header *headers, size_t count)
{
    struct findings findings = {.match = match};

    places_walk(&match->places, body, len, find, &findings);
    return holds(&findings, &match->nodes[0], headers, count);
}
