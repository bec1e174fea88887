/* SPDX-License-Identifier: MIT */
/*
 * Owns: the memory of an endpoint's conns. A conn stays what it is until the endpoint is freed, so
 * that a stale lease or a thread that looks too late reads a word, and never freed memory.
 * Never does: decide who opens or closes.
 * Lock: the registry's, but for extend (one change at a time) and free; readers take none.
 */
#include "pool.h"

#include <stdlib.h>
#include <string.h>

static void init_conn(struct conn *conn, struct endpoint *endpoint, unsigned place)
{
    conn->endpoint = endpoint;
    conn->driver = endpoint->driver;
    conn->state = CONN_FREE;
    conn->place = place;
    conn->task.conn = conn->stop.conn = conn;
    list_init(&conn->link);
    list_init(&conn->task.link);
    list_init(&conn->stop.link);
}

static struct slots *of(const struct endpoint *endpoint)
{
    return atomic_load_explicit(&endpoint->slots, memory_order_acquire);
}

bool slots_extend(struct endpoint *endpoint, unsigned max, struct slots **out)
{
    const struct slots *old = of(endpoint);
    unsigned have = old == NULL ? 0 : old->count;

    *out = NULL;
    if (max <= have)
        return true;
    struct slots *slots = calloc(1, sizeof(*slots) + max * sizeof(slots->at[0]));
    struct conn *chunk = aligned_alloc(POOL_LINE, (max - have) * sizeof(*chunk));
    if (slots == NULL || chunk == NULL) {
        free(slots);
        free(chunk);
        return false;
    }
    memset(chunk, 0, (max - have) * sizeof(*chunk));
    slots->chunk = chunk;
    slots->count = max;
    for (unsigned i = 0; i < have; i++)
        slots->at[i] = old->at[i];
    for (unsigned i = have; i < max; i++) {
        slots->at[i] = &chunk[i - have];
        init_conn(slots->at[i], endpoint, i);
    }
    *out = slots;
    return true;
}

void slots_adopt(struct endpoint *endpoint, struct slots **at)
{
    struct slots *slots = *at;

    *at = NULL;
    if (slots == NULL)
        return;
    slots->older = of(endpoint);
    atomic_store_explicit(&endpoint->slots, slots, memory_order_release);
}

void slots_free(struct slots **at)
{
    struct slots *slots = *at;

    *at = NULL;
    if (slots == NULL)
        return;
    free(slots->chunk);
    free(slots);
}

void slots_free_all(struct endpoint *endpoint)
{
    struct slots *slots = of(endpoint);

    atomic_store_explicit(&endpoint->slots, NULL, memory_order_relaxed);
    while (slots != NULL) {
        struct slots *older = slots->older;
        slots_free(&slots);
        slots = older;
    }
}

struct conn *slots_free_conn(struct endpoint *endpoint)
{
    const struct slots *slots = of(endpoint);

    for (unsigned i = 0; slots != NULL && i < slots->count; i++)
        if (slots->at[i]->state == CONN_FREE)
            return slots->at[i];
    return NULL;
}

void slots_set_top(struct endpoint *endpoint)
{
    const struct slots *slots = of(endpoint);
    unsigned top = slots->count;

    while (top > 0 && slots->at[top - 1]->state == CONN_FREE)
        top--;
    atomic_store_explicit(&endpoint->top, top, memory_order_release);
}
