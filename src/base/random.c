/* SPDX-License-Identifier: MIT */
/*
 * Owns: random numbers. Never does: keep a global state. Lock: none.
 */
#include "random.h"

#include <stdlib.h>
#include <sys/random.h>

void random_bytes(void *bytes, size_t len)
{
    unsigned char *at = bytes;

    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0)
            abort();
        at += n;
        len -= (size_t)n;
    }
}

uint64_t random_seed(void)
{
    uint64_t seed;

    random_bytes(&seed, sizeof(seed));
    return seed;
}

uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int64_t random_between(uint64_t *state, int64_t low, int64_t high)
{
    uint64_t span = (uint64_t)high - (uint64_t)low + 1;

    if (span == 0)
        return (int64_t)random_next(state);
    return (int64_t)((uint64_t)low + random_next(state) % span);
}
