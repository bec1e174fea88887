/* SPDX-License-Identifier: MIT */
/*
 * Owns: the wire form of a batch. Never does: talk to a server. Lock: none.
 */
#include "arrays.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_HEAD   20 /* bytes before the first element */
#define UUID_LEN     16
#define POSTGRES_DAY INT64_C(946684800000000) /* 2000-01-01, in microseconds since 1970 */

/* Type oids of the server's catalog, which never change. */
static const uint32_t element_types[ARRAYS_COLUMNS] = {[ARRAYS_ID] = 2950,       /* uuid */
                                                       [ARRAYS_WEBHOOK_ID] = 25, /* text */
                                                       [ARRAYS_RECEIVED_AT] =
                                                           1184, /* timestamptz */
                                                       [ARRAYS_PAYLOAD] = 25,
                                                       [ARRAYS_HEADERS] = 25};

static char *put32(char *at, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *at++ = (char)(value >> shift);
    return at;
}

static char *put64(char *at, uint64_t value)
{
    return put32(put32(at, (uint32_t)(value >> 32)), (uint32_t)value);
}

static char *put_bytes(char *at, const char *bytes, size_t len)
{
    at = put32(at, (uint32_t)len);
    if (len > 0)
        memcpy(at, bytes, len);
    return at + len;
}

static unsigned digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    return 10u + (unsigned)((c | 0x20) - 'a');
}

static char *put_uuid(char *at, const char *text)
{
    at = put32(at, UUID_LEN);
    for (int i = 0; i < UUID_LEN; i++) {
        text += *text == '-';
        *at++ = (char)(digit(text[0]) << 4 | digit(text[1]));
        text += 2;
    }
    return at;
}

static char *put_item(char *at, const struct weir_item *item, int column)
{
    switch (column) {
    case ARRAYS_ID: return put_uuid(at, item->id);
    case ARRAYS_WEBHOOK_ID: return put_bytes(at, item->webhook_id, strlen(item->webhook_id));
    case ARRAYS_RECEIVED_AT:
        return put64(put32(at, 8), (uint64_t)(item->received_at - POSTGRES_DAY));
    case ARRAYS_PAYLOAD: return put_bytes(at, item->body, item->body_len);
    default: return put_bytes(at, item->headers, item->headers_len);
    }
}

static char *put_array(char *at, const struct weir_item *items, size_t count, int column)
{
    at = put32(at, count > 0 ? 1 : 0); /* dimensions */
    at = put32(at, 0);                 /* no NULLs */
    at = put32(at, element_types[column]);
    if (count == 0)
        return at;
    at = put32(at, (uint32_t)count);
    at = put32(at, 1); /* lower bound */
    for (size_t i = 0; i < count; i++)
        at = put_item(at, &items[i], column);
    return at;
}

static size_t size_of(const struct weir_item *items, size_t count)
{
    size_t size = (size_t)ARRAYS_COLUMNS * ARRAY_HEAD;

    for (size_t i = 0; i < count; i++)
        size += ARRAYS_COLUMNS * sizeof(uint32_t) + UUID_LEN + 8 + strlen(items[i].webhook_id) +
                items[i].body_len + items[i].headers_len;
    return size;
}

int arrays_init(struct arrays *arrays, const struct weir_item *items, size_t count)
{
    size_t size = size_of(items, count);

    memset(arrays, 0, sizeof(*arrays));
    if (size > INT_MAX / 2)
        return WEIR_ELIMIT;
    arrays->buffer = malloc(size);
    if (arrays->buffer == NULL)
        return WEIR_ENOMEM;
    char *at = arrays->buffer;
    for (int column = 0; column < ARRAYS_COLUMNS; column++) {
        arrays->values[column] = at;
        at = put_array(at, items, count, column);
        arrays->lengths[column] = (int)(at - arrays->values[column]);
    }
    return 0;
}

void arrays_fini(struct arrays *arrays)
{
    free(arrays->buffer);
    arrays->buffer = NULL;
}
