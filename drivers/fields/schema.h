/* SPDX-License-Identifier: MIT */
/*
 * Storage modes of the SQL sinks: which columns a row has, and where their values come from.
 *
 *   json        payload and headers as they came (the default)
 *   relational  fields of the body in typed columns, without the payload
 *   hybrid      both
 *
 * Every mode has id, webhook_id and received_at. A schema is immutable once made.
 */
#ifndef DRIVERS_FIELDS_SCHEMA_H
#define DRIVERS_FIELDS_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <weir/settings.h>

#define SCHEMA_FIELDS_MAX     64
#define SCHEMA_TOKENS_MAX     16  /* of a JSON pointer */
#define SCHEMA_NAME_MAX       128 /* bytes of a field's name or pointer, with its NUL */
#define SCHEMA_IDENTIFIER_MAX 64  /* bytes of a column's or index's name, with its NUL */
#define SCHEMA_INDEXES_MAX    16
#define SCHEMA_INDEX_COLUMNS  8
#define SCHEMA_COLUMNS_MAX    (SCHEMA_FIELDS_MAX + 5)

enum schema_dialect { SCHEMA_POSTGRESQL, SCHEMA_MYSQL, SCHEMA_SQLITE };

enum schema_mode { SCHEMA_JSON, SCHEMA_RELATIONAL, SCHEMA_HYBRID };

/* Of columns; the first five are weir's own. */
enum schema_type {
    SCHEMA_ID,
    SCHEMA_NAME, /* webhook_id */
    SCHEMA_RECEIVED,
    SCHEMA_PAYLOAD,
    SCHEMA_HEADERS,
    SCHEMA_STRING,
    SCHEMA_TEXT,
    SCHEMA_INTEGER,
    SCHEMA_NUMBER,
    SCHEMA_DECIMAL,
    SCHEMA_BOOLEAN,
    SCHEMA_TIMESTAMP,
    SCHEMA_DATE,
    SCHEMA_UUID,
    SCHEMA_DOCUMENT, /* json */
    SCHEMA_TYPES
};

struct schema_field {
    char name[SCHEMA_NAME_MAX]; /* as it is written down: a member's name or a JSON pointer */
    char column[SCHEMA_IDENTIFIER_MAX];
    enum schema_type type;
    bool not_null, unique;
    char path[SCHEMA_NAME_MAX];            /* the pointer's tokens, each with a NUL */
    const char *tokens[SCHEMA_TOKENS_MAX]; /* into path */
    unsigned tokens_count;
    char *fallback; /* the default, as JSON text; NULL if none. Owned */
};

struct schema_index {
    char name[SCHEMA_IDENTIFIER_MAX];
    char columns[SCHEMA_INDEX_COLUMNS][SCHEMA_IDENTIFIER_MAX];
    unsigned columns_count;
    bool unique;
};

struct schema_column {
    const char *name;
    enum schema_type type;
    const struct schema_field *field; /* NULL for weir's own */
};

struct schema {
    enum schema_dialect dialect;
    enum schema_mode mode;
    const struct schema_field *upsert; /* the key; NULL: rows are only inserted */
    struct schema_column columns[SCHEMA_COLUMNS_MAX];
    unsigned columns_count;
    struct schema_field fields[SCHEMA_FIELDS_MAX];
    unsigned fields_count;
    struct schema_index indexes[SCHEMA_INDEXES_MAX];
    unsigned indexes_count;
};

/* The options that make a schema, for a sink's table of them. */
#define SCHEMA_OPTIONS                                                                           \
    {"storage_mode", WEIR_SETTING_STRING, 0, 0, 0, "json", "json, relational or hybrid"},        \
        {"schema", WEIR_SETTING_JSON, 0, 0, 0, NULL, "fields and indexes of the other modes"},   \
        {"upsert", WEIR_SETTING_BOOLEAN, 0, 0, 0, "false", "replace the row with the same key"}, \
        {"upsert_key", WEIR_SETTING_STRING, 0, 0, 0, NULL, "a field's column"},                  \
    {                                                                                            \
        "include_headers", WEIR_SETTING_BOOLEAN, 0, 0, 0, "true", "store the headers as well"    \
    }

/* WEIR_EINVAL says what is wrong, WEIR_ENOMEM. *out is owned by the caller. */
int schema_new(struct schema **out, const struct weir_settings *options,
               enum schema_dialect dialect, struct weir_error *error);
void schema_free(struct schema **schema);

/* Letters, digits and underscores, not beginning with a digit, at most `most` of them? */
bool schema_is_identifier(const char *name, size_t len, size_t most);

/* How the dialect spells a column's type. */
const char *schema_sql_type(enum schema_dialect dialect, enum schema_type type);

#endif
