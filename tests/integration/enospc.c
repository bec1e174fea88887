/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into a server: its data files cannot grow while the file $ENOSPC_FLAG exists, as on a
 * full disk. Only files with /base/ in their path count, which spares a PostgreSQL's log.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static int is_full(int fd)
{
    char link[64], path[4096];
    const char *flag = getenv("ENOSPC_FLAG");

    if (flag == NULL || access(flag, F_OK) != 0)
        return 0;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    if (len < 0)
        return 0;
    path[len] = '\0';
    return strstr(path, "/base/") != NULL;
}

/* What overwrites is let through; what would make the file longer is not. */
static int grows(int fd, size_t count, off_t offset)
{
    return is_full(fd) && offset + (off_t)count > lseek(fd, 0, SEEK_END);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset)
{
    static ssize_t (*real)(int, const void *, size_t, off64_t);

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "pwrite64");
    if (!grows(fd, count, offset))
        return real(fd, bytes, count, offset);
    errno = ENOSPC;
    return -1;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
    return pwrite64(fd, bytes, count, offset);
}
