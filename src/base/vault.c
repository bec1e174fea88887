/* SPDX-License-Identifier: MIT */
/*
 * Owns: the memory that secrets are kept in: pieces of powers of two, cut from arenas of their own;
 * one that is larger than an arena is mapped alone, and given back to the system.
 * Never does: give an arena back, or let two lengths share a piece.
 * Lock: one mutex, for the lists.
 */
#include "vault.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "wipe.h"

#define ARENA    (1u << 18)
#define SIZE_MIN 32u
#define CLASSES  14 /* SIZE_MIN << 13 is ARENA */

struct piece {
    struct piece *next;
};

static struct {
    pthread_mutex_t mutex;
    struct piece *free[CLASSES];
    unsigned char *arena; /* what is left of the newest one */
    size_t left;
} vault = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static unsigned class_of(size_t len)
{
    unsigned class = 0;

    while ((size_t)SIZE_MIN << class < len)
        class ++;
    return class;
}

/* Locking fails past RLIMIT_MEMLOCK; then it may be swapped, but is not dumped all the same. */
static unsigned char *map(size_t len)
{
    void *bytes = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (bytes == MAP_FAILED)
        return NULL;
    (void)mlock(bytes, len);
    if (madvise(bytes, len, MADV_DONTDUMP) == 0)
        return bytes;
    munmap(bytes, len);
    return NULL;
}

/* What is left of the last arena is too little for this, and is given up. */
static void *cut(size_t size)
{
    if (vault.left < size) {
        unsigned char *arena = map(ARENA);
        if (arena == NULL)
            return NULL;
        vault.arena = arena;
        vault.left = ARENA;
    }
    void *bytes = vault.arena;
    vault.arena += size;
    vault.left -= size;
    return bytes;
}

void *vault_alloc(size_t len)
{
    if (len > VAULT_BLOCK_MAX)
        return NULL;
    if (len > ARENA)
        return map(len);
    unsigned class = class_of(len);
    pthread_mutex_lock(&vault.mutex);
    struct piece *piece = vault.free[class];
    if (piece != NULL)
        vault.free[class] = piece->next;
    else
        piece = cut((size_t)SIZE_MIN << class);
    pthread_mutex_unlock(&vault.mutex);
    if (piece != NULL)
        piece->next = NULL;
    return piece;
}

void vault_free(void *bytes, size_t len)
{
    struct piece *piece = bytes;

    if (bytes == NULL)
        return;
    wipe(bytes, len);
    if (len > ARENA) {
        munmap(bytes, len);
        return;
    }
    unsigned class = class_of(len);
    pthread_mutex_lock(&vault.mutex);
    piece->next = vault.free[class];
    vault.free[class] = piece;
    pthread_mutex_unlock(&vault.mutex);
}

char *vault_copy(const char *text, size_t len)
{
    char *copy = vault_alloc(len + 1);

    if (copy != NULL && len > 0)
        memcpy(copy, text, len);
    return copy;
}

void vault_free_string(char *text)
{
    if (text != NULL)
        vault_free(text, strlen(text) + 1);
}
