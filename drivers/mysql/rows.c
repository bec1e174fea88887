/* SPDX-License-Identifier: MIT */
/*
 * Owns: the form of a batch. Never does: talk to a server. Lock: none.
 */
#include "rows.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define VALUE_OVERHEAD 16 /* quotes, comma, length */

size_t rows_size(const struct rowset *set, size_t row)
{
    const struct weir_item *item = set->items[row];
    const struct schema *schema = set->schema;
    size_t size = schema->columns_count * (size_t)VALUE_OVERHEAD + WEIR_ID_LEN + ROWS_STAMP;

    /* Escaping at worst doubles. */
    size += 2 * (strlen(item->webhook_id) + item->body_len + item->headers_len);
    for (unsigned i = 0; i < schema->fields_count; i++)
        size += 2 * set->cells[row * schema->fields_count + i].len;
    return size;
}

/* "2026-01-02 03:04:05.123456", in UTC. */
static void put_stamp(char stamp[ROWS_STAMP], int64_t received_at)
{
    char text[CLOCK_STAMP_MAX];

    clock_stamp(received_at, 6, text);
    memcpy(stamp, text, ROWS_STAMP - 1);
    stamp[10] = ' ';
    stamp[ROWS_STAMP - 1] = '\0';
}

struct value {
    const char *text; /* NULL: SQL's */
    size_t len;
};

static struct value value_of(const struct rowset *set, size_t row,
                             const struct schema_column *column, char stamp[ROWS_STAMP])
{
    const struct weir_item *item = set->items[row];
    const struct cell *cell;

    switch (column->type) {
    case SCHEMA_ID: return (struct value){item->id, WEIR_ID_LEN};
    case SCHEMA_NAME: return (struct value){item->webhook_id, strlen(item->webhook_id)};
    case SCHEMA_RECEIVED:
        put_stamp(stamp, item->received_at);
        return (struct value){stamp, ROWS_STAMP - 1};
    case SCHEMA_PAYLOAD: return (struct value){item->body, item->body_len};
    case SCHEMA_HEADERS: return (struct value){item->headers, item->headers_len};
    default:
        cell = rowset_cell(set, row, column->field);
        return (struct value){cell->text, cell->len};
    }
}

void rows_bind(struct rows *rows, const struct rows_part *part)
{
    const struct schema *schema = part->set->schema;

    memset(rows->binds, 0, sizeof(rows->binds));
    for (unsigned column = 0; column < schema->columns_count; column++) {
        for (size_t i = 0; i < part->count; i++) {
            struct value value =
                value_of(part->set, part->numbers[i], &schema->columns[column], rows->stamps[i]);
            rows->values[column][i] = value.text;
            rows->lengths[column][i] = value.len;
            rows->nulls[column][i] = value.text == NULL ? STMT_INDICATOR_NULL : STMT_INDICATOR_NONE;
        }
        rows->binds[column].buffer_type = MYSQL_TYPE_STRING;
        rows->binds[column].buffer = rows->values[column];
        rows->binds[column].length = rows->lengths[column];
        rows->binds[column].u.indicator = rows->nulls[column];
    }
}

/* ---- Text ------------------------------------------------------------------------------------ */

static char *put_value(char *at, MYSQL *mysql, struct value value)
{
    if (value.text == NULL) {
        memcpy(at, "NULL", 4);
        return at + 4;
    }
    *at++ = '\'';
    at += mysql_real_escape_string(mysql, at, value.text, value.len);
    *at++ = '\'';
    return at;
}

static char *put_row(char *at, MYSQL *mysql, const struct rowset *set, size_t row)
{
    const struct schema *schema = set->schema;
    char stamp[ROWS_STAMP];

    *at++ = '(';
    for (unsigned i = 0; i < schema->columns_count; i++) {
        if (i > 0)
            *at++ = ',';
        at = put_value(at, mysql, value_of(set, row, &schema->columns[i], stamp));
    }
    *at++ = ')';
    return at;
}

static char *put_text(char *at, const char *text)
{
    size_t len = strlen(text);

    memcpy(at, text, len);
    return at + len;
}

int rows_text(char **out, size_t *len, MYSQL *mysql, const char *head, const char *tail,
              const struct rows_part *part)
{
    size_t size = strlen(head) + strlen(tail) + 1;

    for (size_t i = 0; i < part->count; i++)
        size += rows_size(part->set, part->numbers[i]);
    *out = malloc(size);
    if (*out == NULL)
        return WEIR_ENOMEM;
    char *at = put_text(*out, head);
    for (size_t i = 0; i < part->count; i++) {
        if (i > 0)
            *at++ = ',';
        at = put_row(at, mysql, part->set, part->numbers[i]);
    }
    at = put_text(at, tail);
    *len = (size_t)(at - *out);
    return 0;
}
