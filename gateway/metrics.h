/* SPDX-License-Identifier: MIT */
/* Counters of the whole daemon, and the Prometheus text (format 0.0.4) made of all there is. */
#ifndef GATEWAY_METRICS_H
#define GATEWAY_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "answer.h"

struct gateway;

#define METRICS_OUTCOMES 7 /* enum outcome */

/* Upper bounds of the latency histogram, in milliseconds. */
#define METRICS_BUCKETS                                                    \
    {                                                                      \
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000 \
    }
#define METRICS_BUCKETS_COUNT 14

struct metrics {
    atomic_uint active; /* accepted webhooks that have no answer yet */
    atomic_uint_least64_t outcomes[METRICS_OUTCOMES];
    atomic_uint_least64_t unauthorized, forbidden, rate_limited; /* by a webhook's own checks */
    atomic_uint_least64_t refused[ANSWER_PROBLEMS_COUNT];        /* by the door, by code */
    atomic_uint_least64_t filtered;           /* answered without being stored, as "match" says */
    atomic_uint_least64_t timed_out;          /* answered because request_timeout had passed */
    atomic_int_least64_t certificate_expires; /* seconds since 1970; 0: no TLS */
    atomic_uint_least64_t reloads_ok, reloads_rejected;
    atomic_uint_least64_t latency[METRICS_BUCKETS_COUNT + 1]; /* the last: above all bounds */
    atomic_uint_least64_t latency_us;                         /* the sum */
};

/* An accepted webhook was answered after so many nanoseconds. Any thread. */
void metrics_answered(struct metrics *metrics, int64_t span);

/* malloc'd, the caller's; NULL without memory. */
char *metrics_text(struct gateway *gateway, size_t *len);

#endif
