/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into the daemon: others who write to the pipe $PIPE_FILLED. Whenever a thread
 * that would have waited for it has learned that there is room in what it writes to, they take what
 * room the pipe has.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

static void fill(const char *path)
{
    static const char page[4096];
    int fd = open(path, O_WRONLY | O_NONBLOCK);

    while (fd >= 0 && write(fd, page, sizeof(page)) > 0)
        continue;
    if (fd >= 0)
        close(fd);
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    static int (*real)(struct pollfd *, nfds_t, int);

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "poll");
    int ready = real(fds, count, timeout);
    if (timeout > 0 && ready > 0 && fds[0].revents & POLLOUT && getenv("PIPE_FILLED") != NULL)
        fill(getenv("PIPE_FILLED"));
    return ready;
}
