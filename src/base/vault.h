/* SPDX-License-Identifier: MIT */
/*
 * Memory for secrets: left out of core dumps, kept from the swap where that is allowed, wiped when
 * it is given back. Any thread.
 */
#ifndef BASE_VAULT_H
#define BASE_VAULT_H

#include <stddef.h>

#define VAULT_BLOCK_MAX (4u << 20) /* bytes in one piece */

/* Zeroed; the caller's until vault_free. NULL without memory, or if len is above the maximum. */
void *vault_alloc(size_t len);

/* With the length it was asked for. NULL is accepted. */
void vault_free(void *bytes, size_t len);

/* A copy of the first len bytes, with a NUL behind them; NULL without memory. */
char *vault_copy(const char *text, size_t len);

/* A NUL-terminated string that vault_copy has made of a text without NUL. NULL is accepted. */
void vault_free_string(char *text);

#endif
