/* SPDX-License-Identifier: MIT */
/*
 * A mailbox: how other threads hand things to the thread of an event loop. Mail is intrusive and
 * delivered in order; however much is posted, the loop is woken once.
 */
#ifndef GATEWAY_MAILBOX_H
#define GATEWAY_MAILBOX_H

#include "list.h"

struct event_base;
struct mailbox;

struct mail {
    struct list link;
    void (*open)(struct mail *mail); /* called on the loop's thread; the mail is its to free */
};

int mailbox_new(struct mailbox **out, struct event_base *base);

/* Any thread. */
void mailbox_post(struct mailbox *mailbox, struct mail *mail);

/* Open what is left, then free. Nobody may post any more. *mailbox becomes NULL. */
void mailbox_free(struct mailbox **mailbox);

#endif
