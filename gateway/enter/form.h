/* SPDX-License-Identifier: MIT */
/* Forms (application/x-www-form-urlencoded, as the URL standard of WHATWG reads them), as JSON. */
#ifndef ENTER_FORM_H
#define ENTER_FORM_H

#include "payload.h"

/*
 * Into *out, which is empty: an object of strings in the order in which the names came first; a
 * name that came several times has an array of strings, in their order. What stands between two &
 * may be nothing, which is no field; without = it is a name whose value is empty. Decodes within
 * `text`, which is spoilt. PAYLOAD_MALFORMED for an escape that is none, for what is not UTF-8 once
 * it is decoded, for a NUL, and for more than fields_max fields.
 */
enum payload_verdict form_to_json(char *text, size_t len, unsigned fields_max,
                                  const struct purse *purse, struct payload *out);

#endif
