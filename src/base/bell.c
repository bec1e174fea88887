/* SPDX-License-Identifier: MIT */
/*
 * Owns: one eventfd, as a bell. Never does: count how often it was rung, or wait.
 * Lock: none; the kernel's.
 */
#include "bell.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int bell_init(struct bell *bell, struct weir_error *error)
{
    bell->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (bell->fd < 0)
        return weir_fail(error, WEIR_ERESOURCE, "eventfd: %s", strerror(errno));
    return 0;
}

void bell_ring(struct bell *bell)
{
    uint64_t one = 1;

    if (write(bell->fd, &one, sizeof(one)) < 0)
        return; /* full: it is readable already */
}

void bell_silence(struct bell *bell)
{
    uint64_t count;

    if (read(bell->fd, &count, sizeof(count)) < 0)
        return; /* nobody rang */
}

void bell_fini(struct bell *bell)
{
    close(bell->fd);
    bell->fd = -1;
}
