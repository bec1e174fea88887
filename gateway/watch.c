/* SPDX-License-Identifier: MIT */
/*
 * Owns: noticing that a configuration file was changed, replaced, or swapped by a symbolic link.
 * Never does: read the files' contents, or take a vanished file for a change.
 * Lock: none; one thread.
 */
#include "watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/error.h>

#include "clock.h"

#define FILES    3
#define PATH_LEN 4096

struct print {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec written, changed; /* what is in it; what it is called, who may read it */
};

struct watch {
    char *directory;
    int fd;
    struct print known[FILES]; /* zero while a file was never there */
    struct print seen[FILES];  /* at the last look */
    int64_t changed_at;        /* when seen last differed from the look before; 0: settled */
};

static const char *const files[FILES] = {"connections.json", "webhooks.json", "server.json"};

/* A file that is not there now keeps the print it had. */
static void look(const struct watch *watch, struct print prints[FILES])
{
    char path[PATH_LEN];
    struct stat now;

    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof(path), "%s/%s", watch->directory, files[i]);
        if (stat(path, &now) != 0)
            continue;
        memset(&prints[i], 0, sizeof(prints[i]));
        prints[i].device = now.st_dev;
        prints[i].inode = now.st_ino;
        prints[i].size = now.st_size;
        prints[i].written = now.st_mtim;
        prints[i].changed = now.st_ctim;
    }
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same(const struct print *a, const struct print *b)
{
    for (int i = 0; i < FILES; i++)
        if (a[i].device != b[i].device || a[i].inode != b[i].inode || a[i].size != b[i].size ||
            !same_time(&a[i].written, &b[i].written) || !same_time(&a[i].changed, &b[i].changed))
            return false;
    return true;
}

int watch_open(struct watch **out, const char *directory)
{
    struct watch *watch = calloc(1, sizeof(*watch));

    *out = NULL;
    if (watch == NULL || (watch->directory = strdup(directory)) == NULL) {
        free(watch);
        return WEIR_ENOMEM;
    }
    watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch->fd >= 0)
        inotify_add_watch(watch->fd, directory,
                          IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_ATTRIB);
    look(watch, watch->known);
    memcpy(watch->seen, watch->known, sizeof(watch->seen));
    *out = watch;
    return 0;
}

int watch_fd(const struct watch *watch)
{
    return watch->fd;
}

/* What the events say does not matter; only that there were some. */
static void drain(const struct watch *watch)
{
    char events[4096];

    while (watch->fd >= 0 && read(watch->fd, events, sizeof(events)) > 0)
        continue;
}

bool watch_check(struct watch *watch, int64_t now, int64_t *next)
{
    struct print prints[FILES];

    drain(watch);
    memcpy(prints, watch->seen, sizeof(prints));
    look(watch, prints);
    if (!same(prints, watch->seen)) {
        memcpy(watch->seen, prints, sizeof(prints));
        watch->changed_at = now;
    }
    *next = clock_add(now, WATCH_POLL);
    if (watch->changed_at == 0)
        return false;
    if (now < clock_add(watch->changed_at, WATCH_SETTLE)) {
        *next = clock_add(watch->changed_at, WATCH_SETTLE);
        return false;
    }
    watch->changed_at = 0;
    if (same(watch->seen, watch->known))
        return false;
    memcpy(watch->known, watch->seen, sizeof(watch->known));
    return true;
}

void watch_close(struct watch **at)
{
    struct watch *watch = *at;

    *at = NULL;
    if (watch == NULL)
        return;
    if (watch->fd >= 0)
        close(watch->fd);
    free(watch->directory);
    free(watch);
}
