/* SPDX-License-Identifier: MIT */
/*
 * A batch as PostgreSQL's binary arrays: one array for each column, all in one buffer. (Format:
 * array_recv in the server; dimensions, flags, element type, length, lower bound, elements.)
 */
#ifndef DRIVERS_POSTGRESQL_ARRAYS_H
#define DRIVERS_POSTGRESQL_ARRAYS_H

#include <weir/sink.h>

#include "rowset.h"

struct arrays {
    char *buffer; /* owned */
    const char *values[SCHEMA_COLUMNS_MAX];
    int lengths[SCHEMA_COLUMNS_MAX];
};

/* WEIR_ENOMEM, or WEIR_ELIMIT past what one message may hold. */
int arrays_init(struct arrays *arrays, const struct rowset *rows);
void arrays_fini(struct arrays *arrays);

#endif
