/* SPDX-License-Identifier: MIT */
/*
 * Owns: finding places in JSON texts that were checked before.
 * Never does: check them again; go deeper than the pointers do. Lock: none.
 */
#include "places.h"

#include <stdlib.h>
#include <string.h>

/* ---- Pointers -------------------------------------------------------------------------------- */

/* Digits without a leading zero; longer ones than nine name nothing that fits into a body. */
static uint32_t index_of(const char *segment, size_t len)
{
    uint32_t index = 0;

    if (len == 0 || len > 9 || (segment[0] == '0' && len > 1))
        return PLACES_NO_INDEX;
    for (size_t i = 0; i < len; i++) {
        if (segment[i] < '0' || segment[i] > '9')
            return PLACES_NO_INDEX;
        index = index * 10 + (uint32_t)(segment[i] - '0');
    }
    return index;
}

static const char *segment_of(const struct place *place, size_t level, size_t *len)
{
    size_t from = level == 0 ? 0 : place->segments[level - 1].end;

    *len = place->segments[level].end - from;
    return place->text + from;
}

static bool end_segment(struct place *place, size_t used)
{
    size_t level = place->count, len;

    if (level == PLACES_SEGMENTS_MAX)
        return false;
    place->segments[level].end = (uint32_t)used;
    const char *segment = segment_of(place, level, &len);
    place->segments[level].index = index_of(segment, len);
    place->count++;
    return true;
}

/* Into place->text, which has room. */
static int split(struct place *place, const char *pointer, struct weir_error *error)
{
    size_t used = 0;

    for (const char *at = pointer + 1;; at++) {
        if (*at == '/' || *at == '\0') {
            if (!end_segment(place, used))
                return weir_fail(error, WEIR_ELIMIT, "has more than %d parts", PLACES_SEGMENTS_MAX);
            if (*at == '\0')
                return 0;
            continue;
        }
        char c = *at;
        if (c == '~') {
            at++;
            if (*at != '0' && *at != '1')
                return weir_fail(error, WEIR_EINVAL, "has a ~ that is neither ~0 nor ~1");
            c = *at == '0' ? '~' : '/';
        }
        place->text[used++] = c;
    }
}

static int add(struct places *places, const char *pointer, struct weir_error *error)
{
    struct place *items = realloc(places->items, (places->count + 1) * sizeof(*items));

    if (items == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    places->items = items;
    struct place *place = &items[places->count];
    *place = (struct place){.text = malloc(strlen(pointer))};
    if (place->text == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    int status = split(place, pointer, error);
    if (status != 0)
        free(place->text);
    else
        places->count++;
    return status;
}

int places_add(struct places *places, const char *pointer, struct weir_error *error)
{
    if (places->count == PLACES_MAX)
        return weir_fail(error, WEIR_ELIMIT, "is one of more than %d pointers", PLACES_MAX);
    if (pointer[0] != '/' || strlen(pointer) > PLACES_POINTER_MAX)
        return weir_fail(error, WEIR_EINVAL, "must begin with / and be at most %d bytes long",
                         PLACES_POINTER_MAX);
    return add(places, pointer, error);
}

void places_fini(struct places *places)
{
    for (size_t i = 0; i < places->count; i++)
        free(places->items[i].text);
    free(places->items);
    *places = (struct places){.items = NULL};
}

/* ---- Strings --------------------------------------------------------------------------------- */

static unsigned unit_of(const char *digits)
{
    char text[5] = {digits[0], digits[1], digits[2], digits[3], '\0'};

    return (unsigned)strtoul(text, NULL, 16);
}

/* UTF-8 of \uXXXX or a pair of them; *at moves past it. */
static size_t put_unit(const char **at, char bytes[4])
{
    uint32_t code = unit_of(*at + 2);

    *at += 6;
    if (code >= 0xd800 && code <= 0xdbff) {
        code = 0x10000 + ((code - 0xd800) << 10) + (unit_of(*at + 2) - 0xdc00);
        *at += 6;
    }
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len; i-- > 1; code >>= 6)
        bytes[i] = (char)(0x80 | (code & 0x3f));
    bytes[0] = (char)(marks[len] | code);
    return len;
}

/* What the next character, or escape, is in UTF-8; *at moves past it. */
static size_t next_bytes(const char **at, char bytes[4])
{
    static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";

    if (**at != '\\') {
        bytes[0] = *(*at)++;
        return 1;
    }
    if ((*at)[1] == 'u')
        return put_unit(at, bytes);
    const char *letter = memchr(letters, (*at)[1], sizeof(letters) - 1);
    bytes[0] = letter == NULL ? (*at)[1] : meant[letter - letters];
    *at += 2;
    return 1;
}

/* Is that what the characters from `at` on are? If so, what follows them; else NULL. */
static const char *skip_text(const char *at, const char *end, const char *text, size_t text_len,
                             bool caseless)
{
    char bytes[4];

    while (text_len > 0) {
        size_t n = at < end ? next_bytes(&at, bytes) : SIZE_MAX;
        if (caseless && n == 1 && bytes[0] >= 'A' && bytes[0] <= 'Z')
            bytes[0] = (char)(bytes[0] | 0x20);
        if (n > text_len || memcmp(bytes, text, n) != 0)
            return NULL;
        text += n;
        text_len -= n;
    }
    return at;
}

bool places_string_is(const char *at, size_t len, const char *text, size_t text_len)
{
    const char *end = at + len - 1;

    return skip_text(at + 1, end, text, text_len, false) == end;
}

bool places_string_is_caseless(const char *at, size_t len, const char *text, size_t text_len)
{
    const char *end = at + len - 1;

    return skip_text(at + 1, end, text, text_len, true) == end;
}

/* Most characters begin none of the words, which a bit for each letter tells; escapes may. */
bool places_string_holds_caseless(const char *at, size_t len, const char *const *words,
                                  size_t count)
{
    const char *end = at + len - 1;
    uint32_t letters = 0;
    char bytes[4];

    for (size_t i = 0; i < count; i++)
        letters |= UINT32_C(1) << (words[i][0] & 31);
    for (at++; at < end;) {
        if (*at != '\\' && (*at < 'A' || (letters >> (*at & 31) & 1) == 0)) {
            at++;
            continue;
        }
        for (size_t i = 0; i < count; i++)
            if ((*at == '\\' || (*at | 0x20) == words[i][0]) &&
                skip_text(at, end, words[i], strlen(words[i]), true) != NULL)
                return true;
        next_bytes(&at, bytes);
    }
    return false;
}

/* ---- Walking: the text was found right, so that each token ends where it must -----------------
 */

struct walk {
    const struct places *places;
    const char *end;
    places_visit *visit;
    void *context;
};

const char *places_skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
        at++;
    return at;
}

const char *places_skip_string(const char *at)
{
    for (at++; *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at + 1;
}

static const char *skip_scalar(const char *at, const char *end)
{
    while (at < end && memchr(",]} \t\r\n", *at, 7) == NULL)
        at++;
    return at;
}

const char *places_skip_value(const char *at, const char *end)
{
    size_t depth = 0;

    if (*at == '"')
        return places_skip_string(at);
    if (*at != '{' && *at != '[')
        return skip_scalar(at, end);
    do {
        if (*at == '"') {
            at = places_skip_string(at);
            continue;
        }
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
        at++;
    } while (depth > 0);
    return at;
}

/* Does its segment at this level name the key, or the index if key is NULL? */
static bool leads(const struct place *place, size_t level, const char *key, size_t key_len,
                  size_t index)
{
    size_t len;

    if (key == NULL)
        return place->segments[level].index == index;
    const char *segment = segment_of(place, level, &len);
    return places_string_is(key, key_len, segment, len);
}

static uint64_t narrow(const struct walk *walk, uint64_t mask, size_t level, const char *key,
                       size_t key_len, size_t index)
{
    uint64_t left = 0;

    for (; mask != 0; mask &= mask - 1) {
        int i = __builtin_ctzll(mask);
        if (leads(&walk->places->items[i], level, key, key_len, index))
            left |= UINT64_C(1) << i;
    }
    return left;
}

static uint64_t ending(const struct walk *walk, uint64_t mask, size_t level)
{
    uint64_t here = 0;

    for (; mask != 0; mask &= mask - 1) {
        int i = __builtin_ctzll(mask);
        if (walk->places->items[i].count == level)
            here |= UINT64_C(1) << i;
    }
    return here;
}

static void walk_inside(const struct walk *walk, const char *at, uint64_t mask, size_t level);

/* Past the value. It is visited if it is not the whole text, which no pointer leads to. */
static const char *walk_value(const struct walk *walk, const char *at, uint64_t mask, size_t level)
{
    const char *end = places_skip_value(at, walk->end);
    uint64_t here = ending(walk, mask, level);

    if (level > 0 && !walk->visit(walk->context, mask, here, at, (size_t)(end - at)))
        return end;
    if (mask != here && (*at == '{' || *at == '['))
        walk_inside(walk, at, mask & ~here, level);
    return end;
}

/* The members or items of the container at `at`; as deep as the pointers, at most. */
static void walk_inside(const struct walk *walk, const char *at, uint64_t mask, size_t level)
{
    bool object = *at == '{';

    at = places_skip_blanks(at + 1, walk->end);
    for (size_t index = 0; *at != '}' && *at != ']'; index++) {
        const char *key = object ? at : NULL, *key_end = NULL;
        if (object) {
            key_end = places_skip_string(at);
            at = places_skip_blanks(places_skip_blanks(key_end, walk->end) + 1, walk->end);
        }
        size_t key_len = object ? (size_t)(key_end - key) : 0;
        uint64_t left = narrow(walk, mask, level, key, key_len, index);
        at = left == 0 ? places_skip_value(at, walk->end) : walk_value(walk, at, left, level + 1);
        at = places_skip_blanks(at, walk->end);
        if (*at == ',')
            at = places_skip_blanks(at + 1, walk->end);
    }
}

void places_walk(const struct places *places, const char *text, size_t len, places_visit *visit,
                 void *context)
{
    struct walk walk = {places, text + len, visit, context};
    uint64_t all = places->count == PLACES_MAX ? UINT64_MAX : (UINT64_C(1) << places->count) - 1;

    if (all != 0)
        walk_value(&walk, places_skip_blanks(text, text + len), all, 0);
}
