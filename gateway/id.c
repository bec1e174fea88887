/* SPDX-License-Identifier: MIT */
/*
 * Owns: making webhook ids. Never does: repeat one, whatever the wall clock does.
 * Lock: none; the last time and count are one atomic number, random bits are each thread's own.
 */
#include "id.h"

#include <stdatomic.h>
#include <stdint.h>

#include "clock.h"
#include "random.h"

static atomic_uint_least64_t last; /* milliseconds << 12 | count */

static uint64_t next_stamp(void)
{
    uint64_t now = (uint64_t)(clock_wall_us() / 1000) << 12;
    uint64_t before = atomic_load_explicit(&last, memory_order_relaxed), after;

    do {
        after = now > before ? now : before + 1;
    } while (!atomic_compare_exchange_weak_explicit(&last, &before, after, memory_order_relaxed,
                                                    memory_order_relaxed));
    return after;
}

static uint64_t random_bits(void)
{
    static _Thread_local uint64_t state;

    if (state == 0)
        state = random_seed();
    return random_next(&state);
}

/* `digits` hexadecimal digits of value, the highest first. */
static char *put(char *at, uint64_t value, int digits)
{
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
        *at++ = "0123456789abcdef"[value >> shift & 15];
    return at;
}

void id_make(char id[WEIR_ID_LEN + 1])
{
    uint64_t stamp = next_stamp(), random = random_bits(), time = stamp >> 12;
    char *at = put(id, time >> 16, 8);

    *at++ = '-';
    at = put(at, time & 0xffff, 4);
    *at++ = '-';
    at = put(at, 0x7000 | (stamp & 0xfff), 4);
    *at++ = '-';
    at = put(at, 0x8000 | (random >> 48 & 0x3fff), 4);
    *at++ = '-';
    at = put(at, random & UINT64_C(0xffffffffffff), 12);
    *at = '\0';
}
