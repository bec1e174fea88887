/* SPDX-License-Identifier: MIT */
/* A request as the guard sees it; everything in it is borrowed for the duration of a call. */
#ifndef GUARD_REQUEST_H
#define GUARD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"

struct request_header {
    const char *name;  /* lower case */
    const char *value; /* without white space around it */
};

struct json_body; /* see json_place.h */

/* What may the body be, if a check is to mean something? */
enum guard_takes {
    GUARD_TAKES_ANY,
    GUARD_TAKES_NO_FORM, /* it looks into the body as JSON, and nothing else would pass */
    GUARD_TAKES_JSON     /* a digest begins with the secret: who knows one can make that of a longer
                            body, though never of one that is JSON */
};

struct guard_request {
    const char *method; /* "POST" */
    const char *path;   /* as it came, not decoded */
    const char *query;  /* as it came, without the '?'; NULL if there is none */
    const struct request_header *headers;
    size_t headers_count;
    const unsigned char *body; /* the raw bytes; NULL until it is whole */
    size_t body_len;
    struct json_body *json; /* it, once it has been read as JSON; NULL: read it each time */
    const char *public_url; /* "https://hooks.example.com", as senders know us; NULL if not known */
    struct address client;
    int64_t now; /* microseconds since 1970 */
};

/* The first header of that (lower-case) name; NULL if there is none. */
const char *guard_request_header(const struct guard_request *request, const char *name);

/* How many headers have that name. */
size_t guard_request_count(const struct guard_request *request, const char *name);

/* Is its one Content-Type that of a form (application/x-www-form-urlencoded)? */
bool guard_request_is_form(const struct guard_request *request);

/*
 * The value of the only query parameter of that name, decoded (RFC 3986; '+' is a space) into
 * buffer with a NUL. Its length, or -1: there is none, or several, it does not fit, or its escapes
 * are broken.
 */
long guard_request_query(const struct guard_request *request, const char *name, char *buffer,
                         size_t room);

/* The same, but '+' stays what it is. */
long guard_request_query_literal(const struct guard_request *request, const char *name,
                                 char *buffer, size_t room);

#endif
