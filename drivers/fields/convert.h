/* SPDX-License-Identifier: MIT */
/*
 * Values of a body as a column takes them: converted where nothing is lost, refused where it would
 * be. Numbers become text and text that is a number becomes one; dates are ISO 8601.
 */
#ifndef DRIVERS_FIELDS_CONVERT_H
#define DRIVERS_FIELDS_CONVERT_H

#include "extract.h"

/*
 * The text for a column of this type, malloc'd, in *out and *len; NULL for SQL's NULL.
 * WEIR_EREJECTED if the value does not fit, WEIR_ENOMEM.
 */
int convert(const struct raw *raw, enum schema_type type, enum schema_dialect dialect, char **out,
            size_t *len);

#endif
