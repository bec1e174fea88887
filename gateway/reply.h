/* SPDX-License-Identifier: MIT */
/* The head of an answer as it goes over the wire. */
#ifndef GATEWAY_REPLY_H
#define GATEWAY_REPLY_H

#include <stddef.h>
#include <time.h>

#include "answer.h"

#define REPLY_HEAD_MAX  1024 /* bytes; an answer's own strings are at most REPLY_FIELD_MAX long */
#define REPLY_FIELD_MAX 200

/* The Date header, made anew once a second. Zero-initialise. */
struct reply_date {
    time_t second;
    char text[32]; /* "Sun, 06 Nov 1994 08:49:37 GMT" */
};

enum reply_connection { REPLY_DEFAULT, REPLY_KEEP_ALIVE, REPLY_CLOSE };

/* Write status line and headers; returns their length. */
size_t reply_head(char head[REPLY_HEAD_MAX], const struct answer *answer,
                  enum reply_connection connection, struct reply_date *date);

#endif
