/* SPDX-License-Identifier: MIT */
/* Numbers of JSON texts, compared by their value whatever their size. */
#ifndef ENTER_NUMBER_H
#define ENTER_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One as JSON (RFC 8259, 6) writes it; borrowed from its text. */
struct number {
    const char *first,
        *last;     /* its digits from the first to the last that is no 0; NULL: it is 0 */
    int64_t power; /* of ten, of the last */
    bool negative;
};

/* Exponents past a thousand million are as good as that. */
struct number number_read(const char *text, size_t len);

/* 1, 1.0 and 10e-1 are equal, and 0 and -0; no digit is lost. */
bool number_equal(struct number one, struct number other);

#endif
