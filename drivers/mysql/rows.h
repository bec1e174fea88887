/* SPDX-License-Identifier: MIT */
/*
 * A batch in the forms the server takes: columns for array binding, or one text of many rows.
 * Both borrow the items, whose order they keep.
 */
#ifndef DRIVERS_MYSQL_ROWS_H
#define DRIVERS_MYSQL_ROWS_H

#include <mysql.h>
#include <weir/sink.h>

enum rows_column {
    ROWS_ID,
    ROWS_WEBHOOK_ID,
    ROWS_RECEIVED_AT,
    ROWS_PAYLOAD,
    ROWS_HEADERS,
    ROWS_COLUMNS
};

#define ROWS_STAMP 27 /* bytes of a DATETIME(6) as text, with its NUL */

/* Array binding (MariaDB): for each column the values' addresses and lengths. */
struct rows {
    const char *values[ROWS_COLUMNS][WEIR_BATCH_MAX];
    unsigned long lengths[ROWS_COLUMNS][WEIR_BATCH_MAX];
    char stamps[WEIR_BATCH_MAX][ROWS_STAMP];
    MYSQL_BIND binds[ROWS_COLUMNS];
};

/* What the item takes in a packet, at most, beside a fixed part for each packet. */
size_t rows_item_size(const struct weir_item *item);

void rows_bind(struct rows *rows, struct weir_item *const *items, size_t count);

/*
 * INSERT ... VALUES (...), (...): *out is owned by the caller. mysql says how to escape.
 * WEIR_ENOMEM.
 */
int rows_text(char **out, size_t *len, MYSQL *mysql, const char *table,
              struct weir_item *const *items, size_t count);

#endif
