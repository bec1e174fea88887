/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into weir: the $ENOMEM_TURN'th time that $ENOMEM_SIZE bytes are asked for, there is no
 * memory, once.
 */
#include <errno.h>
#include <stdlib.h>

extern void *__libc_malloc(size_t len);

static long number(const char *name)
{
    const char *text = getenv(name);

    return text == NULL ? 0 : atol(text);
}

void *malloc(size_t len)
{
    static long size = -1, turn;

    if (size < 0) {
        size = number("ENOMEM_SIZE");
        turn = number("ENOMEM_TURN");
    }
    if ((long)len != size || --turn != 0)
        return __libc_malloc(len);
    errno = ENOMEM;
    return NULL;
}
