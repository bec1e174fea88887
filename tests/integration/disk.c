/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into the daemon: what it forces to the disk by fsync, and what it gives another name,
 * leaves a line with its path in the file $DISK_LOG, in this order. While the file $DISK_STATE says
 * "full", unfinished files take half of what is written and no more; while it says "read-only",
 * none can be made.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is(const char *state)
{
    const char *path = getenv("DISK_STATE");
    FILE *file = path == NULL ? NULL : fopen(path, "r");
    char word[32] = "";

    if (file == NULL)
        return 0;
    if (fgets(word, sizeof(word), file) == NULL)
        word[0] = '\0';
    fclose(file);
    return strcmp(word, state) == 0;
}

static int path_of(int fd, char path[4096])
{
    char link[64];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, 4095);
    path[len < 0 ? 0 : len] = '\0';
    return len > 0;
}

static void note(const char *what, const char *path)
{
    const char *log = getenv("DISK_LOG");
    FILE *file = log == NULL ? NULL : fopen(log, "a");

    if (file == NULL)
        return;
    fprintf(file, "%s %s\n", what, path);
    fclose(file);
}

int fsync(int fd)
{
    static int (*real)(int);
    char path[4096];

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "fsync");
    int status = real(fd);
    if (status == 0 && path_of(fd, path))
        note("forced", path);
    return status;
}

int renameat(int old_fd, const char *old, int new_fd, const char *new)
{
    static int (*real)(int, const char *, int, const char *);

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "renameat");
    note("named", new);
    return real(old_fd, old, new_fd, new);
}

ssize_t write(int fd, const void *bytes, size_t count)
{
    static ssize_t (*real)(int, const void *, size_t);
    static _Thread_local int half;
    char path[4096];

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "write");
    if (count < 2 || !path_of(fd, path) || strstr(path, "/.weir-") == NULL || !is("full"))
        return real(fd, bytes, count);
    half = !half;
    errno = ENOSPC;
    return half ? real(fd, bytes, count / 2) : -1;
}

/* What a program calls that was built for large files. */
int openat64(int fd, const char *path, int flags, ...)
{
    static int (*real)(int, const char *, int, ...);
    va_list arguments;

    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "openat64");
    if (!(flags & O_CREAT) || !is("read-only"))
        return real(fd, path, flags, mode);
    errno = EROFS;
    return -1;
}
