/* SPDX-License-Identifier: MIT */
/* What a MySQL module of the configuration asks for, checked, and the SQL it takes. */
#ifndef DRIVERS_MYSQL_TARGET_H
#define DRIVERS_MYSQL_TARGET_H

#include <weir/sink.h>

#include "conn.h"
#include "schema.h"

struct weir_target {
    char table[MY_TABLE_MAX]; /* quoted: `database`.`table` or `table` */
    struct schema *schema;
    char *head, *marks, *tail; /* INSERT ... VALUES, (?, ...), ON DUPLICATE KEY ... */
    char *insert;              /* all three */
    char *create;
};

extern const struct weir_setting mysql_options_table[];
extern const char *const mysql_aliases[];

int mysql_target_new(struct weir_target **out, const struct weir_settings *options,
                     struct weir_error *error);
void mysql_target_free(struct weir_target **target);

#endif
