/* SPDX-License-Identifier: MIT */
/*
 * Which webhooks are wanted: a condition on places of the body and on headers.
 *
 * A place has a value as in the SQL columns: of a key that stands twice in one object the last one
 * counts. Strings are equal by what their escapes mean, numbers by their value, whatever their
 * size; nothing is equal to a value of another type. Headers are strings; of several of one name
 * any may be the one.
 */
#ifndef ENTER_MATCH_H
#define ENTER_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "places.h"
#include "request.h"

#define MATCH_NODES_MAX  128  /* of one condition */
#define MATCH_DEPTH_MAX  8    /* and, or, not inside one another */
#define MATCH_VALUES_MAX 256  /* of one "in" */
#define MATCH_TEXT_MAX   1024 /* bytes of a value */

#define MATCH_NO_NODE UINT8_MAX

enum match_kind {
    MATCH_AND,
    MATCH_OR,
    MATCH_NOT,
    MATCH_EQUALS, /* one of the values */
    MATCH_EXISTS,
    MATCH_ABSENT
};

enum match_type { MATCH_STRING, MATCH_NUMBER, MATCH_LITERAL };

/* A string as it is, without escapes; a number, or true, false or null, as JSON writes it. */
struct match_value {
    enum match_type type;
    char *text;
    size_t len;
};

struct match_node {
    enum match_kind kind;
    uint8_t child, next; /* of the first child, and of the next sibling; MATCH_NO_NODE */
    uint8_t place;       /* of the condition's places, unless it is for a header */
    char *header;        /* lower case; NULL: for a place */
    struct match_value *values;
    size_t values_count;
};

/* The root is the first node. Zero-initialise it; immutable once it is made. */
struct match {
    struct places places;
    struct match_node nodes[MATCH_NODES_MAX];
    uint8_t nodes_count;
};

/*
 * One more node, below `parent` (MATCH_NO_NODE: the root) and behind its other children; NULL past
 * MATCH_NODES_MAX.
 */
struct match_node *match_add(struct match *match, uint8_t parent, enum match_kind kind);

/* What it looks at. As places_add, and WEIR_EINVAL for what is no header's name. */
int match_set_pointer(struct match *match, struct match_node *node, const char *pointer,
                      struct weir_error *error);
int match_set_header(struct match_node *node, const char *name, struct weir_error *error);

/* What it may equal; the text is copied. WEIR_ELIMIT, WEIR_ENOMEM. */
int match_add_value(struct match_node *node, enum match_type type, const char *text, size_t len,
                    struct weir_error *error);

void match_fini(struct match *match);

/* The body is JSON that json_check has found right. */
bool match_holds(const struct match *match, const char *body, size_t len,
                 const struct request_header *headers, size_t count);

#endif
