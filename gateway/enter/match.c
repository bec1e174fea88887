/* SPDX-License-Identifier: MIT */
/*
 * Owns: whether a request meets a condition. Never does: walk through its body more than once, or
 * make a tree of it. Lock: none.
 */
#include "match.h"

#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "text.h"

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
    return 0;
}

int match_set_header(struct match_node *node, const char *name, struct weir_error *error)
{
    node->header = strdup(name);
    if (node->header == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    for (char *at = node->header; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at | 0x20);
    if (!text_is_token(name))
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

/* What was found of the places so far. */
struct findings {
    const struct match *match;
    uint64_t there; /* a bit for each place */
    struct {
        const char *at;
        size_t len;
    } values[PLACES_MAX];
};

/*
 * What stood at the same key before, or below it, counts no more. What it is worth is asked at the
 * end: a key may stand there a hundred thousand times.
 */
static bool find(void *context, uint64_t through, uint64_t here, const char *at, size_t len)
{
    struct findings *findings = context;

    findings->there = (findings->there & ~through) | here;
    for (; here != 0; here &= here - 1) {
        int place = __builtin_ctzll(here);
        findings->values[place].at = at;
        findings->values[place].len = len;
    }
    return true;
}

/* `number` is what it is if it is one, which is read once for all values; else NULL. */
static bool is_value(const struct match_value *value, const char *at, size_t len,
                     const struct number *number)
{
    switch (value->type) {
    case MATCH_STRING: return at[0] == '"' && places_string_is(at, len, value->text, value->len);
    case MATCH_NUMBER:
        return number != NULL && number_equal(*number, number_read(value->text, value->len));
    case MATCH_LITERAL: break;
    }
    return len == value->len && memcmp(at, value->text, len) == 0;
}

static bool is_one_of(const struct match_node *node, const char *at, size_t len)
{
    bool is_number = at[0] == '-' || (at[0] >= '0' && at[0] <= '9');
    struct number number = number_read(at, is_number ? len : 0);

    for (size_t i = 0; i < node->values_count; i++)
        if (is_value(&node->values[i], at, len, is_number ? &number : NULL))
            return true;
    return false;
}

static bool place_holds(const struct findings *findings, const struct match_node *node)
{
    bool there = (findings->there >> node->place & 1) != 0;

    if (node->kind != MATCH_EQUALS)
        return there == (node->kind == MATCH_EXISTS);
    return there &&
           is_one_of(node, findings->values[node->place].at, findings->values[node->place].len);
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
    bool any = node->kind == MATCH_OR;

    switch (node->kind) {
    case MATCH_NOT: return !holds(findings, &match->nodes[node->child], headers, count);
    case MATCH_EQUALS:
    case MATCH_EXISTS:
    case MATCH_ABSENT:
        return node->header != NULL ? header_holds(node, headers, count)
                                    : place_holds(findings, node);
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
