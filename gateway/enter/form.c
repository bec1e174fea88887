/* SPDX-License-Identifier: MIT */
/*
 * Owns: reading a form, and gathering what came under one name.
 * Never does: let a byte through that JSON, or a column of text, cannot hold. Lock: none.
 */
#include "form.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "quote.h"
#include "text.h"

struct piece {
    char *bytes;
    size_t len;
};

struct field {
    struct piece name, value;
    struct field *next; /* of the same name */
    bool again;         /* of a name that was there before */
};

/* ---- Reading --------------------------------------------------------------------------------- */

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place. */
static bool decode(struct piece *piece)
{
    const char *at = piece->bytes, *end = at + piece->len;
    char *to = piece->bytes;

    while (at < end) {
        char c = *at++;
        if (c == '%') {
            int high = end - at < 2 ? -1 : digit_of(at[0]),
                low = end - at < 2 ? -1 : digit_of(at[1]);
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            at += 2;
        } else if (c == '+') {
            c = ' ';
        }
        if (c == '\0')
            return false;
        *to++ = c;
    }
    piece->len = (size_t)(to - piece->bytes);
    return text_utf8_valid(piece->bytes, piece->len);
}

static bool read_field(struct field *field, char *text, size_t len)
{
    char *equals = memchr(text, '=', len), *end = text + len;

    field->name = (struct piece){text, equals == NULL ? len : (size_t)(equals - text)};
    field->value = equals == NULL ? (struct piece){end, 0}
                                  : (struct piece){equals + 1, (size_t)(end - equals - 1)};
    return decode(&field->name) && decode(&field->value);
}

/* The text up to the next & or the end, and *at behind it. */
static size_t next_part(char **at, const char *end)
{
    char *stop = memchr(*at, '&', (size_t)(end - *at));
    size_t len = (size_t)((stop == NULL ? end : stop) - *at);

    *at += len + (stop != NULL);
    return len;
}

static size_t count_fields(char *text, size_t len)
{
    const char *end = text + len;
    size_t count = 0;

    for (char *at = text; at < end;)
        count += next_part(&at, end) > 0;
    return count;
}

static bool read_fields(struct field *fields, char *text, size_t len)
{
    const char *end = text + len;

    for (char *at = text; at < end;) {
        char *from = at;
        size_t part = next_part(&at, end);
        if (part > 0 && !read_field(fields++, from, part))
            return false;
    }
    return true;
}

/* ---- Gathering ------------------------------------------------------------------------------- */

/* By name, and of one name as they came: they are in one array. */
static int by_name(const void *a, const void *b)
{
    const struct field *left = *(struct field *const *)a, *right = *(struct field *const *)b;
    size_t len = left->name.len < right->name.len ? left->name.len : right->name.len;
    int order = memcmp(left->name.bytes, right->name.bytes, len);

    if (order != 0)
        return order;
    if (left->name.len != right->name.len)
        return left->name.len < right->name.len ? -1 : 1;
    return left < right ? -1 : left > right;
}

static bool same_name(const struct field *left, const struct field *right)
{
    return left->name.len == right->name.len &&
           memcmp(left->name.bytes, right->name.bytes, left->name.len) == 0;
}

/* Chain those of one name; false without memory. */
static bool gather(struct field *fields, size_t count)
{
    struct field **sorted = calloc(count, sizeof(struct field *));

    if (sorted == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &fields[i];
    qsort(sorted, count, sizeof(struct field *), by_name);
    for (size_t i = 1; i < count; i++) {
        if (!same_name(sorted[i - 1], sorted[i]))
            continue;
        sorted[i - 1]->next = sorted[i];
        sorted[i]->again = true;
    }
    free(sorted);
    return true;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* At least what will be written: each with quotes, a comma, a colon and brackets. */
static size_t size_of(const struct field *fields, size_t count)
{
    size_t size = 2;

    for (size_t i = 0; i < count; i++)
        size += quote_size(fields[i].name.bytes, fields[i].name.len) +
                quote_size(fields[i].value.bytes, fields[i].value.len) + 4;
    return size;
}

static char *put_field(char *to, const struct field *field)
{
    bool several = field->next != NULL;

    to = quote_put(to, field->name.bytes, field->name.len);
    *to++ = ':';
    if (several)
        *to++ = '[';
    for (const struct field *each = field; each != NULL; each = each->next) {
        if (each != field)
            *to++ = ',';
        to = quote_put(to, each->value.bytes, each->value.len);
    }
    if (several)
        *to++ = ']';
    return to;
}

static enum payload_verdict put_all(const struct field *fields, size_t count,
                                    const struct purse *purse, struct payload *out)
{
    if (!payload_resize(out, purse, size_of(fields, count)))
        return PAYLOAD_OVERLOADED;
    char *to = out->bytes;
    *to++ = '{';
    for (size_t i = 0; i < count; i++) {
        if (fields[i].again)
            continue;
        if (to > out->bytes + 1)
            *to++ = ',';
        to = put_field(to, &fields[i]);
    }
    *to++ = '}';
    out->len = (size_t)(to - out->bytes);
    return PAYLOAD_OK;
}

enum payload_verdict form_to_json(char *text, size_t len, unsigned fields_max,
                                  const struct purse *purse, struct payload *out)
{
    size_t count = count_fields(text, len);

    if (count > fields_max)
        return PAYLOAD_MALFORMED;
    /* One more than needed: none at all is no failure. */
    struct field *fields = calloc(count + 1, sizeof(*fields));
    enum payload_verdict verdict = PAYLOAD_OVERLOADED;
    if (fields != NULL && !read_fields(fields, text, len))
        verdict = PAYLOAD_MALFORMED;
    else if (fields != NULL && (count == 0 || gather(fields, count)))
        verdict = put_all(fields, count, purse, out);
    free(fields);
    return verdict;
}
