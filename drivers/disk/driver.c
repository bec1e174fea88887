/* SPDX-License-Identifier: MIT */
/*
 * Owns: a directory as a backend connection: made, opened, looked after.
 * Never does: wait for a lock; what the file system itself waits for cannot be interrupted.
 * Lock: none; interrupt touches only what is atomic.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "conn.h"

#define STALE 86400 /* seconds after which an unfinished file is nobody's any more */

static const struct weir_setting settings_table[] = {
    {"directory", WEIR_SETTING_STRING, WEIR_SETTING_REQUIRED, 0, 0, NULL,
     "where the files are; made, with those above it, if it is absent"},
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static int disk_validate(const struct weir_settings *settings, struct weir_error *error)
{
    const char *path = weir_settings_string(settings, "directory", "");

    if (path[0] == '\0' || strlen(path) >= PATH_MAX)
        return weir_fail_key(error, WEIR_EINVAL, "directory", "must be the path of a directory");
    return 0;
}

/* ---- Failures -------------------------------------------------------------------------------- */

static const struct {
    int number, status;
    const char *name;
} numbers[] = {{ENOSPC, WEIR_ERESOURCE, "ENOSPC"}, {EDQUOT, WEIR_ERESOURCE, "EDQUOT"},
               {EMFILE, WEIR_ERESOURCE, "EMFILE"}, {ENFILE, WEIR_ERESOURCE, "ENFILE"},
               {ENOMEM, WEIR_ENOMEM, "ENOMEM"},    {EROFS, WEIR_EREADONLY, "EROFS"},
               {EACCES, WEIR_EDENIED, "EACCES"},   {EPERM, WEIR_EDENIED, "EPERM"},
               {ENOENT, WEIR_ELOST, "ENOENT"},     {ENOTDIR, WEIR_ECONFIG, "ENOTDIR"},
               {EIO, WEIR_EDOWN, "EIO"},           {EFBIG, WEIR_EREJECTED, "EFBIG"}};

static int disk_classify(const char *native)
{
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (strcmp(native, numbers[i].name) == 0)
            return numbers[i].status;
    return WEIR_EINTERNAL;
}

int disk_fail(const struct disk_conn *conn, int number, const char *what, struct weir_error *error)
{
    int status = WEIR_EINTERNAL;
    const char *name = "";

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (numbers[i].number == number) {
            status = numbers[i].status;
            name = numbers[i].name;
        }
    weir_fail(error, status, "%s: %s: %s", conn->path, what, strerror(number));
    if (error != NULL)
        snprintf(error->native, sizeof(error->native), "%s", name);
    return status;
}

bool disk_is_over(const struct disk_conn *conn, int64_t deadline)
{
    return atomic_load(&conn->interrupted) || clock_now() >= deadline;
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* It is there after a crash when the one it is in has been forced to the disk, too. */
static int make_lasting(const char *path)
{
    char copy[PATH_MAX];

    if (mkdir(path, 0750) != 0)
        return errno == EEXIST ? 0 : errno;
    snprintf(copy, sizeof(copy), "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int number = fd < 0 || fsync(fd) != 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    if (number != 0)
        rmdir(path); /* or it would pass for one that lasts */
    return number;
}

/* As mkdir -p would; nobody but weir and its group looks inside. */
static int make_directories(const char *path)
{
    char copy[PATH_MAX];

    snprintf(copy, sizeof(copy), "%s", path);
    for (char *at = copy + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        int number = make_lasting(copy);
        if (number != 0)
            return number;
        *at = '/';
    }
    return make_lasting(copy);
}

/* What a crash has left behind; a name that is not whole never counted as stored. */
static void sweep(int fd)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;
    struct stat status;

    if (directory == NULL) {
        if (copy >= 0)
            close(copy);
        return;
    }
    while ((entry = readdir(directory)) != NULL)
        if (strncmp(entry->d_name, DISK_UNFINISHED, strlen(DISK_UNFINISHED)) == 0 &&
            fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode) && status.st_mtime < time(NULL) - STALE)
            unlinkat(fd, entry->d_name, 0);
    closedir(directory);
}

static int disk_check(void *at, int64_t deadline, struct weir_error *error)
{
    struct disk_conn *conn = at;
    struct stat here, there;

    (void)deadline;
    if (fstat(conn->fd, &here) != 0)
        return disk_fail(conn, errno, "fstat", error);
    /* Another one in its place, or none: what is written here would not be found. */
    if (here.st_nlink == 0 || stat(conn->path, &there) != 0 || here.st_dev != there.st_dev ||
        here.st_ino != there.st_ino)
        return weir_fail(error, WEIR_ELOST, "%s: is another directory now, or none", conn->path);
    if (faccessat(conn->fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
        return disk_fail(conn, errno, "cannot be written", error);
    return 0;
}

static int disk_open(void *at, const struct weir_settings *settings, int64_t deadline,
                     struct weir_error *error)
{
    struct disk_conn *conn = at;

    conn->path = weir_settings_string(settings, "directory", "");
    conn->fd = -1;
    int number = make_directories(conn->path);
    if (number != 0)
        return disk_fail(conn, number, "cannot be made", error);
    conn->fd = open(conn->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (conn->fd < 0)
        return disk_fail(conn, errno, "cannot be opened", error);
    conn->opened = true;
    sweep(conn->fd);
    return disk_check(conn, deadline, error);
}

static void disk_interrupt(void *at, int64_t deadline)
{
    struct disk_conn *conn = at;

    (void)deadline;
    atomic_store(&conn->interrupted, true);
}

static int disk_close(void *at, int64_t deadline)
{
    struct disk_conn *conn = at;

    (void)deadline;
    if (conn->opened)
        close(conn->fd);
    conn->opened = false;
    return 0;
}

const struct weir_driver disk_driver = {.abi = WEIR_DRIVER_ABI,
                                        .name = "disk",
                                        .conn_size = sizeof(struct disk_conn),
                                        .settings = settings_table,
                                        .min_size = 1,
                                        .max_size = 2,
                                        .validate = disk_validate,
                                        .open = disk_open,
                                        .check = disk_check,
                                        .interrupt = disk_interrupt,
                                        .close = disk_close,
                                        .classify = disk_classify};
