/* SPDX-License-Identifier: MIT */
/*
 * Owns: putting SQL together. Never does: quote a value; values are bound. Lock: none.
 */
#include "sql.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"

bool sql_init(struct sql *sql)
{
    *sql = (struct sql){.text = malloc(SQL_MAX)};
    if (sql->text != NULL)
        sql->text[0] = '\0';
    return sql->text != NULL;
}

void sql_fini(struct sql *sql)
{
    free(sql->text);
    *sql = (struct sql){.text = NULL};
}

void sql_put(struct sql *sql, const char *format, ...)
{
    size_t room = SQL_MAX - sql->len;
    va_list arguments;

    va_start(arguments, format);
    int len = vsnprintf(sql->text + sql->len, room, format, arguments);
    va_end(arguments);
    sql->len += (size_t)len < room ? (size_t)len : room - 1;
}

int sql_quote_table(char *out, size_t size, const char *name, char quote, size_t most,
                    struct weir_error *error)
{
    const char *dot = strchr(name, '.');
    const char *table = dot == NULL ? name : dot + 1;

    if ((dot != NULL && !schema_is_identifier(name, (size_t)(dot - name), most)) ||
        !schema_is_identifier(table, strlen(table), most))
        return weir_fail_key(error, WEIR_EINVAL, "table",
                             "must be one name, or two with a dot between them, each 1 to %zu "
                             "letters, digits and underscores, not beginning with a digit",
                             most);
    if (dot != NULL)
        snprintf(out, size, "%c%.*s%c.%c%s%c", quote, (int)(dot - name), name, quote, quote, table,
                 quote);
    else
        snprintf(out, size, "%c%s%c", quote, table, quote);
    return 0;
}
