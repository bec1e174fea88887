/* SPDX-License-Identifier: MIT */
/*
 * Dispatch: the delivering side of the daemon. One queue for each connection, bounded, with lanes
 * that empty it; a connection's lanes are its own, so that one that hangs stops nobody else. After
 * a change of type, a connection's old queue is emptied beside the new one.
 * Queues outlive configurations.
 */
#ifndef GATEWAY_DISPATCH_H
#define GATEWAY_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/registry.h>

#include "webhook.h"

struct dispatch;

int dispatch_new(struct dispatch **out, struct weir_registry *registry);

/*
 * Queue every delivery of the webhook, or settle it at once as overloaded or shutting down. Takes
 * one reference for each delivery (they are counted in webhook_new already). Never blocks. Any
 * thread.
 */
void dispatch_post(struct dispatch *dispatch, struct webhook *webhook);

/*
 * What time demands: settle what has waited past acquire_by or its webhook's expires_at, start
 * lanes for what waits longer than a usual batch takes. Never blocks. Called every DISPATCH_TICK
 * by one loop.
 */
#define DISPATCH_TICK INT64_C(10000000)
void dispatch_tick(struct dispatch *dispatch, int64_t now);

struct dispatch_version {
    uint32_t version;
    unsigned writing; /* webhooks in a batch leased from it */
};

#define DISPATCH_VERSIONS_MAX 16 /* versions of one connection that a view can name */

struct dispatch_view {
    unsigned waiting, writing; /* webhooks */
    size_t waiting_bytes;
    unsigned lanes;
    uint64_t batches, stored, rejected, retried, failed, expired; /* webhooks, but for batches */
    int trouble;         /* how the last batch, or the wait for its lease, failed; 0: it did not */
    int64_t troubled_at; /* monotonic */
    size_t versions_count;
    struct dispatch_version versions[DISPATCH_VERSIONS_MAX];
};

/* How a connection's queue stands; zeroes for one without. type: its driver's name. Any thread. */
void dispatch_look(struct dispatch *dispatch, const char *name, const char *type,
                   struct dispatch_view *view);

/*
 * The connection's pool was given this size in this generation of the configuration; lanes follow,
 * until the next one. WEIR_ENOMEM. Any thread.
 */
int dispatch_resize(struct dispatch *dispatch, const char *name, const struct weir_driver *driver,
                    uint64_t generation, unsigned max);

/*
 * Refuse new webhooks as shutting down; lanes go on with what is queued. At `deadline` whatever
 * still waits is settled as unavailable. Calling it again may bring the deadline forward.
 */
void dispatch_stop(struct dispatch *dispatch, int64_t deadline);

/* After dispatch_stop: is every delivery settled? */
bool dispatch_idle(struct dispatch *dispatch);

/*
 * Join the lanes; stopped, idle, and the registry closed. They may post to the loops' mailboxes
 * until this returns; ticks and looks may go on.
 */
void dispatch_quit(struct dispatch *dispatch);

/* After dispatch_quit, and when no loop runs any more. *dispatch becomes NULL. */
void dispatch_free(struct dispatch **dispatch);

#endif
