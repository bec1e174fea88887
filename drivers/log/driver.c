/* SPDX-License-Identifier: MIT */
/*
 * Owns: standard output as a backend connection.
 * Never does: wait for a reader past a deadline. Lock: one for the process, around whole lines; its
 * holder waits for the reader, by its own deadline, and so do those behind it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "conn.h"

#define LOOK (100 * CLOCK_MS) /* between looks whether it was interrupted */

static const struct weir_setting settings_table[] = {
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static pthread_mutex_t whole_lines = PTHREAD_MUTEX_INITIALIZER;
static bool cut;   /* the last line was not written as a whole; under the lock */
static bool begun; /* what there was before was looked at; under the lock */

/* ---- Failures -------------------------------------------------------------------------------- */

static const struct {
    int number, status;
    const char *name;
} numbers[] = {{EPIPE, WEIR_EDOWN, "EPIPE"},
               {ENOSPC, WEIR_ERESOURCE, "ENOSPC"},
               {EDQUOT, WEIR_ERESOURCE, "EDQUOT"},
               {EBADF, WEIR_ECONFIG, "EBADF"},
               {EIO, WEIR_EDOWN, "EIO"}};

static int log_classify(const char *native)
{
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (strcmp(native, numbers[i].name) == 0)
            return numbers[i].status;
    return WEIR_EINTERNAL;
}

int log_fail(int number, struct weir_error *error)
{
    int status = WEIR_EINTERNAL;
    const char *name = "";

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (numbers[i].number == number) {
            status = numbers[i].status;
            name = numbers[i].name;
        }
    weir_fail(error, status, "standard output: %s", strerror(number));
    if (error != NULL)
        snprintf(error->native, sizeof(error->native), "%s", name);
    return status;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/*
 * Standard output anew, so that a write does not wait: others may write to the same pipe, and take
 * the room there was. To make what we were given non-blocking would make it so for them, too.
 */
static void open_again(struct log_conn *conn)
{
    struct stat status;

    conn->fd = STDOUT_FILENO;
    if (fstat(STDOUT_FILENO, &status) != 0)
        return;
    conn->socket = S_ISSOCK(status.st_mode);
    if (!S_ISFIFO(status.st_mode) && !S_ISCHR(status.st_mode))
        return;
    int fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    conn->own = fd >= 0;
    if (conn->own)
        conn->fd = fd;
}

static ssize_t put_some(const struct log_conn *conn, const char *text, size_t len)
{
    return conn->socket ? send(conn->fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL)
                        : write(conn->fd, text, len);
}

/* Until it can be written; so much that a pipe takes it without waiting. 0 or a status. */
static int wait_for_reader(const struct log_conn *conn, int64_t deadline, struct weir_error *error)
{
    struct pollfd out = {.fd = conn->fd, .events = POLLOUT};

    for (;;) {
        int64_t now = clock_now(), left = clock_min(deadline - now, LOOK);
        if (atomic_load(&conn->interrupted) || left <= 0)
            return weir_fail(error, WEIR_EDEADLINE, "standard output: nobody reads it");
        int n = poll(&out, 1, (int)(left / CLOCK_MS) + 1);
        if (n < 0 && errno != EINTR)
            return log_fail(errno, error);
        if (n > 0 && (out.revents & POLLNVAL))
            return log_fail(EBADF, error);
        if (n > 0)
            return 0;
    }
}

/* *sent says how much of it was written, also on failure. */
static int put_bytes(const struct log_conn *conn, const char *text, size_t len, int64_t deadline,
                     size_t *sent, struct weir_error *error)
{
    for (*sent = 0; *sent < len;) {
        size_t piece = len - *sent < PIPE_BUF ? len - *sent : PIPE_BUF;
        int status = wait_for_reader(conn, deadline, error);
        if (status != 0)
            return status;
        ssize_t n = put_some(conn, text + *sent, piece);
        if (n > 0)
            *sent += (size_t)n;
        else if (n < 0 && errno != EINTR && errno != EAGAIN)
            return log_fail(errno, error);
    }
    return 0;
}

/* What an earlier process has left behind in the file is a line, too, that may have no end. */
static bool is_left_cut(void)
{
    struct stat status;
    char last = '\0';

    if (fstat(STDOUT_FILENO, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
        return false;
    int fd = open("/proc/self/fd/1", O_RDONLY | O_CLOEXEC); /* ours is for writing alone */
    if (fd >= 0 && pread(fd, &last, 1, status.st_size - 1) != 1)
        last = '\0';
    if (fd >= 0)
        close(fd);
    return last != '\n';
}

int log_put(const struct log_conn *conn, const char *text, size_t len, int64_t deadline,
            struct weir_error *error)
{
    struct timespec until = clock_timespec(deadline);
    size_t sent = 0;

    if (pthread_mutex_clocklock(&whole_lines, CLOCK_MONOTONIC, &until) != 0)
        return weir_fail(error, WEIR_EDEADLINE, "standard output: nobody reads it");
    cut = begun ? cut : is_left_cut();
    begun = true;
    int status = cut ? put_bytes(conn, "\n", 1, deadline, &sent, error) : 0;
    if (status == 0) {
        cut = false;
        status = put_bytes(conn, text, len, deadline, &sent, error);
        cut = status != 0 && sent > 0 && text[sent - 1] != '\n';
    }
    pthread_mutex_unlock(&whole_lines);
    return status;
}

/* ---- The driver ------------------------------------------------------------------------------ */

static int log_check(void *conn, int64_t deadline, struct weir_error *error)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

    (void)conn, (void)deadline;
    int flags = fcntl(STDOUT_FILENO, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
        return log_fail(EBADF, error);
    if (poll(&out, 1, 0) > 0 && (out.revents & POLLERR))
        return log_fail(EPIPE, error);
    return 0;
}

static int log_open(void *at, const struct weir_settings *settings, int64_t deadline,
                    struct weir_error *error)
{
    (void)settings;
    open_again(at);
    return log_check(at, deadline, error);
}

static void log_interrupt(void *at, int64_t deadline)
{
    struct log_conn *conn = at;

    (void)deadline;
    atomic_store(&conn->interrupted, true);
}

static int log_close(void *at, int64_t deadline)
{
    struct log_conn *conn = at;

    (void)deadline;
    if (conn->own)
        close(conn->fd);
    conn->own = false;
    return 0;
}

const struct weir_driver log_driver = {.abi = WEIR_DRIVER_ABI,
                                       .name = "log",
                                       .conn_size = sizeof(struct log_conn),
                                       .settings = settings_table,
                                       .min_size = 1,
                                       .max_size = 1,
                                       .open = log_open,
                                       .check = log_check,
                                       .interrupt = log_interrupt,
                                       .close = log_close,
                                       .classify = log_classify};
