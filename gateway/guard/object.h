/* SPDX-License-Identifier: MIT */
/*
 * Reading the JSON object that configures a check. Environment variables have been put in already.
 * What is wrong is said in the error, whose key names the member at fault.
 */
#ifndef GUARD_OBJECT_H
#define GUARD_OBJECT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>

#define OBJECT_TEXT_MAX 4096 /* bytes in one string of a configuration */

/* Every key must be one of `known` (ends with NULL); "type" always is. */
int object_check_keys(const json_t *object, const char *const *known, struct weir_error *error);

/*
 * A member that is a string, borrowed; *out is the fallback (may be NULL) if it is not there.
 * WEIR_EINVAL for another type, an empty or too long string, a NUL in it, or a missing one that is
 * required (no fallback, and required is true).
 */
int object_text(const json_t *object, const char *key, const char *fallback, bool required,
                const char **out, struct weir_error *error);

/* A member that is a number from 0 to max, in seconds; a fraction is allowed. */
int object_seconds(const json_t *object, const char *key, double fallback, double max, double *out,
                   struct weir_error *error);

int object_boolean(const json_t *object, const char *key, bool fallback, bool *out,
                   struct weir_error *error);

/* A copy in lower case if it is a field name of HTTP (RFC 9110, 5.6.2), else WEIR_EINVAL. */
int object_header_name(const json_t *object, const char *key, const char *fallback, char **out,
                       struct weir_error *error);

/*
 * Call `each` with every string of a member that is a string or an array of 1 to max of them; a
 * member that is not there calls nothing. Stops at the first status that is not 0.
 */
int object_each_text(const json_t *object, const char *key, size_t max,
                     int (*each)(void *context, const char *text, struct weir_error *error),
                     void *context, struct weir_error *error);

#endif
