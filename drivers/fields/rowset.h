/* SPDX-License-Identifier: MIT */
/*
 * A batch as rows: each item's values for its schema's fields. Items whose values do not fit are
 * refused by themselves; of several with the same upsert key the last one in counts, as it would
 * if they came one by one.
 */
#ifndef DRIVERS_FIELDS_ROWSET_H
#define DRIVERS_FIELDS_ROWSET_H

#include <weir/sink.h>

#include "schema.h"

struct cell {
    char *text; /* owned; NULL is SQL's NULL */
    size_t len;
};

struct rowset {
    const struct schema *schema;
    size_t count;
    struct weir_item *items[WEIR_BATCH_MAX];   /* to be written, in their order */
    struct cell *cells;                        /* count times the schema's fields; NULL if none */
    struct weir_item *earlier[WEIR_BATCH_MAX]; /* that a later one replaces */
    size_t earlier_count;
};

/* WEIR_ENOMEM. Borrows the items, and sets the status and field of those that are refused. */
int rowset_init(struct rowset *rows, const struct schema *schema, struct weir_item *items,
                size_t count);

/* The cell of a row for a column that has a field. */
const struct cell *rowset_cell(const struct rowset *rows, size_t row,
                               const struct schema_field *field);

/* All rows have been written: so says every item's status from now on. */
void rowset_stored(struct rowset *rows);

void rowset_fini(struct rowset *rows);

#endif
