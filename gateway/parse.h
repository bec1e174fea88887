/* SPDX-License-Identifier: MIT */
/*
 * The seam around the HTTP parser: http-parser here, or its successor llhttp. It takes a whole
 * head apart, in place; the body's framing is the door's own (chunk.h).
 */
#ifndef GATEWAY_PARSE_H
#define GATEWAY_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "door.h"
#include "head.h"

struct parse {
    const char *method; /* static */
    const char *path;   /* NUL-terminated; without scheme, host and query */
    size_t path_len;
    const char *query; /* NULL if there is none */
    size_t headers_count;
    bool keep_alive;
    bool method_unknown; /* why it was refused */
};

/*
 * Take apart a head that head_check let through as `head`. Its bytes are changed: names become
 * lower case, strings get their NUL; parse and headers point into them. headers has room for
 * headers_max. False if the parser refuses it (method_unknown is set, nothing else), or understands
 * its framing differently.
 */
bool parse_head(struct parse *parse, char *bytes, size_t len, const struct head *head,
                struct request_header *headers, size_t headers_max);

/*
 * Let heads be as long as the door's own limit allows; the parser has another, of 80 KiB. Before
 * there is a second thread.
 */
void parse_start(void);

#endif
