/* SPDX-License-Identifier: MIT */
/*
 * Names with places in them: "events:{webhook_id}". A doubled brace stands for itself.
 * Compiled once, then expanded from any thread.
 */
#ifndef BASE_TEMPLATE_H
#define BASE_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#define TEMPLATE_PARTS_MAX 16  /* literal stretches and places */
#define TEMPLATE_TEXT_MAX  512 /* bytes of literal text, NUL included */

struct template
{
    char text[TEMPLATE_TEXT_MAX]; /* the literal stretches, one after the other */
    struct {
        int place;    /* index among the names; -1: a literal stretch */
        unsigned len; /* of the literal stretch */
    } parts[TEMPLATE_PARTS_MAX];
    unsigned count;
};

/*
 * Compile `source`; `names` (ends with NULL) are the places it may have. NULL if all is well,
 * else what is wrong with it, as a static sentence part ("has an unclosed brace").
 */
const char *template_compile(struct template *template, const char *source,
                             const char *const *names);

/* Has it places at all? */
bool template_is_literal(const struct template *template);

/*
 * Put values (by the index of their name) in their places, into `out` of `size` bytes. The length
 * without the NUL, or SIZE_MAX if it does not fit.
 */
size_t template_expand(const struct template *template, const char *const *values, char *out,
                       size_t size);

#endif
