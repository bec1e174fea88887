/* SPDX-License-Identifier: MIT */
/* Counters of the whole daemon, and the Prometheus text (format 0.0.4) made of all there is. */
#ifndef GATEWAY_METRICS_H
#define GATEWAY_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct gateway;

#define METRICS_OUTCOMES 7 /* enum outcome */

struct metrics {
    atomic_uint active; /* accepted webhooks that have no answer yet */
    atomic_uint_least64_t outcomes[METRICS_OUTCOMES];
    atomic_uint_least64_t timed_out; /* answered because request_timeout had passed */
    atomic_uint_least64_t reloads_ok, reloads_rejected;
};

/* malloc'd, the caller's; NULL without memory. */
char *metrics_text(struct gateway *gateway, size_t *len);

#endif
