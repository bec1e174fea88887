/* SPDX-License-Identifier: MIT */
/*
 * Owns: the form of a batch. Never does: talk to a server. Lock: none.
 */
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define HEAD_MAX     512 /* the statement before its first row */
#define ROW_OVERHEAD 64  /* quotes, commas, lengths */

size_t rows_item_size(const struct weir_item *item)
{
    /* Escaping at worst doubles. */
    return ROW_OVERHEAD + WEIR_ID_LEN + ROWS_STAMP +
           2 * (strlen(item->webhook_id) + item->body_len + item->headers_len);
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

static void put(struct rows *rows, int column, size_t row, const char *value, size_t len)
{
    rows->values[column][row] = value;
    rows->lengths[column][row] = len;
}

void rows_bind(struct rows *rows, struct weir_item *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct weir_item *item = items[i];
        put_stamp(rows->stamps[i], item->received_at);
        put(rows, ROWS_ID, i, item->id, WEIR_ID_LEN);
        put(rows, ROWS_WEBHOOK_ID, i, item->webhook_id, strlen(item->webhook_id));
        put(rows, ROWS_RECEIVED_AT, i, rows->stamps[i], ROWS_STAMP - 1);
        put(rows, ROWS_PAYLOAD, i, item->body, item->body_len);
        put(rows, ROWS_HEADERS, i, item->headers, item->headers_len);
    }
    memset(rows->binds, 0, sizeof(rows->binds));
    for (int column = 0; column < ROWS_COLUMNS; column++) {
        rows->binds[column].buffer_type = MYSQL_TYPE_STRING;
        rows->binds[column].buffer = rows->values[column];
        rows->binds[column].length = rows->lengths[column];
    }
}

/* ---- Text ------------------------------------------------------------------------------------ */

static char *put_string(char *at, MYSQL *mysql, const char *value, size_t len)
{
    *at++ = '\'';
    at += mysql_real_escape_string(mysql, at, value, len);
    *at++ = '\'';
    return at;
}

static char *put_row(char *at, MYSQL *mysql, const struct weir_item *item)
{
    char stamp[ROWS_STAMP];

    put_stamp(stamp, item->received_at);
    *at++ = '(';
    at = put_string(at, mysql, item->id, WEIR_ID_LEN);
    *at++ = ',';
    at = put_string(at, mysql, item->webhook_id, strlen(item->webhook_id));
    *at++ = ',';
    at = put_string(at, mysql, stamp, ROWS_STAMP - 1);
    *at++ = ',';
    at = put_string(at, mysql, item->body, item->body_len);
    *at++ = ',';
    at = put_string(at, mysql, item->headers, item->headers_len);
    *at++ = ')';
    return at;
}

int rows_text(char **out, size_t *len, MYSQL *mysql, const char *table,
              struct weir_item *const *items, size_t count)
{
    size_t size = HEAD_MAX;

    for (size_t i = 0; i < count; i++)
        size += rows_item_size(items[i]);
    *out = malloc(size);
    if (*out == NULL)
        return WEIR_ENOMEM;
    char *at = *out;
    at += snprintf(at, HEAD_MAX,
                   "INSERT INTO %s (id, webhook_id, received_at, payload, headers) VALUES ", table);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            *at++ = ',';
        at = put_row(at, mysql, items[i]);
    }
    *len = (size_t)(at - *out);
    return 0;
}
