/* SPDX-License-Identifier: MIT */
/*
 * Owns: the count of clients, and of their bytes, for each address.
 * Never does: hold more places than there are clients.
 * Lock: one, for a few instructions, at each end of a client's connection and where a body grows.
 */
#include "crowd.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"

#define BUCKETS 1024

struct place {
    struct list link;
    struct address site;
    unsigned count; /* never 0 */
    size_t bytes;
};

struct crowd {
    pthread_mutex_t lock;
    struct list buckets[BUCKETS]; /* struct place.link */
};

struct address crowd_site(const struct address *address)
{
    struct address site = *address;

    if (!address_is_ipv4(address))
        memset(site.bytes + 8, 0, 8);
    return site;
}

struct crowd *crowd_new(void)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));

    if (crowd == NULL)
        return NULL;
    pthread_mutex_init(&crowd->lock, NULL);
    for (size_t i = 0; i < BUCKETS; i++)
        list_init(&crowd->buckets[i]);
    return crowd;
}

void crowd_free(struct crowd **at)
{
    struct crowd *crowd = *at;

    *at = NULL;
    if (crowd == NULL)
        return;
    pthread_mutex_destroy(&crowd->lock);
    free(crowd);
}

/* FNV-1a, after Fowler, Noll and Vo. */
static struct list *bucket_of(struct crowd *crowd, const struct address *site)
{
    uint32_t hash = UINT32_C(2166136261);

    for (size_t i = 0; i < sizeof(site->bytes); i++)
        hash = (hash ^ site->bytes[i]) * UINT32_C(16777619);
    return &crowd->buckets[hash % BUCKETS];
}

static struct place *find(struct list *bucket, const struct address *site)
{
    list_each(link, bucket) {
        struct place *place = list_entry(link, struct place, link);
        if (address_equal(&place->site, site))
            return place;
    }
    return NULL;
}

static bool enter_locked(struct list *bucket, const struct address *site, unsigned most)
{
    struct place *place = find(bucket, site);

    if (place != NULL && place->count >= most)
        return false;
    if (place == NULL) {
        place = calloc(1, sizeof(*place));
        if (place == NULL)
            return false;
        place->site = *site;
        list_push_front(bucket, &place->link);
    }
    place->count++;
    return true;
}

bool crowd_enter(struct crowd *crowd, const struct address *address, unsigned most)
{
    struct address site = crowd_site(address);
    struct list *bucket = bucket_of(crowd, &site);

    pthread_mutex_lock(&crowd->lock);
    bool entered = enter_locked(bucket, &site, most);
    pthread_mutex_unlock(&crowd->lock);
    return entered;
}

bool crowd_take(struct crowd *crowd, const struct address *address, size_t bytes, size_t most)
{
    struct address site = crowd_site(address);
    struct list *bucket = bucket_of(crowd, &site);

    pthread_mutex_lock(&crowd->lock);
    struct place *place = find(bucket, &site);
    bool fits = bytes <= most && place->bytes <= most - bytes;
    place->bytes += fits ? bytes : 0;
    pthread_mutex_unlock(&crowd->lock);
    return fits;
}

void crowd_give(struct crowd *crowd, const struct address *address, size_t bytes)
{
    struct address site = crowd_site(address);
    struct list *bucket = bucket_of(crowd, &site);

    pthread_mutex_lock(&crowd->lock);
    find(bucket, &site)->bytes -= bytes;
    pthread_mutex_unlock(&crowd->lock);
}

void crowd_leave(struct crowd *crowd, const struct address *address)
{
    struct address site = crowd_site(address);
    struct list *bucket = bucket_of(crowd, &site);

    pthread_mutex_lock(&crowd->lock);
    struct place *place = find(bucket, &site);
    if (--place->count == 0) {
        list_remove(&place->link);
        free(place);
    }
    pthread_mutex_unlock(&crowd->lock);
}
