/* SPDX-License-Identifier: MIT */
/*
 * Owns: the count of allocations, and which one fails. Never does: fail a second one.
 * Lock: none; one thread.
 */
#include "failing.h"

#include <stdbool.h>
#include <stddef.h>

static unsigned long calls, failing; /* the number of the call that fails; 0: none */
static long live;

void *__real_calloc(size_t count, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
char *__real_strdup(const char *text);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *at);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *text);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *at);

void failing_begin(unsigned long nth)
{
    calls = 0;
    failing = nth;
}

unsigned long failing_calls(void)
{
    return calls;
}

long failing_live(void)
{
    return live;
}

static bool fails(void)
{
    return ++calls == failing;
}

void *__wrap_calloc(size_t count, size_t size)
{
    void *at = fails() ? NULL : __real_calloc(count, size);

    live += at != NULL;
    return at;
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    void *at = fails() ? NULL : __real_reallocarray(old, count, size);

    live += at != NULL && old == NULL;
    return at;
}

char *__wrap_strdup(const char *text)
{
    char *at = fails() ? NULL : __real_strdup(text);

    live += at != NULL;
    return at;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    void *at = fails() ? NULL : __real_aligned_alloc(alignment, size);

    live += at != NULL;
    return at;
}

void __wrap_free(void *at)
{
    live -= at != NULL;
    __real_free(at);
}
