/* SPDX-License-Identifier: MIT */
/*
 * A webhook: one accepted request, frozen. It carries one delivery for each module of its entry
 * and is done when every one of them has been settled; the result then goes to whoever accepted
 * it, once. What has been answered for another reason (the request's time ran out) is abandoned:
 * its deliveries still end, their results are dropped.
 */
#ifndef GATEWAY_WEBHOOK_H
#define GATEWAY_WEBHOOK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/sink.h>

#include "config.h"
#include "list.h"
#include "mailbox.h"

/* What became of a delivery, or of all of them: of several the greatest counts. */
enum outcome {
    OUTCOME_STORED,
    OUTCOME_REJECTED,      /* 422: refused for good */
    OUTCOME_SHUTTING_DOWN, /* 503: never handed to a backend */
    OUTCOME_OVERLOADED,    /* 503: the queue is full */
    OUTCOME_EXHAUSTED,     /* 503: no backend connection became free in time */
    OUTCOME_UNAVAILABLE,   /* 503: not known to be stored */
    OUTCOME_INTERNAL       /* 500 */
};

struct webhook;

struct delivery {
    struct list link; /* in a queue or a batch */
    struct webhook *webhook;
    const struct config_module *module;
    int64_t queued_at;    /* monotonic; set by the queue */
    int64_t acquire_by;   /* when it has waited long enough for a backend connection */
    unsigned attempts;    /* writes that failed */
    size_t share;         /* written in a batch of at most so many, after failing; 0: of any size */
    int64_t retry_at;     /* of one that failed alone */
    int64_t receivers;    /* of one that was published: how many it reached; else -1 */
    const char *field;    /* at fault, of one that was refused; the target's; NULL if not known */
    bool stored_before;   /* by an earlier attempt of the sender's: it is not written again */
    enum outcome outcome; /* set when it is settled */
};

struct webhook {
    struct mail mail; /* posted to `origin` when all deliveries are settled */
    struct mailbox *origin;
    void *origin_context;
    uint64_t request_id;

    char id[WEIR_ID_LEN + 1];
    int64_t received_at;             /* microseconds since 1970 */
    int64_t accepted_at, expires_at; /* monotonic */
    struct config *config;           /* its reference */
    const struct config_webhook *entry;
    char *body;
    size_t body_len;
    size_t budget; /* the door's, given back by the origin once all is settled */
    char *headers; /* a JSON object */
    size_t headers_len;
    char *delivery_id; /* the sender's own; NULL if it has sent none */
    bool recalled;     /* an earlier attempt of it is remembered */

    struct list link; /* the origin's list of those not yet answered */
    atomic_uint refs; /* the origin's, and one for each delivery */
    atomic_uint unsettled;
    atomic_int outcome;    /* enum outcome, the greatest so far */
    atomic_bool abandoned; /* answered already: do not begin another write for it */
    struct delivery deliveries[];
};

/*
 * A webhook for an entry, with its deliveries and an id (UUIDv7, RFC 9562). Takes body and headers
 * (malloc'd), also on failure, and its own reference to config. Returns it with one reference,
 * NULL without memory.
 */
struct webhook *webhook_new(struct config *config, const struct config_webhook *entry, char *body,
                            size_t body_len, char *headers, size_t headers_len, int64_t received_at,
                            int64_t now);

/* Lets go of one reference. *webhook becomes NULL; NULL is accepted. */
void webhook_unref(struct webhook **webhook);

/*
 * One delivery has come to its end. The last one posts the webhook's mail. Takes the delivery's
 * reference; the delivery must not be touched afterwards. Any thread.
 */
void webhook_settle(struct delivery *delivery, enum outcome outcome);

/* Of a webhook that is settled: how many receivers it was published to; -1 if to none at all. */
int64_t webhook_receivers(const struct webhook *webhook);

/* Of a webhook that is settled and was refused: the field at fault; NULL if that is not known. */
const char *webhook_field(const struct webhook *webhook);

#endif
