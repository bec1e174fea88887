/* SPDX-License-Identifier: MIT */
/* One value of a JSON body, by its pointer (RFC 6901). */
#ifndef GUARD_JSON_PLACE_H
#define GUARD_JSON_PLACE_H

#include <jansson.h>
#include <stdbool.h>

#include "request.h"

#define JSON_PLACE_MAX 1024 /* bytes of a value with its NUL */

/* A body that is read when it is first asked for. Zero-initialise it; its root is the caller's. */
struct json_body {
    bool read;
    json_t *root; /* NULL: it is no such JSON */
};

/*
 * A string or an integer at that place, as text. False if the body is not JSON that says everything
 * once, or has no such value, or a longer one, or one with a NUL in it.
 */
bool json_place(const struct guard_request *request, const char *pointer,
                char text[JSON_PLACE_MAX]);

#endif
