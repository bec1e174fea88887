/* SPDX-License-Identifier: MIT */
/* Finding the values of a schema's fields in a JSON text, without losing a digit of them. */
#ifndef DRIVERS_FIELDS_EXTRACT_H
#define DRIVERS_FIELDS_EXTRACT_H

#include "schema.h"

enum raw_kind { RAW_ABSENT, RAW_NULL, RAW_FALSE, RAW_TRUE, RAW_NUMBER, RAW_STRING, RAW_DOCUMENT };

/* A value as it stands in the text: a number's digits, a string's bytes, compact JSON. */
struct raw {
    enum raw_kind kind;
    char *text; /* NUL-terminated too; NULL for absent, null, false and true. Owned */
    size_t len;
};

/*
 * One raw for each field, in their order (absent ones too); of a name that stands twice, the last
 * counts. WEIR_EREJECTED if it is not JSON or not an object, WEIR_ENOMEM. Free them all the same.
 */
int extract(const struct schema *schema, const char *json, size_t len,
            struct raw raws[SCHEMA_FIELDS_MAX]);

/* A JSON text of a single value. WEIR_EREJECTED, WEIR_ENOMEM. */
int extract_value(const char *json, size_t len, struct raw *raw);

void raw_free(struct raw *raw);

#endif
