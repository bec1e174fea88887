/* SPDX-License-Identifier: MIT */
/*
 * Places in JSON texts, by their pointers (RFC 6901): a set of them is looked up in one pass,
 * without making a value of the text. There is no wildcard: "*" is a key like any other.
 */
#ifndef ENTER_PLACES_H
#define ENTER_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#define PLACES_MAX          64   /* pointers of one set: a bit for each */
#define PLACES_POINTER_MAX  1024 /* bytes of one */
#define PLACES_SEGMENTS_MAX 32   /* of one */

#define PLACES_NO_INDEX UINT32_MAX

struct place {
    char *text; /* the segments, unescaped, one after the other */
    struct {
        uint32_t end;
        uint32_t index; /* as an array's; PLACES_NO_INDEX if it is none */
    } segments[PLACES_SEGMENTS_MAX];
    size_t count;
};

/* Zero-initialise it. */
struct places {
    struct place *items; /* at most PLACES_MAX */
    size_t count;
};

/* WEIR_EINVAL for what is no pointer, or points at the whole text; WEIR_ELIMIT; WEIR_ENOMEM. */
int places_add(struct places *places, const char *pointer, struct weir_error *error);
void places_fini(struct places *places);

/*
 * A value was met, as long as one of the pointers leads to it or through it: those of `through` do
 * so so far, those of `here` end at it. It stands at `at`, `len` bytes long. False: do not look
 * inside.
 */
typedef bool places_visit(void *context, uint64_t through, uint64_t here, const char *at,
                          size_t len);

/*
 * Visit them in the order of the text, which json_check has found right. Of a key that stands twice
 * in one object both are visited. Array items are named by digits without a leading zero.
 */
void places_walk(const struct places *places, const char *text, size_t len, places_visit *visit,
                 void *context);

/* Past the string, or the value of any kind, that begins at `at`, in a text found right before. */
const char *places_skip_string(const char *at);
const char *places_skip_value(const char *at, const char *end);
const char *places_skip_blanks(const char *at, const char *end);

/* Is this JSON string, given with its quotes, the text, whatever its escapes? */
bool places_string_is(const char *at, size_t len, const char *text, size_t text_len);
/* The same, where letters of ASCII are equal in both cases; the text is in lower case. */
bool places_string_is_caseless(const char *at, size_t len, const char *text, size_t text_len);
/* Does one of the words, letters of ASCII in lower case, stand anywhere in it, in either case? */
bool places_string_holds_caseless(const char *at, size_t len, const char *const *words,
                                  size_t count);

#endif
