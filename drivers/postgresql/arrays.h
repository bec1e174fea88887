/* SPDX-License-Identifier: MIT */
/*
 * A batch as PostgreSQL's binary arrays: one array for each column, all in one buffer. (Format:
 * array_recv in the server; dimensions, flags, element type, length, lower bound, elements.)
 */
#ifndef DRIVERS_POSTGRESQL_ARRAYS_H
#define DRIVERS_POSTGRESQL_ARRAYS_H

#include <weir/sink.h>

enum arrays_column {
    ARRAYS_ID,
    ARRAYS_WEBHOOK_ID,
    ARRAYS_RECEIVED_AT,
    ARRAYS_PAYLOAD,
    ARRAYS_HEADERS,
    ARRAYS_COLUMNS
};

struct arrays {
    char *buffer; /* owned */
    const char *values[ARRAYS_COLUMNS];
    int lengths[ARRAYS_COLUMNS];
};

/* WEIR_ENOMEM, or WEIR_ELIMIT past what one message may hold. */
int arrays_init(struct arrays *arrays, const struct weir_item *items, size_t count);
void arrays_fini(struct arrays *arrays);

#endif
