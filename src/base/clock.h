/* SPDX-License-Identifier: MIT */
/*
 * Time: nanoseconds of CLOCK_MONOTONIC. CLOCK_NEVER (equal to WEIR_NEVER) is later than
 * everything; sums saturate there.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_NEVER  INT64_MAX
#define CLOCK_SECOND INT64_C(1000000000)
#define CLOCK_MS     INT64_C(1000000)

/* CLOCK_MONOTONIC now. */
int64_t clock_now(void);

/* Microseconds since 1970-01-01T00:00:00Z; for stamps that people read, never for measuring. */
int64_t clock_wall_us(void);

#define CLOCK_STAMP_MAX 48 /* bytes of a stamp with its NUL */

/* RFC 3339, in UTC, with milliseconds (3 digits) or microseconds (6). */
void clock_stamp(int64_t wall_us, int digits, char text[CLOCK_STAMP_MAX]);

/* `seconds` (not negative) in nanoseconds, saturating. */
int64_t clock_from_seconds(double seconds);

/* at + span, saturating at CLOCK_NEVER; span is not negative. */
static inline int64_t clock_add(int64_t at, int64_t span)
{
    return at > CLOCK_NEVER - span ? CLOCK_NEVER : at + span;
}

/* The earlier of two. */
static inline int64_t clock_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* For poll(2): milliseconds from now to the deadline, rounded up; 0 if past, -1 for never. */
int clock_poll_ms(int64_t deadline);

/* For pthread_cond_timedwait on a CLOCK_MONOTONIC condition. */
struct timespec clock_timespec(int64_t deadline);

#endif
