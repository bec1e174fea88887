/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs out when told: calloc, reallocarray, strdup, aligned_alloc and free of whatever
 * the program is linked from (--wrap) are counted, and one of them fails.
 */
#ifndef FAILING_H
#define FAILING_H

/* Count from 0 again; the allocation of this number (from 1) fails, none with 0. */
void failing_begin(unsigned long nth);

/* Allocations since then, the failed one included. */
unsigned long failing_calls(void);

/* Allocated and not freed, since the program began. */
long failing_live(void);

#endif
