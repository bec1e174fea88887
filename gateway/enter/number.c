/* SPDX-License-Identifier: MIT */
/*
 * Owns: the value of a number that is written down. Never does: turn it into a double, which would
 * lose digits. Lock: none.
 */
#include "number.h"

#define EXPONENT_MAX INT64_C(1000000000)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What follows an e; it may have a sign. */
static int64_t read_exponent(const char *at, const char *end)
{
    bool negative = at < end && *at == '-';
    int64_t value = 0;

    if (at < end && !is_digit(*at))
        at++;
    for (; at < end; at++)
        if (value < EXPONENT_MAX)
            value = value * 10 + (*at - '0');
    if (value > EXPONENT_MAX)
        value = EXPONENT_MAX;
    return negative ? -value : value;
}

struct number number_read(const char *text, size_t len)
{
    struct number number = {.negative = len > 0 && *text == '-'};
    const char *end = text + len, *at = text + number.negative;
    int64_t digits = 0, whole = -1, last = 0; /* how many; those before the point; up to the last */

    for (; at < end && *at != 'e' && *at != 'E'; at++) {
        if (!is_digit(*at)) {
            whole = digits;
            continue;
        }
        digits++;
        if (*at == '0')
            continue;
        if (number.first == NULL)
            number.first = at;
        number.last = at;
        last = digits;
    }
    number.power = (whole < 0 ? digits : whole) - last;
    if (at < end)
        number.power += read_exponent(at + 1, end);
    return number;
}

bool number_equal(struct number one, struct number other)
{
    if (one.first == NULL || other.first == NULL)
        return one.first == other.first;
    if (one.negative != other.negative || one.power != other.power)
        return false;
    while (one.first <= one.last && other.first <= other.last) {
        one.first += *one.first == '.';
        other.first += *other.first == '.';
        if (*one.first++ != *other.first++)
            return false;
    }
    return one.first > one.last && other.first > other.last;
}
