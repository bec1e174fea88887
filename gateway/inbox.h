/* SPDX-License-Identifier: MIT */
/*
 * The bytes a client has sent and nobody has read yet. An idle client has no buffer: buffers of
 * the first size go round among all clients of a door. They hold credentials, and so are kept out
 * of core dumps (vault.h).
 */
#ifndef GATEWAY_INBOX_H
#define GATEWAY_INBOX_H

#include <stdbool.h>
#include <stddef.h>

#define INBOX_FIRST     4096 /* bytes of a buffer to begin with */
#define INBOX_SPARE_MAX 64   /* buffers kept for the next client */

struct inbox_spare {
    char *buffers[INBOX_SPARE_MAX];
    size_t count;
};

/* Zero-initialise. */
struct inbox {
    char *bytes;
    size_t len, size;
};

/*
 * Make room for at least `room` bytes behind what is in it; false without memory. Its bytes may
 * move. Whoever reads into it stops in time, long before VAULT_BLOCK_MAX.
 */
bool inbox_room(struct inbox *inbox, struct inbox_spare *spare, size_t room);

/* Forget the first `len` bytes. */
void inbox_drop(struct inbox *inbox, size_t len);

/* Give the buffer back; what is in it is lost. */
void inbox_fini(struct inbox *inbox, struct inbox_spare *spare);

void inbox_spare_fini(struct inbox_spare *spare);

#endif
