/* SPDX-License-Identifier: MIT */
/*
 * Owns: reading the clocks and converting spans. Never does: sleep. Lock: none.
 */
#include "clock.h"

#include <limits.h>
#include <stdio.h>

int64_t clock_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * CLOCK_SECOND + ts.tv_nsec;
}

int64_t clock_wall_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void clock_stamp(int64_t wall_us, int digits, char text[CLOCK_STAMP_MAX])
{
    char date[24];
    time_t seconds = (time_t)(wall_us / 1000000);
    int fraction = (int)(wall_us % 1000000);
    struct tm parts;

    gmtime_r(&seconds, &parts);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text, CLOCK_STAMP_MAX, "%s.%0*dZ", date, digits,
             digits == 3 ? fraction / 1000 : fraction);
}

int64_t clock_from_seconds(double seconds)
{
    double ns = seconds * (double)CLOCK_SECOND;

    return ns >= (double)CLOCK_NEVER ? CLOCK_NEVER : (int64_t)ns;
}

int clock_poll_ms(int64_t deadline)
{
    if (deadline == CLOCK_NEVER)
        return -1;
    int64_t left = deadline - clock_now();
    if (left <= 0)
        return 0;
    int64_t ms = left / CLOCK_MS + (left % CLOCK_MS != 0);
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

struct timespec clock_timespec(int64_t deadline)
{
    return (struct timespec){.tv_sec = (time_t)(deadline / CLOCK_SECOND),
                             .tv_nsec = (long)(deadline % CLOCK_SECOND)};
}
