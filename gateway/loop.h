/* SPDX-License-Identifier: MIT */
/*
 * A loop: one thread with its event base, door, mailbox and intake, and its own reference to the
 * running configuration. The first loop also ticks the dispatch.
 *
 * Fields are for the loop's own thread; other threads use the mailbox and the functions below.
 */
#ifndef GATEWAY_LOOP_H
#define GATEWAY_LOOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "config.h"
#include "door.h"
#include "gateway.h"
#include "intake.h"
#include "mailbox.h"

struct event;
struct event_base;

/* Mail that a loop sends to itself, or that goes to it once; `busy` while it is under way. */
struct loop_errand {
    struct mail mail;
    struct loop *loop;
    atomic_bool busy;
};

struct loop {
    struct gateway *gateway;
    unsigned number; /* from 0 */
    struct event_base *base;
    struct mailbox *mailbox;
    struct door *door;
    struct config *config; /* what new requests come in under */
    struct intake intake;
    struct event *tick;       /* the dispatch's, first loop only */
    struct event *leaving;    /* after loop_stop: looks whether every client has gone */
    struct loop_errand hurry; /* tick soon */
    atomic_bool ticking;      /* often, or about to: whoever posts need not ask */
    struct loop_errand adopt, stop, expire, quit;
    struct config *next; /* what adopt puts in the place of config */
    atomic_bool empty;   /* stopped, and every client has gone */
    bool started;
    pthread_t thread;
};

/* Not running yet. Takes its own reference to config. 0 or WEIR_ENOMEM. */
int loop_new(struct loop **out, struct gateway *gateway, unsigned number, struct config *config);

/* Start its thread. 0 or WEIR_ENOMEM. */
int loop_start(struct loop *loop);

/*
 * Have every running loop use this configuration; returns when each of them does. Needs no memory
 * and cannot fail. Not from a loop's thread.
 */
void loop_publish(struct gateway *gateway, struct config *config);

/* Tell of the configuration's certificate, in the log and the metrics. */
void loop_show_certificate(struct gateway *gateway, const struct config *config);

/* A webhook was handed to the dispatch while it had none: tick often from now on. From `loop`. */
void loop_hurry(struct loop *loop);

/* Ask it to stop its door (see door_stop). Once. Any thread. */
void loop_stop(struct loop *loop);

/* Ask it to answer whatever has no answer yet as unavailable. Once. Any thread. */
void loop_expire(struct loop *loop);

/* End its thread, if there is one, and wait for it. Nobody may post to its mailbox any more. */
void loop_join(struct loop *loop);

/* A loop that does not run. *loop becomes NULL; NULL is accepted. */
void loop_free(struct loop **loop);

#endif
