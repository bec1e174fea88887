/* SPDX-License-Identifier: MIT */
/*
 * Owns: the memory functions that jansson is given. Never does: keep anything. Lock: none.
 */
#include "json_wipe.h"

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>

#include "wipe.h"

static void free_wiped(void *bytes)
{
    if (bytes != NULL)
        wipe(bytes, malloc_usable_size(bytes));
    free(bytes);
}

void json_wipe_start(void)
{
    json_set_alloc_funcs(malloc, free_wiped);
}
