/* SPDX-License-Identifier: MIT */
/* What was signed: a template that is filled in from a request. */
#ifndef GUARD_CONTENT_H
#define GUARD_CONTENT_H

#include <stdbool.h>

#include "request.h"
#include "secret.h"

#define CONTENT_PIECES_MAX 16
#define CONTENT_FORM_MAX   1000 /* pairs of a form */

struct content; /* immutable once it is made */

/* What the template's placeholders stand for beside the request itself; NULL: not there. */
struct content_values {
    const char *timestamp, *id;
    const struct secret *secret;
};

/*
 * "{timestamp}.{body}" and the like. {method} {url} {url_with_port}
 * {url_without_port} {url_decoded} {path} {query} {timestamp} {id}
 * {body} {secret} {header:NAME} {body:/json/pointer} {form_sorted}; {{ stands for a brace. A place
 * that is not known, or is not closed, is WEIR_EINVAL.
 */
int content_new(struct content **out, const char *text, struct weir_error *error);
void content_free(struct content **content);

/* Does it depend on the secret? */
bool content_has_secret(const struct content *content);
bool content_ends_in_secret(const struct content *content);
/* Does it look into the body as JSON? */
bool content_has_places(const struct content *content);
/* Is all of the body a part of it, this place (a JSON pointer) of it, or a form? */
bool content_has_body(const struct content *content);
bool content_has_place(const struct content *content, const char *pointer);
bool content_has_form(const struct content *content);
/* Does it need the public URL? */
bool content_has_url(const struct content *content);
/* Is the query a part of it, of a URL or by itself? */
bool content_has_query(const struct content *content);
/* Is the timestamp a part of it, the delivery's id, or this (lower-case) header? */
bool content_has_timestamp(const struct content *content);
bool content_has_id(const struct content *content);
bool content_has_header(const struct content *content, const char *name);

/*
 * All of it in one piece, *out, for the caller to drop; NULL on failure: WEIR_EDENIED if what it
 * stands for is not in the request, WEIR_ENOMEM.
 */
int content_fill(const struct content *content, const struct guard_request *request,
                 const struct content_values *values, unsigned char **out, size_t *len,
                 struct weir_error *error);

/* Wipes it, since a secret may stand in it, and frees it. Accepts NULL. */
void content_drop(unsigned char *content, size_t len);

#endif
