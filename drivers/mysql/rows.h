/* SPDX-License-Identifier: MIT */
/*
 * A batch in the forms the server takes: columns for array binding, or one text of many rows.
 * Both borrow the items, whose order they keep.
 */
#ifndef DRIVERS_MYSQL_ROWS_H
#define DRIVERS_MYSQL_ROWS_H

#include <mysql.h>
#include <weir/sink.h>

#include "rowset.h"

#define ROWS_STAMP 27 /* bytes of a DATETIME(6) as text, with its NUL */

/* Array binding (MariaDB): for each column the values' addresses and lengths. */
struct rows {
    const char *values[SCHEMA_COLUMNS_MAX][WEIR_BATCH_MAX];
    unsigned long lengths[SCHEMA_COLUMNS_MAX][WEIR_BATCH_MAX];
    char nulls[SCHEMA_COLUMNS_MAX][WEIR_BATCH_MAX]; /* STMT_INDICATOR_... */
    char stamps[WEIR_BATCH_MAX][ROWS_STAMP];
    MYSQL_BIND binds[SCHEMA_COLUMNS_MAX];
};

/* A part of a rowset: `count` of its rows, by number. */
struct rows_part {
    const struct rowset *set;
    size_t numbers[WEIR_BATCH_MAX];
    size_t count;
};

/* What a row takes in a packet, at most, beside a fixed part for each packet. */
size_t rows_size(const struct rowset *set, size_t row);

void rows_bind(struct rows *rows, const struct rows_part *part);

/*
 * One statement: head, then (...), (...), then tail. *out is owned by the caller; mysql says how
 * to escape. WEIR_ENOMEM.
 */
int rows_text(char **out, size_t *len, MYSQL *mysql, const char *head, const char *tail,
              const struct rows_part *part);

#endif
