/* SPDX-License-Identifier: MIT */
/*
 * One Redis connection, as driver and sink share it. hiredis writes and reads the protocol; the
 * socket is our own, so that its owner can wait for it, for the deadline and for an interrupt.
 */
#ifndef DRIVERS_REDIS_CONN_H
#define DRIVERS_REDIS_CONN_H

#include <hiredis/hiredis.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "redis.h"
#include "wake.h"

struct redis_conn {
    struct wake wake; /* for interrupt, from any thread */
    int fd;           /* plus one; 0: none */
    redisReader *reader;
    int database;           /* the number that was selected */
    redisContext *borrowed; /* the borrower's view of the socket; NULL until it asks */
    atomic_bool lent;       /* it has that, and may block in hiredis */
};

/* Commands that are sent together. All zero bytes are an empty one. */
struct pipeline {
    char *bytes; /* owned */
    size_t len, size;
    size_t commands;
};

#define PIPELINE_ARGUMENTS_MAX 20

/* ---- pipeline.c ---- */
/* Add a command; lengths may be NULL for C strings. WEIR_ENOMEM. */
int pipeline_add(struct pipeline *pipeline, int count, const char *const *arguments,
                 const size_t *lengths);
/* Empty, keeping the memory. */
void pipeline_clear(struct pipeline *pipeline);
void pipeline_fini(struct pipeline *pipeline);

/* ---- conn.c ---- */
/*
 * Send the commands and hand each reply, in order, to `take`, which borrows it. The status of the
 * exchange: replies that are errors do not make it fail. *taken is the number of replies so far.
 */
int redis_exchange(struct redis_conn *conn, const struct pipeline *pipeline,
                   void (*take)(void *context, size_t number, const redisReply *reply),
                   void *context, size_t *taken, int64_t deadline, struct weir_error *error);
/* What one command answered: a status's or string's beginning, or a number. */
struct redis_answer {
    char text[64];
    long long number;
};

/* One command of C strings; an error reply is a failure. out may be NULL. */
int redis_run(struct redis_conn *conn, int count, const char *const *arguments,
              struct redis_answer *out, int64_t deadline, struct weir_error *error);
/* The status of a reply: 0, or an error's, with its detail. */
int redis_verdict(const redisReply *reply, struct weir_error *error);

/* ---- classify.c ---- */
/* By the error's first word, or its whole text where Redis has only "ERR" for it. */
int redis_classify(const char *text);

#endif
