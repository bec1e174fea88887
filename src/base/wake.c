/* SPDX-License-Identifier: MIT */
/*
 * Owns: the wait for a socket, a deadline and another thread's wish, in one poll(2).
 * Never does: read or write the socket. Lock: none; both fields are atomic.
 */
#include "wake.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"

int wake_init(struct wake *wake, struct weir_error *error)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (fd < 0)
        return weir_fail(error, WEIR_ERESOURCE, "eventfd: %s", strerror(errno));
    atomic_store(&wake->fd, fd + 1);
    return 0;
}

void wake_raise(struct wake *wake)
{
    uint64_t one = 1;

    atomic_store(&wake->raised, true);
    int fd = atomic_load(&wake->fd) - 1;
    if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
        return; /* full: it is awake already */
}

bool wake_raised(struct wake *wake)
{
    return atomic_load(&wake->raised);
}

int wake_wait(struct wake *wake, int fd, short events, int64_t deadline, struct weir_error *error)
{
    struct pollfd fds[2] = {{.fd = fd, .events = events},
                            {.fd = atomic_load(&wake->fd) - 1, .events = POLLIN}};

    for (;;) {
        if (wake_raised(wake))
            return weir_fail(error, WEIR_EINTERRUPTED, "interrupted");
        int n = poll(fds, 2, clock_poll_ms(deadline));
        if (n < 0 && errno != EINTR)
            return weir_fail(error, WEIR_ELOST, "poll: %s", strerror(errno));
        if (n > 0 && fds[0].revents != 0)
            return 0;
        if (clock_now() >= deadline)
            return weir_fail(error, WEIR_EDEADLINE, "no answer in time");
    }
}

void wake_fini(struct wake *wake)
{
    int fd = atomic_exchange(&wake->fd, 0) - 1;

    if (fd >= 0)
        close(fd);
}
