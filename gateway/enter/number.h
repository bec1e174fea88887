/* SPDX-License-Identifier: MIT */
/* Numbers of JSON texts, compared by their value whatever their size. */
#ifndef ENTER_NUMBER_H
#define ENTER_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Are two numbers, as JSON (RFC 8259, 6) writes them, equal? 1, 1.0 and 10e-1 are, and 0 and -0;
 * no digit is lost. Exponents past a thousand million are as good as that.
 */
bool number_equal(const char *a, size_t a_len, const char *b, size_t b_len);

#endif
