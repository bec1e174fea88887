/* SPDX-License-Identifier: MIT */
/*
 * Owns: writing webhooks as files. Each gets its name when it is whole and on the disk, and counts
 * as stored when the directory is, too.
 * Never does: write into a file that has its name. Lock: none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conn.h"
#include "envelope.h"

#define NAME_MAX_HERE (sizeof(DISK_UNFINISHED) + WEIR_ID_LEN + 32)

struct weir_target {
    bool headers;
};

static const struct weir_setting options_table[] = {
    {"include_headers", WEIR_SETTING_BOOLEAN, 0, 0, 0, "true", "store the headers, too"},
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static int disk_target_new(struct weir_target **out, const struct weir_settings *options,
                           struct weir_error *error)
{
    struct weir_target *target = NULL;
    int status = weir_settings_check_options(options, options_table, error);

    *out = NULL;
    if (status != 0)
        return status;
    target = calloc(1, sizeof(*target));
    if (target == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    target->headers = weir_settings_boolean(options, "include_headers", true);
    *out = target;
    return 0;
}

static void disk_target_free(struct weir_target **target)
{
    free(*target);
    *target = NULL;
}

/* ---- One file -------------------------------------------------------------------------------- */

/* Of this connection alone, so that two attempts at one webhook do not meet. */
static void unfinished_name(const struct disk_conn *conn, const char *id, char name[NAME_MAX_HERE])
{
    snprintf(name, NAME_MAX_HERE, DISK_UNFINISHED "%s.%d.%d", id, (int)getpid(), conn->fd);
}

static int write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        text += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Whole, and on the disk, under the name that does not count. 0 or an errno. */
static int write_file(const struct disk_conn *conn, const char *name, const char *text, size_t len)
{
    int fd = openat(conn->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd < 0)
        return errno;
    int number = write_all(fd, text, len);
    if (number == 0 && fsync(fd) != 0)
        number = errno;
    if (close(fd) != 0 && number == 0)
        number = errno;
    return number;
}

static int store(const struct weir_target *target, struct disk_conn *conn,
                 const struct weir_item *item, struct weir_error *error)
{
    char unfinished[NAME_MAX_HERE], name[WEIR_ID_LEN + 8];
    size_t len;
    char *text = envelope_new(item, target->headers, &len);

    if (text == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    text[len++] = '\n';
    unfinished_name(conn, item->id, unfinished);
    snprintf(name, sizeof(name), "%s.json", item->id);
    int number = write_file(conn, unfinished, text, len);
    free(text);
    if (number == 0 && renameat(conn->fd, unfinished, conn->fd, name) != 0)
        number = errno;
    if (number == 0)
        return 0;
    unlinkat(conn->fd, unfinished, 0);
    return disk_fail(conn, number, "a file cannot be written", error);
}

/* ---- The sink -------------------------------------------------------------------------------- */

static int disk_prepare(const struct weir_target *target, void *at, int64_t deadline,
                        struct weir_error *error)
{
    struct disk_conn *conn = at;
    char name[NAME_MAX_HERE];

    (void)target, (void)deadline;
    unfinished_name(conn, "probe", name);
    int number = write_file(conn, name, "", 0);
    if (number != 0)
        return disk_fail(conn, number, "cannot be written", error);
    unlinkat(conn->fd, name, 0);
    return 0;
}

static int disk_write(const struct weir_target *target, void *at, struct weir_item *items,
                      size_t count, int64_t deadline, struct weir_error *error)
{
    struct disk_conn *conn = at;
    int status = 0;

    for (size_t i = 0; i < count && status == 0; i++)
        status = disk_is_over(conn, deadline)
                     ? weir_fail(error, WEIR_EDEADLINE, "%s: took too long", conn->path)
                     : store(target, conn, &items[i], error);
    if (status == 0 && fsync(conn->fd) != 0)
        status = disk_fail(conn, errno, "fsync", error);
    if (status == 0)
        status = disk_driver.check(conn, deadline, error); /* and it is still where it should be */
    for (size_t i = 0; i < count && status == 0; i++)
        items[i].status = 0;
    return status;
}

const struct weir_sink disk_sink = {.abi = WEIR_SINK_ABI,
                                    .name = "disk",
                                    .driver = &disk_driver,
                                    .options = options_table,
                                    .target_new = disk_target_new,
                                    .target_free = disk_target_free,
                                    .prepare = disk_prepare,
                                    .write = disk_write};
