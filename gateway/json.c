/* SPDX-License-Identifier: MIT */
/*
 * Owns: whether a body is exactly one JSON value. yajl checks the grammar; depth, UTF-8 and the
 * halves of surrogates, about which it is careless, are checked here.
 * Never does: build a value, change the body, call malloc for an ordinary one. Lock: none.
 */
#include "json.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_parse.h>

#include "text.h"

#define ARENA_SIZE 4096 /* bytes on the stack: enough for any body of usual depth */

/* What yajl is given begins with this. */
struct piece {
    struct piece *next; /* of those from malloc */
    size_t size;
};

/*
 * The memory of one check, let go of all at once. yajl does not look whether an allocation
 * succeeded, so one that fails does not return to it.
 */
struct arena {
    _Alignas(16) char bytes[ARENA_SIZE];
    size_t used;
    struct piece *pieces;
    jmp_buf failed;
};

static void *arena_alloc(void *context, size_t size)
{
    struct arena *arena = context;
    size_t whole = (sizeof(struct piece) + size + 15) & ~(size_t)15;
    struct piece *piece;

    if (whole <= sizeof(arena->bytes) - arena->used) {
        piece = (void *)(arena->bytes + arena->used);
        arena->used += whole;
    } else {
        piece = malloc(whole);
        if (piece == NULL)
            longjmp(arena->failed, 1);
        piece->next = arena->pieces;
        arena->pieces = piece;
    }
    piece->size = size;
    return piece + 1;
}

/* yajl doubles what it grows, so that the old pieces together are not larger than the new one. */
static void *arena_realloc(void *context, void *old, size_t size)
{
    void *new = arena_alloc(context, size);

    if (old != NULL) {
        size_t have = ((struct piece *)old - 1)->size;
        memcpy(new, old, size < have ? size : have);
    }
    return new;
}

static void arena_free(void *context, void *piece)
{
    (void)context;
    (void)piece;
}

static void arena_fini(struct arena *arena)
{
    while (arena->pieces != NULL) {
        struct piece *piece = arena->pieces;
        arena->pieces = piece->next;
        free(piece);
    }
}

struct depth {
    unsigned now, max;
};

static int deeper(void *context)
{
    struct depth *depth = context;

    return ++depth->now <= depth->max;
}

static int shallower(void *context)
{
    struct depth *depth = context;

    depth->now--;
    return 1;
}

static size_t count_blank(const char *text, size_t len)
{
    size_t count = 0;

    while (count < len && memchr(" \t\r\n", text[count], 4) != NULL)
        count++;
    return count;
}

static enum json_verdict check_grammar(struct arena *arena, const char *body, size_t len,
                                       unsigned depth_max)
{
    static const yajl_callbacks callbacks = {.yajl_start_map = deeper,
                                             .yajl_end_map = shallower,
                                             .yajl_start_array = deeper,
                                             .yajl_end_array = shallower};
    yajl_alloc_funcs memory = {arena_alloc, arena_realloc, arena_free, arena};
    struct depth depth = {0, depth_max};

    if (setjmp(arena->failed) != 0)
        return JSON_MEMORY;
    yajl_handle yajl = yajl_alloc(&callbacks, &memory, &depth);
    yajl_config(yajl, yajl_dont_validate_strings, 1);
    /* It would let half a string stand after the value: what stands there is looked at here. */
    yajl_config(yajl, yajl_allow_trailing_garbage, 1);
    yajl_status status = yajl_parse(yajl, (const unsigned char *)body, len);
    size_t end = yajl_get_bytes_consumed(yajl);
    if (status == yajl_status_ok && end == len)
        status = yajl_complete_parse(yajl);
    if (status == yajl_status_client_canceled)
        return JSON_DEPTH;
    if (end + count_blank(body + end, len - end) < len)
        return JSON_SYNTAX;
    return status == yajl_status_ok ? JSON_OK : JSON_SYNTAX;
}

static enum json_verdict check_syntax(const char *body, size_t len, unsigned depth_max)
{
    struct arena arena;

    arena.used = 0;
    arena.pieces = NULL;
    enum json_verdict verdict = check_grammar(&arena, body, len, depth_max);
    arena_fini(&arena);
    return verdict;
}

/* yajl takes these two for white space; in JSON they may stand nowhere. */
static bool has_odd_space(const char *body, size_t len)
{
    return memchr(body, '\v', len) != NULL || memchr(body, '\f', len) != NULL;
}

/* Eight bytes of ASCII at a time; the rest by the sequence. */
static bool check_encoding(const char *body, size_t len)
{
    const uint64_t high_bits = UINT64_C(0x8080808080808080);

    while (len > 0) {
        uint64_t eight;
        if (len >= sizeof(eight)) {
            memcpy(&eight, body, sizeof(eight));
            if ((eight & high_bits) == 0) {
                body += sizeof(eight);
                len -= sizeof(eight);
                continue;
            }
        }
        size_t n = text_utf8_sequence(body, len);
        if (n == 0)
            return false;
        body += n;
        len -= n;
    }
    return true;
}

static unsigned hex_value(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

/* The code unit of \uXXXX at `at`; 0, which is no surrogate, if something else is there. */
static unsigned escaped_unit(const char *at, const char *end)
{
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return 0;
    return hex_value(at[2]) << 12 | hex_value(at[3]) << 8 | hex_value(at[4]) << 4 |
           hex_value(at[5]);
}

/* The grammar was found right, so that a backslash begins an escape of a string. */
static bool check_surrogates(const char *body, size_t len)
{
    const char *end = body + len, *at = body;

    while ((at = memchr(at, '\\', (size_t)(end - at))) != NULL) {
        unsigned unit = escaped_unit(at, end);
        if (unit < 0xd800 || unit > 0xdfff) {
            at += 2;
            continue;
        }
        unsigned other = unit <= 0xdbff ? escaped_unit(at + 6, end) : 0;
        if (other < 0xdc00 || other > 0xdfff)
            return false;
        at += 12;
    }
    return true;
}

/* The grammar was found right, so that what is between two quotes is a string. */
static bool check_strings(const char *body, size_t len, size_t max)
{
    const char *end = body + len, *at = body;

    while ((at = memchr(at, '"', (size_t)(end - at))) != NULL) {
        const char *from = ++at;
        while (*at != '"')
            at += *at == '\\' ? 2 : 1;
        if ((size_t)(at - from) > max)
            return false;
        at++;
    }
    return true;
}

enum json_verdict json_check(const char *body, size_t len, const struct json_limits *limits)
{
    if (count_blank(body, len) == len)
        return JSON_EMPTY;
    if (!check_encoding(body, len))
        return JSON_ENCODING;
    if (has_odd_space(body, len))
        return JSON_SYNTAX;
    enum json_verdict verdict = check_syntax(body, len, limits->depth);
    if (verdict == JSON_OK && !check_surrogates(body, len))
        return JSON_SURROGATE;
    if (verdict == JSON_OK && len > limits->string && !check_strings(body, len, limits->string))
        return JSON_LONG;
    return verdict;
}

const char *json_verdict_name(enum json_verdict verdict)
{
    switch (verdict) {
    case JSON_OK: return "ok";
    case JSON_EMPTY: return "empty";
    case JSON_SYNTAX: return "syntax";
    case JSON_DEPTH: return "depth";
    case JSON_LONG: return "string";
    case JSON_ENCODING: return "encoding";
    case JSON_SURROGATE: return "surrogate";
    case JSON_MEMORY: return "memory";
    }
    return "unknown";
}
