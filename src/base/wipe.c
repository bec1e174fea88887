/* SPDX-License-Identifier: MIT */
/*
 * Owns: overwriting secrets. Never does: decide what is secret. Lock: none.
 */
#include "wipe.h"

#include <stdlib.h>
#include <string.h>

void wipe(void *bytes, size_t len)
{
    if (len > 0)
        explicit_bzero(bytes, len);
}

void wipe_free_string(char *string)
{
    if (string == NULL)
        return;
    wipe(string, strlen(string));
    free(string);
}
