/* SPDX-License-Identifier: MIT */
/*
 * A plugin for weir: appends webhooks to a file, one JSON text a line, each batch synced to disk.
 * It uses weir's installed headers only. Build: see meson.build here; use:
 *
 *     weir serve --config DIR --plugin /path/to/lines.so
 *
 * connections.json: {"log": {"type": "lines", "path": "/var/log/webhooks"}}
 * a module:         {"type": "lines", "connection": "log"}
 *
 * One write at a time: the file is locked (flock) while a batch is appended, and what was written
 * of a batch that failed is cut off again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/sink.h>

struct lines {
    int fd; /* plus one; 0: none. The pool hands zeroed bytes to open */
    atomic_bool interrupted;
};

static const struct weir_setting settings[] = {
    {"path", WEIR_SETTING_STRING, WEIR_SETTING_REQUIRED, 0, 0, NULL, "the file to append to"},
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static const struct weir_setting no_options[] = {{NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static int failed(struct weir_error *error, const char *what)
{
    int status = errno == ENOSPC || errno == EDQUOT ? WEIR_ERESOURCE : WEIR_ELOST;

    return weir_fail(error, status, "%s: %s", what, strerror(errno));
}

/* ---- The driver ------------------------------------------------------------------------------ */

static int lines_open(void *conn, const struct weir_settings *given, int64_t deadline,
                      struct weir_error *error)
{
    struct lines *lines = conn;
    const char *path = weir_settings_string(given, "path", "");

    (void)deadline;
    lines->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) + 1;
    return lines->fd > 0 ? 0 : weir_fail(error, WEIR_ECONNECT, "%s: %s", path, strerror(errno));
}

static int lines_check(void *conn, int64_t deadline, struct weir_error *error)
{
    struct lines *lines = conn;
    struct stat now;

    (void)deadline;
    if (fstat(lines->fd - 1, &now) != 0)
        return failed(error, "fstat");
    return now.st_nlink > 0 ? 0 : weir_fail(error, WEIR_ELOST, "the file was removed");
}

static void lines_interrupt(void *conn, int64_t deadline)
{
    struct lines *lines = conn;

    (void)deadline;
    atomic_store(&lines->interrupted, true);
}

static int lines_close(void *conn, int64_t deadline)
{
    struct lines *lines = conn;

    (void)deadline;
    if (lines->fd > 0)
        close(lines->fd - 1);
    lines->fd = 0;
    return 0;
}

static int lines_classify(const char *native)
{
    (void)native;
    return WEIR_EINTERNAL;
}

static const struct weir_driver driver = {.abi = WEIR_DRIVER_ABI,
                                          .name = "lines",
                                          .conn_size = sizeof(struct lines),
                                          .settings = settings,
                                          .min_size = 0,
                                          .max_size = 1,
                                          .open = lines_open,
                                          .check = lines_check,
                                          .interrupt = lines_interrupt,
                                          .close = lines_close,
                                          .classify = lines_classify};

/* ---- The sink -------------------------------------------------------------------------------- */

struct weir_target {
    char nothing; /* a target needs an address of its own */
};

static int target_new(struct weir_target **out, const struct weir_settings *options,
                      struct weir_error *error)
{
    int status = weir_settings_check_options(options, no_options, error);

    *out = status == 0 ? calloc(1, sizeof(**out)) : NULL;
    if (status == 0 && *out == NULL)
        status = weir_fail(error, WEIR_ENOMEM, "out of memory");
    return status;
}

static void target_free(struct weir_target **target)
{
    free(*target);
    *target = NULL;
}

static int prepare(const struct weir_target *target, void *conn, int64_t deadline,
                   struct weir_error *error)
{
    (void)target;
    return lines_check(conn, deadline, error);
}

static int append(struct lines *lines, const char *bytes, size_t len, struct weir_error *error)
{
    while (len > 0) {
        ssize_t n = write(lines->fd - 1, bytes, len);
        if (n < 0 && errno != EINTR)
            return failed(error, "write");
        bytes += n < 0 ? 0 : n;
        len -= n < 0 ? 0 : (size_t)n;
    }
    return atomic_load(&lines->interrupted) ? weir_fail(error, WEIR_EINTERRUPTED, "interrupted")
                                            : 0;
}

/* A body may have line ends between its tokens; JSON lets a space stand there as well. */
static int append_line(struct lines *lines, const struct weir_item *item, struct weir_error *error)
{
    char *line = malloc(item->body_len + 1);

    if (line == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    for (size_t i = 0; i < item->body_len; i++)
        line[i] = item->body[i] == '\n' || item->body[i] == '\r' ? ' ' : item->body[i];
    line[item->body_len] = '\n';
    int status = append(lines, line, item->body_len + 1, error);
    free(line);
    return status;
}

/* Nothing is stored before it is on disk; everything since `end` is forgotten if it cannot be. */
static int write_all(struct lines *lines, const struct weir_item *items, size_t count,
                     struct weir_error *error)
{
    off_t end = lseek(lines->fd - 1, 0, SEEK_END);
    int status = end < 0 ? failed(error, "lseek") : 0;

    for (size_t i = 0; i < count && status == 0; i++)
        status = append_line(lines, &items[i], error);
    if (status == 0 && fdatasync(lines->fd - 1) != 0)
        status = failed(error, "fdatasync");
    if (status != 0 && end >= 0 && ftruncate(lines->fd - 1, end) != 0)
        status = WEIR_ELOST;
    return status;
}

static int write_batch(const struct weir_target *target, void *conn, struct weir_item *items,
                       size_t count, int64_t deadline, struct weir_error *error)
{
    struct lines *lines = conn;
    int status = lines_check(conn, deadline, error);

    (void)target;
    if (status != 0)
        return status;
    if (flock(lines->fd - 1, LOCK_EX | LOCK_NB) != 0)
        return weir_fail(error, WEIR_ECONFLICT, "somebody else has the file locked");
    status = write_all(lines, items, count, error);
    flock(lines->fd - 1, LOCK_UN);
    for (size_t i = 0; i < count && status == 0; i++)
        items[i].status = 0;
    return status;
}

static const struct weir_sink sink = {.abi = WEIR_SINK_ABI,
                                      .name = "lines",
                                      .driver = &driver,
                                      .options = no_options,
                                      .target_new = target_new,
                                      .target_free = target_free,
                                      .prepare = prepare,
                                      .write = write_batch};

/* ---- What weir looks for --------------------------------------------------------------------- */

WEIR_EXPORT extern const struct weir_plugin weir_plugin;

static const struct weir_driver *const drivers[] = {&driver, NULL};
static const struct weir_sink *const sinks[] = {&sink, NULL};

const struct weir_plugin weir_plugin = {.abi = WEIR_PLUGIN_ABI, .drivers = drivers, .sinks = sinks};
