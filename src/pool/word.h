/* SPDX-License-Identifier: MIT */
/*
 * The word of a live conn: who has it, and the number of the last lease. The one thing that the
 * fast path and the lock's holders both write; each does so by compare-and-swap only, but for a
 * holder of the lock that has made it WORD_HELD.
 *
 *     WORD_HELD       the lock's holder
 *     WORD_IDLE       nobody: whoever swaps it first
 *     WORD_LEASED     the borrower; ends by the borrower's swap
 *     WORD_RETURNING  the borrower's thread, in the driver's reset
 *     WORD_RECALLED   beside the last two: the return must go through the lock
 *
 * All swaps are sequentially consistent. A release swaps to WORD_IDLE and then reads the endpoint's
 * attention; whoever stands in line sets attention and then looks at the words: one of the two sees
 * the other (Dekker's argument), so that nobody sleeps beside an idle conn.
 */
#ifndef POOL_WORD_H
#define POOL_WORD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define WORD_HELD      UINT64_C(0)
#define WORD_IDLE      UINT64_C(1)
#define WORD_LEASED    UINT64_C(2)
#define WORD_RETURNING UINT64_C(3)
#define WORD_STATE     UINT64_C(3) /* mask */
#define WORD_RECALLED  UINT64_C(4)
#define WORD_NUMBER    3 /* the number stands above so many bits */

static inline uint64_t word_make(uint64_t state, uint64_t number)
{
    return number << WORD_NUMBER | state;
}

static inline uint64_t word_state(uint64_t word)
{
    return word & WORD_STATE;
}

static inline uint64_t word_number(uint64_t word)
{
    return word >> WORD_NUMBER;
}

/* A guess, for whoever is going to swap. */
static inline uint64_t word_look(const atomic_uint_least64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* What it is, for whoever has set attention. */
static inline uint64_t word_read(const atomic_uint_least64_t *word)
{
    return atomic_load_explicit(word, memory_order_seq_cst);
}

/* False, and nothing written, if it is not `from` any more. */
static inline bool word_swap(atomic_uint_least64_t *word, uint64_t from, uint64_t to)
{
    return atomic_compare_exchange_strong_explicit(word, &from, to, memory_order_seq_cst,
                                                   memory_order_relaxed);
}

/* From WORD_HELD, by the lock's holder. */
static inline void word_set(atomic_uint_least64_t *word, uint64_t to)
{
    atomic_store_explicit(word, to, memory_order_seq_cst);
}

#endif
