/* SPDX-License-Identifier: MIT */
/*
 * Owns: the lines that wait to be written to standard error, and the thread that writes them.
 * Never does: let anybody but that thread wait for the reader of the log.
 * Lock: one mutex over the backlog, never held during a write.
 */
#include "log_writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "cond.h"
#include "log.h"

/* A ring of bytes: each line behind its length. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t work, ended_now;
    pthread_t thread;
    log_lost_line *lost_line;
    char ring[LOG_BACKLOG];
    size_t first, used;
    uint64_t lost;
    bool threaded, stopping, ended;
    bool abandoned; /* stopped, but not everything could be written */
} writer = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* A reader that is slow keeps the caller here; one that is gone does not. */
static void write_all(const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, bytes, len);
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        } else if (n < 0 && errno == EAGAIN) { /* another process made it non-blocking */
            poll(&(struct pollfd){.fd = STDERR_FILENO, .events = POLLOUT}, 1, -1);
        } else if (n == 0 || errno != EINTR) {
            return; /* nobody reads the log: there is nobody to tell */
        }
    }
}

/* ---- The ring; with the mutex held ----------------------------------------------------------- */

static void copy_in(const void *bytes, size_t len)
{
    size_t at = (writer.first + writer.used) % LOG_BACKLOG;
    size_t straight = len < LOG_BACKLOG - at ? len : LOG_BACKLOG - at;

    memcpy(writer.ring + at, bytes, straight);
    memcpy(writer.ring, (const char *)bytes + straight, len - straight);
    writer.used += len;
}

static void copy_out(void *bytes, size_t len)
{
    size_t straight = len < LOG_BACKLOG - writer.first ? len : LOG_BACKLOG - writer.first;

    memcpy(bytes, writer.ring + writer.first, straight);
    memcpy((char *)bytes + straight, writer.ring, len - straight);
    writer.first = (writer.first + len) % LOG_BACKLOG;
    writer.used -= len;
}

static void push(const char *line, size_t len)
{
    if (writer.used + sizeof(len) + len > LOG_BACKLOG) {
        writer.lost++;
        return;
    }
    copy_in(&len, sizeof(len));
    copy_in(line, len);
    pthread_cond_signal(&writer.work);
}

/* The next line; of those that were dropped when all that came before them is written. */
static size_t pop(char *line)
{
    size_t len;

    if (writer.used == 0) {
        len = writer.lost_line(line, LOG_LINE_MAX, writer.lost);
        writer.lost = 0;
        return len;
    }
    copy_out(&len, sizeof(len));
    copy_out(line, len);
    if (writer.used == 0)
        writer.first = 0; /* a quiet log touches little of the ring */
    return len;
}

/* ---- The thread ------------------------------------------------------------------------------ */

static bool has_line(void)
{
    return writer.used > 0 || writer.lost > 0;
}

static void *run(void *unused)
{
    char line[LOG_LINE_MAX];

    (void)unused;
    pthread_mutex_lock(&writer.mutex);
    while (has_line() || !writer.stopping) {
        if (!has_line()) {
            cond_wait_until(&writer.work, &writer.mutex, CLOCK_NEVER);
            continue;
        }
        size_t len = pop(line);
        pthread_mutex_unlock(&writer.mutex);
        write_all(line, len);
        pthread_mutex_lock(&writer.mutex);
    }
    writer.ended = true;
    pthread_cond_signal(&writer.ended_now);
    pthread_mutex_unlock(&writer.mutex);
    return NULL;
}

bool log_writer_start(log_lost_line *lost_line)
{
    cond_init(&writer.work);
    cond_init(&writer.ended_now);
    writer.lost_line = lost_line;
    pthread_mutex_lock(&writer.mutex);
    writer.threaded = pthread_create(&writer.thread, NULL, run, NULL) == 0;
    pthread_mutex_unlock(&writer.mutex);
    return writer.threaded;
}

void log_writer_stop(int64_t deadline)
{
    pthread_mutex_lock(&writer.mutex);
    bool threaded = writer.threaded, in_time = true;
    writer.stopping = true;
    pthread_cond_signal(&writer.work);
    while (threaded && !writer.ended && in_time)
        in_time = cond_wait_until(&writer.ended_now, &writer.mutex, deadline);
    writer.abandoned = threaded && !writer.ended;
    writer.threaded = false;
    pthread_mutex_unlock(&writer.mutex);
    if (threaded && !writer.abandoned)
        pthread_join(writer.thread, NULL);
    else if (threaded)
        pthread_detach(writer.thread); /* it ends with the process */
}

void log_writer_put(const char *line, size_t len)
{
    pthread_mutex_lock(&writer.mutex);
    bool now = !writer.threaded && !writer.abandoned;
    if (writer.threaded)
        push(line, len);
    pthread_mutex_unlock(&writer.mutex);
    if (now)
        write_all(line, len);
}
