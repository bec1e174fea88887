/* SPDX-License-Identifier: MIT */
/*
 * Owns: apr_reslist (libaprutil) as one of the pools that are measured.
 * Never does: keep idle times: with a ttl of 0 the list reads no clock.
 * Lock: none; the list has its own, replace.c another for when its password changes.
 */
#include "peer.h"

#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_pools.h>
#include <apr_reslist.h>

#include "replace.h"

const char *const peer_name = "apr_reslist";
const char *const peer_has_no_waiters = NULL;

/* A list, its memory, and what its constructor is to use. */
struct list {
    apr_pool_t *memory;
    apr_reslist_t *reslist;
    unsigned password;
};

/* What is in a held's room. */
struct ticket {
    struct list *list;
    struct generation *generation; /* NULL unless the password changes in this mode */
};

static struct list *present;
static unsigned size;
static apr_interval_time_t timeout;
static bool replacing;

static apr_status_t construct(void **resource, void *list, apr_pool_t *memory)
{
    struct resource *made = calloc(1, sizeof(*made));

    (void)memory;
    if (made == NULL || !backend_open(made, ((struct list *)list)->password)) {
        free(made);
        return APR_EGENERAL;
    }
    *resource = made;
    return APR_SUCCESS;
}

static apr_status_t destruct(void *resource, void *list, apr_pool_t *memory)
{
    (void)list, (void)memory;
    backend_close(resource);
    free(resource);
    return APR_SUCCESS;
}

static struct list *list_new(unsigned password)
{
    struct list *list = calloc(1, sizeof(*list));

    if (list == NULL || apr_pool_create(&list->memory, NULL) != APR_SUCCESS)
        frame_die("out of memory");
    list->password = password;
    if (apr_reslist_create(&list->reslist, 0, (int)size, (int)size, 0, construct, destruct, list,
                           list->memory) != APR_SUCCESS)
        frame_die("apr_reslist_create failed");
    apr_reslist_timeout_set(list->reslist, timeout);
    return list;
}

static void list_free(void *pointer)
{
    struct list *list = pointer;

    apr_pool_destroy(list->memory); /* destroys the list, which closes what is idle */
    free(list);
}

void peer_start(unsigned max, int64_t patience)
{
    static bool initialized;

    if (!initialized && apr_initialize() != APR_SUCCESS)
        frame_die("apr_initialize failed");
    initialized = true;
    size = max;
    timeout = patience / 1000; /* microseconds; the list's, not the caller's */
    present = list_new(1);
}

bool peer_take(struct held *held, int64_t deadline)
{
    struct ticket *ticket = (struct ticket *)held->room;
    void *resource;

    (void)deadline;
    ticket->generation = replacing ? generation_enter() : NULL;
    ticket->list = replacing ? ticket->generation->pool : present;
    if (apr_reslist_acquire(ticket->list->reslist, &resource) == APR_SUCCESS) {
        held->resource = resource;
        return true;
    }
    if (replacing)
        generation_leave(ticket->generation);
    return false;
}

bool peer_try(struct held *held)
{
    return peer_take(held, 0);
}

void peer_give(struct held *held, bool broken)
{
    struct ticket *ticket = (struct ticket *)held->room;

    if (broken)
        apr_reslist_invalidate(ticket->list->reslist, held->resource);
    else
        apr_reslist_release(ticket->list->reslist, held->resource);
    if (ticket->generation != NULL)
        generation_leave(ticket->generation);
}

bool peer_rotates_in_place(void)
{
    return false;
}

void peer_expect_rotation(void)
{
    replacing = true;
    generation_set(present, 1, list_free);
}

void peer_rotate(unsigned password)
{
    generation_set(list_new(password), password, list_free);
    frame_switched(password);
}

bool peer_resize(unsigned max)
{
    (void)max;
    return false;
}

bool peer_close(void)
{
    return false;
}

void peer_stop(void)
{
    if (replacing)
        generation_end();
    else
        list_free(present);
}
