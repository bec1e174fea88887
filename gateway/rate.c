/* SPDX-License-Identifier: MIT */
/*
 * Owns: the buckets of all rate limits.
 * Never does: know what a key stands for; grow.
 * Lock: one, for a few memory accesses; taken only for what has a rate limit.
 */
#include "rate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "random.h"

#define WAYS 8 /* places in which a key may stand */
#define SETS (RATE_PLACES_MAX / WAYS)

struct bucket {
    uint8_t key[RATE_KEY_LEN];
    int64_t full_at; /* the theoretical arrival time: full from then on */
};

struct rates {
    pthread_mutex_t lock;
    uint8_t secret[RATE_KEY_LEN];
    struct bucket buckets[SETS][WAYS];
};

struct rate_limit rate_limit_of(unsigned requests, int64_t span, unsigned burst)
{
    int64_t interval = span / requests;
    struct rate_limit limit = {.interval = interval > 0 ? interval : 1};

    limit.slack = (int64_t)(burst - 1) > CLOCK_NEVER / limit.interval
                      ? CLOCK_NEVER
                      : limit.interval * (int64_t)(burst - 1);
    return limit;
}

struct rates *rates_new(void)
{
    struct rates *rates = calloc(1, sizeof(*rates));

    if (rates == NULL)
        return NULL;
    random_bytes(rates->secret, sizeof(rates->secret));
    pthread_mutex_init(&rates->lock, NULL);
    return rates;
}

const uint8_t *rates_secret(const struct rates *rates)
{
    return rates->secret;
}

void rates_free(struct rates **at)
{
    struct rates *rates = *at;

    *at = NULL;
    if (rates == NULL)
        return;
    pthread_mutex_destroy(&rates->lock);
    free(rates);
}

static struct bucket *set_of(struct rates *rates, const uint8_t key[RATE_KEY_LEN])
{
    uint32_t number;

    memcpy(&number, key, sizeof(number));
    return rates->buckets[number % SETS];
}

/* The key's bucket; NULL: it is full, and has no place. */
static struct bucket *find(struct rates *rates, const uint8_t key[RATE_KEY_LEN])
{
    struct bucket *set = set_of(rates, key);

    for (size_t i = 0; i < WAYS; i++)
        if (memcmp(set[i].key, key, RATE_KEY_LEN) == 0)
            return &set[i];
    return NULL;
}

/* A full bucket for the key, in the place of the one that is full, or will be, first. */
static struct bucket *place(struct rates *rates, const uint8_t key[RATE_KEY_LEN])
{
    struct bucket *set = set_of(rates, key), *spare = &set[0];

    for (size_t i = 1; i < WAYS; i++)
        if (set[i].full_at < spare->full_at)
            spare = &set[i];
    memcpy(spare->key, key, RATE_KEY_LEN);
    spare->full_at = 0;
    return spare;
}

/* How long until it has one; 0 if it has. */
static int64_t wait_of(struct rates *rates, const struct rate_demand *demand, int64_t now)
{
    const struct bucket *bucket = find(rates, demand->key);
    int64_t missing = bucket != NULL && bucket->full_at > now ? bucket->full_at - now : 0;

    return missing > demand->limit->slack ? missing - demand->limit->slack : 0;
}

static void take(struct rates *rates, const struct rate_demand *demand, int64_t now)
{
    struct bucket *bucket = find(rates, demand->key);

    if (bucket == NULL)
        bucket = place(rates, demand->key);
    bucket->full_at =
        clock_add(bucket->full_at > now ? bucket->full_at : now, demand->limit->interval);
}

int64_t rates_take(struct rates *rates, const struct rate_demand *demands, size_t count,
                   int64_t now)
{
    int64_t wait = 0;

    pthread_mutex_lock(&rates->lock);
    for (size_t i = 0; i < count; i++) {
        int64_t one = wait_of(rates, &demands[i], now);
        wait = one > wait ? one : wait;
    }
    for (size_t i = 0; i < count && wait == 0; i++)
        take(rates, &demands[i], now);
    pthread_mutex_unlock(&rates->lock);
    return wait;
}
