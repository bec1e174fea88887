/* SPDX-License-Identifier: MIT */
/*
 * Owns: the way from any thread to the thread of an event loop.
 * Never does: allocate when posting, open mail under its lock.
 * Lock: one mutex, held for a push or a splice.
 */
#include "mailbox.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include <weir/error.h>

struct mailbox {
    pthread_mutex_t lock;
    struct list posted; /* struct mail.link */
    int fd;             /* readable while something may be posted */
    struct event wake;
};

static void open_all(struct mailbox *mailbox)
{
    struct list mine, *link;

    list_init(&mine);
    pthread_mutex_lock(&mailbox->lock);
    list_splice_back(&mine, &mailbox->posted);
    pthread_mutex_unlock(&mailbox->lock);
    while ((link = list_pop_front(&mine)) != NULL) {
        struct mail *mail = list_entry(link, struct mail, link);
        mail->open(mail);
    }
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
    uint64_t count;

    (void)what;
    /* Before the splice: what is posted after it writes again. Nothing to read is no harm. */
    ssize_t n = read(fd, &count, sizeof(count));
    (void)n;
    open_all(context);
}

int mailbox_new(struct mailbox **out, struct event_base *base)
{
    struct mailbox *mailbox = calloc(1, sizeof(*mailbox));

    *out = NULL;
    if (mailbox == NULL)
        return WEIR_ENOMEM;
    list_init(&mailbox->posted);
    pthread_mutex_init(&mailbox->lock, NULL);
    mailbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (mailbox->fd < 0)
        goto fail;
    event_assign(&mailbox->wake, base, mailbox->fd, EV_READ | EV_PERSIST, on_wake, mailbox);
    if (event_add(&mailbox->wake, NULL) != 0)
        goto fail;
    *out = mailbox;
    return 0;

fail:
    if (mailbox->fd >= 0)
        close(mailbox->fd);
    pthread_mutex_destroy(&mailbox->lock);
    free(mailbox);
    return WEIR_ENOMEM;
}

void mailbox_post(struct mailbox *mailbox, struct mail *mail)
{
    const uint64_t one = 1;

    pthread_mutex_lock(&mailbox->lock);
    bool first = list_empty(&mailbox->posted);
    list_push_back(&mailbox->posted, &mail->link);
    /* Under the lock, so that the mailbox cannot be freed between the two; the counter cannot
     * be full, and the write never blocks. */
    if (first) {
        ssize_t n = write(mailbox->fd, &one, sizeof(one));
        (void)n;
    }
    pthread_mutex_unlock(&mailbox->lock);
}

void mailbox_free(struct mailbox **at)
{
    struct mailbox *mailbox = *at;

    *at = NULL;
    if (mailbox == NULL)
        return;
    event_del(&mailbox->wake);
    while (!list_empty(&mailbox->posted))
        open_all(mailbox);
    close(mailbox->fd);
    pthread_mutex_destroy(&mailbox->lock);
    free(mailbox);
}
