/* SPDX-License-Identifier: MIT */
/*
 * The pace of a webhook's senders: the limits of its entry, and asking the buckets for a request
 * that has passed the guard.
 */
#ifndef GATEWAY_PACE_H
#define GATEWAY_PACE_H

#include <stdbool.h>
#include <stddef.h>

#include "rate.h"

struct answer;
struct config_webhook;
struct intake;
struct request;

/* What is counted together. */
enum pace_by {
    PACE_BY_WEBHOOK,   /* all requests of the webhook */
    PACE_BY_ADDRESS,   /* those of one client's address; IPv6: of its /64 */
    PACE_BY_CREDENTIAL /* those that came with one credential, or by one key */
};

struct pace_limit {
    enum pace_by by;
    struct rate_limit rate;
    uint8_t salt[RATE_KEY_LEN]; /* a hash of the webhook's path and of the limit as written down */
};

struct pace {
    struct pace_limit limits[RATE_LIMITS_MAX];
    size_t count;
};

/*
 * May the request go on? It must have passed the guard, and is counted once. False: the answer has
 * been filled (429 with Retry-After).
 */
bool pace_allows(struct intake *intake, const struct config_webhook *entry, struct request *request,
                 struct answer *answer);

#endif
