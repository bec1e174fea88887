/* SPDX-License-Identifier: MIT */
/*
 * Owns: the buffers that clients' bytes are read into, and the spare ones.
 * Never does: read from a socket, keep a grown buffer.
 * Lock: none; spare buffers belong to one thread.
 */
#include "inbox.h"

#include <string.h>

#include "vault.h"

bool inbox_room(struct inbox *inbox, struct inbox_spare *spare, size_t room)
{
    size_t size = inbox->size == 0 ? INBOX_FIRST : inbox->size;

    if (inbox->size - inbox->len >= room)
        return true;
    if (inbox->bytes == NULL && spare->count > 0) {
        inbox->bytes = spare->buffers[--spare->count];
        inbox->size = INBOX_FIRST;
    }
    while (size - inbox->len < room)
        size *= 2;
    if (size == inbox->size)
        return true;
    char *bytes = vault_alloc(size);
    if (bytes == NULL)
        return false;
    if (inbox->len > 0)
        memcpy(bytes, inbox->bytes, inbox->len);
    vault_free(inbox->bytes, inbox->size);
    inbox->bytes = bytes;
    inbox->size = size;
    return true;
}

void inbox_drop(struct inbox *inbox, size_t len)
{
    inbox->len -= len;
    if (inbox->len > 0)
        memmove(inbox->bytes, inbox->bytes + len, inbox->len);
}

void inbox_fini(struct inbox *inbox, struct inbox_spare *spare)
{
    if (inbox->size == INBOX_FIRST && spare->count < INBOX_SPARE_MAX)
        spare->buffers[spare->count++] = inbox->bytes;
    else
        vault_free(inbox->bytes, inbox->size);
    *inbox = (struct inbox){0};
}

void inbox_spare_fini(struct inbox_spare *spare)
{
    while (spare->count > 0)
        vault_free(spare->buffers[--spare->count], INBOX_FIRST);
}
