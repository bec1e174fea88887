/* SPDX-License-Identifier: MIT */
/*
 * Rates: token buckets, kept as one time each, the theoretical arrival time of the generic cell
 * rate algorithm (ITU-T I.371, annex A). A bucket that is full is the same as none, so that only
 * those that were used of late need a place. Any thread.
 */
#ifndef GATEWAY_RATE_H
#define GATEWAY_RATE_H

#include <stddef.h>
#include <stdint.h>

#define RATE_PLACES_MAX                                                                      \
    65536                 /* buckets; past them, the fullest of its eight neighbours is lost \
                           */
#define RATE_LIMITS_MAX 4 /* that hold for one request */
#define RATE_KEY_LEN    16

/* So many in a span, evenly, and so many at once. */
struct rate_limit {
    int64_t interval; /* nanoseconds for each; at least 1 */
    int64_t slack;    /* by how much they may come early: interval * (burst - 1) */
};

/* What is counted together; equal keys share a bucket. */
struct rate_demand {
    const struct rate_limit *limit;
    uint8_t key[RATE_KEY_LEN]; /* of a good hash, with rates_secret in it */
};

struct rates;

/* requests and burst are at least 1, span is above 0 nanoseconds. */
struct rate_limit rate_limit_of(unsigned requests, int64_t span, unsigned burst);

/* NULL without memory. */
struct rates *rates_new(void);

/*
 * RATE_KEY_LEN random bytes to be hashed into every key, so that nobody can tell beforehand which
 * keys stand in one another's way.
 */
const uint8_t *rates_secret(const struct rates *rates);

void rates_free(struct rates **rates);

/*
 * Take one from each bucket, if all of them have one. 0, or the nanoseconds until they will have,
 * and nothing is taken, nor is a bucket forgotten. `now` is monotonic.
 */
int64_t rates_take(struct rates *rates, const struct rate_demand *demands, size_t count,
                   int64_t now);

#endif
