/* SPDX-License-Identifier: MIT */
/*
 * The head of a request, checked byte for byte beside the HTTP parser, which lets through what
 * two servers in a row may understand differently: bare LF, folded lines, white space before a
 * colon, a missing or second Host, two lengths. Such a head is refused, never repaired.
 */
#ifndef GATEWAY_HEAD_H
#define GATEWAY_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum head_verdict { HEAD_MORE, HEAD_WHOLE, HEAD_BAD };

/* How far the search for the head's end has come. Zero-initialise for each request. */
struct head_scan {
    size_t start; /* where the head begins: one empty line before it is allowed */
    size_t seen;  /* bytes looked at; once whole, where the head ends */
    size_t line;  /* where the current line begins */
    size_t lines; /* whole lines so far: the request line and the headers */
};

/* Go on with a buffer that has grown to `len` bytes. */
enum head_verdict head_scan(struct head_scan *scan, const char *bytes, size_t len);

/* What the head says about the message's framing. */
struct head {
    unsigned minor; /* of HTTP/1.x */
    bool has_length, chunked;
    bool expects_continue;
    uint64_t content_length;
};

/* Is this head, from the request line to the empty line, strictly well-formed? */
bool head_check(const char *bytes, size_t len, struct head *head);

#endif
