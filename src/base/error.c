/* SPDX-License-Identifier: MIT */
/*
 * Owns: the names, sentences and remedies of statuses, and filling struct weir_error.
 * Never does: allocate, print. Lock: none. Compiled into libweir only, since it is public.
 */
#include <weir/error.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct row {
    int status;
    enum weir_remedy remedy;
    const char *name, *text;
};

static const struct row rows[] = {{WEIR_OK, WEIR_REMEDY_NONE, "WEIR_OK", "success"},
#define ROW(name, number, remedy, text) {number, WEIR_REMEDY_##remedy, "WEIR_" #name, text},
                                  WEIR_ERRORS(ROW)
#undef ROW
};

static const struct row *row_of(int status)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].status == status)
            return &rows[i];
    return NULL;
}

const char *weir_strerror(int status)
{
    const struct row *row = row_of(status);

    return row == NULL ? "unknown status" : row->text;
}

const char *weir_status_name(int status)
{
    const struct row *row = row_of(status);

    return row == NULL ? NULL : row->name;
}

enum weir_remedy weir_remedy(int status)
{
    const struct row *row = row_of(status);

    return row == NULL ? WEIR_REMEDY_RECONNECT : row->remedy;
}

__attribute__((format(printf, 4, 0))) static void
fill(struct weir_error *error, int status, const char *key, const char *format, va_list arguments)
{
    char detail[sizeof(error->detail)]; /* what is there may be one of the arguments */

    vsnprintf(detail, sizeof(detail), format, arguments);
    error->status = status;
    snprintf(error->key, sizeof(error->key), "%s", key);
    error->native[0] = '\0';
    memcpy(error->detail, detail, strlen(detail) + 1);
}

int weir_fail(struct weir_error *error, int status, const char *format, ...)
{
    va_list arguments;

    if (error == NULL)
        return status;
    va_start(arguments, format);
    fill(error, status, "", format, arguments);
    va_end(arguments);
    return status;
}

int weir_fail_key(struct weir_error *error, int status, const char *key, const char *format, ...)
{
    va_list arguments;

    if (error == NULL)
        return status;
    va_start(arguments, format);
    fill(error, status, key, format, arguments);
    va_end(arguments);
    return status;
}
