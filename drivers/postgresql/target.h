/* SPDX-License-Identifier: MIT */
/* What a PostgreSQL module of the configuration asks for, checked, and the SQL it takes. */
#ifndef DRIVERS_POSTGRESQL_TARGET_H
#define DRIVERS_POSTGRESQL_TARGET_H

#include <weir/sink.h>

#include "conn.h"
#include "schema.h"

/* Its own number space among advisory locks: "weir" and the table's creation. */
#define CREATE_LOCK "pg_catalog.pg_advisory_xact_lock(x'77656972'::int, 1)"

struct weir_target {
    char table[PG_TABLE_MAX]; /* quoted: "schema"."table" or "table" */
    struct schema *schema;
    char *insert, *create; /* SQL */
};

extern const struct weir_setting pg_options[];
extern const char *const pg_aliases[];

int pg_target_new(struct weir_target **out, const struct weir_settings *options,
                  struct weir_error *error);
void pg_target_free(struct weir_target **target);

#endif
