/* SPDX-License-Identifier: MIT */
/* SQL in the making, in one buffer that holds the longest a schema can ask for. */
#ifndef DRIVERS_FIELDS_SQL_H
#define DRIVERS_FIELDS_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <weir/error.h>

#define SQL_MAX (32 * 1024)

struct sql {
    char *text; /* owned; SQL_MAX bytes, NUL-terminated */
    size_t len;
};

/* False without memory. */
bool sql_init(struct sql *sql);
void sql_fini(struct sql *sql);

/* Append; never past the end. */
void sql_put(struct sql *sql, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * A table's name as configurations have it, "table" or "schema.table", each 1 to `most` letters,
 * digits and underscores, quoted into out. WEIR_EINVAL names the key.
 */
int sql_quote_table(char *out, size_t size, const char *name, char quote, size_t most,
                    struct weir_error *error);

#endif
