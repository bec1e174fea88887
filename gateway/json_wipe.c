/* SPDX-License-Identifier: MIT */
/*
 * Owns: the memory functions that jansson is given. Never does: keep anything but a count.
 * Lock: none; the count is a thread's own.
 */
#include "json_wipe.h"

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>

#include "wipe.h"

static _Thread_local unsigned failures;

static void *take(size_t len)
{
    void *bytes = malloc(len);

    failures += bytes == NULL;
    return bytes;
}

static void free_wiped(void *bytes)
{
    if (bytes != NULL)
        wipe(bytes, malloc_usable_size(bytes));
    free(bytes);
}

void json_wipe_start(void)
{
    json_set_alloc_funcs(take, free_wiped);
}

unsigned json_wipe_failures(void)
{
    return failures;
}
