/* SPDX-License-Identifier: MIT */
/*
 * Owns: tenures: the generations in which a name meant an endpoint; there are several when a
 * connection's type changes back and forth.
 * Never does: forget one that a pin can still ask for.
 * Lock: the registry's, held by the caller.
 */
#include "pool.h"

#include <stdlib.h>

struct tenure *tenure_new(void)
{
    struct tenure *tenure = calloc(1, sizeof(*tenure));

    if (tenure != NULL)
        list_init(&tenure->link);
    return tenure;
}

static void drop(struct tenure *tenure)
{
    list_remove(&tenure->link);
    free(tenure);
}

void tenure_free_all(struct endpoint *endpoint)
{
    list_each_safe(link, &endpoint->tenures) {
        drop(list_entry(link, struct tenure, link));
    }
}

/* What ended before the oldest pin was made can never be asked for again. */
static void forget_unpinned(struct endpoint *endpoint)
{
    list_each_safe(link, &endpoint->tenures) {
        struct tenure *tenure = list_entry(link, struct tenure, link);
        if (!registry_pinned_before(endpoint->registry, tenure->to))
            drop(tenure);
    }
}

void tenure_begin(struct endpoint *endpoint, struct tenure *tenure)
{
    forget_unpinned(endpoint);
    tenure->from = atomic_load(&endpoint->registry->generation);
    tenure->to = UINT64_MAX;
    list_push_front(&endpoint->tenures, &tenure->link);
}

void tenure_end(struct endpoint *endpoint)
{
    list_entry(list_first(&endpoint->tenures), struct tenure, link)->to =
        atomic_load(&endpoint->registry->generation);
}

uint64_t tenure_ended_at(const struct endpoint *endpoint)
{
    return list_entry(list_first(&endpoint->tenures), struct tenure, link)->to;
}

bool tenure_covers(const struct endpoint *endpoint, uint64_t generation)
{
    list_each(link, &endpoint->tenures) {
        const struct tenure *tenure = list_entry(link, struct tenure, link);
        if (tenure->from <= generation && generation < tenure->to)
            return true;
    }
    return false;
}
