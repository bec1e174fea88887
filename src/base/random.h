/* SPDX-License-Identifier: MIT */
/* Pseudo-random numbers for jitter, repeatable from a seed; not for secrets. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* A seed from the system; also good for keys. */
uint64_t random_seed(void);

/* Fill with unpredictable bytes from the system. Cannot fail on Linux after boot; aborts if so. */
void random_bytes(void *bytes, size_t len);

/* The next number of the stream (splitmix64, after Steele, Lea and Flood, 2014). */
uint64_t random_next(uint64_t *state);

/* Uniform in [low, high]; low <= high. */
int64_t random_between(uint64_t *state, int64_t low, int64_t high);

#endif
