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

/* Type oids of the server's catalog, which never change. Fields are cast from text. */
static uint32_t element_type(enum schema_type type)
{
    switch (type) {
    case SCHEMA_ID: return 2950;       /* uuid */
    case SCHEMA_RECEIVED: return 1184; /* timestamptz */
    default: return 25;                /* text */
    }
}

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

static char *put_cell(char *at, const struct cell *cell)
{
    if (cell->text == NULL)
        return put32(at, UINT32_MAX); /* a length of -1 is NULL */
    return put_bytes(at, cell->text, cell->len);
}

static char *put_item(char *at, const struct rowset *rows, size_t row,
                      const struct schema_column *column)
{
    const struct weir_item *item = rows->items[row];

    switch (column->type) {
    case SCHEMA_ID: return put_uuid(at, item->id);
    case SCHEMA_NAME: return put_bytes(at, item->webhook_id, strlen(item->webhook_id));
    case SCHEMA_RECEIVED: return put64(put32(at, 8), (uint64_t)(item->received_at - POSTGRES_DAY));
    case SCHEMA_PAYLOAD: return put_bytes(at, item->body, item->body_len);
    case SCHEMA_HEADERS: return put_bytes(at, item->headers, item->headers_len);
    default: return put_cell(at, rowset_cell(rows, row, column->field));
    }
}

static char *put_array(char *at, const struct rowset *rows, const struct schema_column *column)
{
    at = put32(at, rows->count > 0 ? 1 : 0);       /* dimensions */
    at = put32(at, column->field != NULL ? 1 : 0); /* may there be NULLs? */
    at = put32(at, element_type(column->type));
    if (rows->count == 0)
        return at;
    at = put32(at, (uint32_t)rows->count);
    at = put32(at, 1); /* lower bound */
    for (size_t i = 0; i < rows->count; i++)
        at = put_item(at, rows, i, column);
    return at;
}

static size_t size_of(const struct rowset *rows)
{
    const struct schema *schema = rows->schema;
    size_t size = schema->columns_count * (size_t)ARRAY_HEAD;

    for (size_t i = 0; i < rows->count; i++) {
        const struct weir_item *item = rows->items[i];
        size += schema->columns_count * sizeof(uint32_t) + UUID_LEN + 8 + strlen(item->webhook_id) +
                item->body_len + item->headers_len;
        for (unsigned field = 0; field < schema->fields_count; field++)
            size += rows->cells[i * schema->fields_count + field].len;
    }
    return size;
}

int arrays_init(struct arrays *arrays, const struct rowset *rows)
{
    size_t size = size_of(rows);

    memset(arrays, 0, sizeof(*arrays));
    if (size > INT_MAX / 2)
        return WEIR_ELIMIT;
    arrays->buffer = malloc(size);
    if (arrays->buffer == NULL)
        return WEIR_ENOMEM;
    char *at = arrays->buffer;
    for (unsigned column = 0; column < rows->schema->columns_count; column++) {
        arrays->values[column] = at;
        at = put_array(at, rows, &rows->schema->columns[column]);
        arrays->lengths[column] = (int)(at - arrays->values[column]);
    }
    return 0;
}

void arrays_fini(struct arrays *arrays)
{
    free(arrays->buffer);
    arrays->buffer = NULL;
}
