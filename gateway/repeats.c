/* SPDX-License-Identifier: MIT */
/*
 * Owns: the bounded memory of half-stored webhooks.
 * Never does: cost anything while nothing has failed: keys are made only when there is something
 * to look for. Lock: one mutex, around the table only.
 */
#include "repeats.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "sha256.h"

#define BUCKETS 16384 /* a power of two */

struct entry {
    struct list age;    /* oldest first; or in the list of free ones */
    struct list bucket; /* its neighbours by the delivery id's hash */
    uint64_t name;      /* that hash */
    uint8_t key[SHA256_LEN];
    char id[WEIR_ID_LEN + 1];
};

struct repeats {
    pthread_mutex_t mutex;
    atomic_size_t count;
    struct list ages, spares;
    struct list buckets[BUCKETS];
    struct entry entries[REPEATS_MAX];
};

int repeats_new(struct repeats **out)
{
    struct repeats *repeats = malloc(sizeof(*repeats)); /* pages are touched when first used */

    *out = repeats;
    if (repeats == NULL)
        return WEIR_ENOMEM;
    pthread_mutex_init(&repeats->mutex, NULL);
    atomic_init(&repeats->count, 0);
    list_init(&repeats->ages);
    list_init(&repeats->spares);
    for (size_t i = 0; i < BUCKETS; i++)
        list_init(&repeats->buckets[i]);
    for (size_t i = 0; i < REPEATS_MAX; i++) {
        list_init(&repeats->entries[i].bucket);
        list_push_back(&repeats->spares, &repeats->entries[i].age);
    }
    return 0;
}

void repeats_free(struct repeats **at)
{
    if (*at != NULL)
        pthread_mutex_destroy(&(*at)->mutex);
    free(*at);
    *at = NULL;
}

size_t repeats_count(struct repeats *repeats)
{
    return atomic_load_explicit(&repeats->count, memory_order_relaxed);
}

/* ---- The table, with the mutex held ---------------------------------------------------------- */

/* FNV-1a. */
static uint64_t hash_name(const char *name)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(1099511628211);
    return hash;
}

static struct list *bucket_of(struct repeats *repeats, uint64_t name)
{
    return &repeats->buckets[name & (BUCKETS - 1)];
}

/* key NULL: any of that name. */
static struct entry *find(struct repeats *repeats, uint64_t name, const uint8_t *key)
{
    list_each(link, bucket_of(repeats, name)) {
        struct entry *entry = list_entry(link, struct entry, bucket);
        if (entry->name == name && (key == NULL || memcmp(entry->key, key, SHA256_LEN) == 0))
            return entry;
    }
    return NULL;
}

/* Cheap, for the many webhooks that nothing is remembered of. */
static bool is_known(struct repeats *repeats, uint64_t name)
{
    pthread_mutex_lock(&repeats->mutex);
    bool known = find(repeats, name, NULL) != NULL;
    pthread_mutex_unlock(&repeats->mutex);
    return known;
}

static void forget(struct repeats *repeats, struct entry *entry)
{
    if (entry == NULL)
        return;
    list_remove(&entry->bucket);
    list_remove(&entry->age);
    list_push_back(&repeats->spares, &entry->age);
    atomic_fetch_sub(&repeats->count, 1);
}

static void remember(struct repeats *repeats, uint64_t name, const uint8_t key[SHA256_LEN],
                     const char *id)
{
    forget(repeats, find(repeats, name, key));
    if (list_empty(&repeats->spares))
        forget(repeats, list_entry(list_first(&repeats->ages), struct entry, age));
    struct entry *entry = list_entry(list_pop_front(&repeats->spares), struct entry, age);
    entry->name = name;
    memcpy(entry->key, key, SHA256_LEN);
    memcpy(entry->id, id, sizeof(entry->id));
    list_push_back(bucket_of(repeats, name), &entry->bucket);
    list_push_back(&repeats->ages, &entry->age);
    atomic_fetch_add(&repeats->count, 1);
}

/* ---- Keys ------------------------------------------------------------------------------------ */

/* Each part with its length before it, so that no two different lists of parts read the same. */
static void add(struct sha256 *hash, const void *bytes, size_t len)
{
    uint64_t length = len;

    sha256_update(hash, &length, sizeof(length));
    sha256_update(hash, bytes, len);
}

struct keys {
    uint64_t name;
    uint8_t webhook[SHA256_LEN], modules[CONFIG_MODULES_MAX][SHA256_LEN];
};

static void webhook_key(const struct webhook *webhook, uint8_t key[SHA256_LEN])
{
    struct sha256 hash;

    sha256_init(&hash);
    add(&hash, webhook->entry->path, strlen(webhook->entry->path));
    add(&hash, webhook->delivery_id, strlen(webhook->delivery_id));
    add(&hash, webhook->body, webhook->body_len);
    sha256_final(&hash, key);
}

static void make_keys(const struct webhook *webhook, struct keys *keys)
{
    struct sha256 hash;

    keys->name = hash_name(webhook->delivery_id);
    webhook_key(webhook, keys->webhook);
    for (size_t i = 0; i < webhook->entry->modules_count; i++) {
        const struct config_module *module = webhook->deliveries[i].module;
        sha256_init(&hash);
        add(&hash, keys->webhook, SHA256_LEN);
        add(&hash, module->identity, sizeof(module->identity));
        sha256_final(&hash, keys->modules[i]);
    }
}

/* ---- Recalling and noting -------------------------------------------------------------------- */

void repeats_recall(struct repeats *repeats, struct webhook *webhook)
{
    size_t modules = webhook->entry->modules_count;
    struct keys keys;

    if (webhook->delivery_id == NULL || repeats_count(repeats) == 0 ||
        !is_known(repeats, hash_name(webhook->delivery_id)))
        return;
    make_keys(webhook, &keys);
    pthread_mutex_lock(&repeats->mutex);
    const struct entry *earlier = find(repeats, keys.name, keys.webhook);
    webhook->recalled = earlier != NULL;
    if (earlier != NULL)
        memcpy(webhook->id, earlier->id, sizeof(webhook->id));
    for (size_t i = 0; i < modules && earlier != NULL; i++)
        webhook->deliveries[i].stored_before = find(repeats, keys.name, keys.modules[i]) != NULL;
    pthread_mutex_unlock(&repeats->mutex);
}

static bool stored_anywhere(const struct webhook *webhook)
{
    for (size_t i = 0; i < webhook->entry->modules_count; i++)
        if (webhook->deliveries[i].outcome == OUTCOME_STORED)
            return true;
    return false;
}

static void remember_all(struct repeats *repeats, const struct webhook *webhook,
                         const struct keys *keys)
{
    remember(repeats, keys->name, keys->webhook, webhook->id);
    for (size_t i = 0; i < webhook->entry->modules_count; i++)
        if (webhook->deliveries[i].outcome == OUTCOME_STORED)
            remember(repeats, keys->name, keys->modules[i], webhook->id);
}

static void forget_all(struct repeats *repeats, const struct webhook *webhook,
                       const struct keys *keys)
{
    forget(repeats, find(repeats, keys->name, keys->webhook));
    for (size_t i = 0; i < webhook->entry->modules_count; i++)
        forget(repeats, find(repeats, keys->name, keys->modules[i]));
}

/*
 * Acknowledged: there will be no retry. Not abandoned and stored nowhere: there is nothing that a
 * retry could leave out.
 */
void repeats_note(struct repeats *repeats, const struct webhook *webhook, bool heard)
{
    bool abandoned = atomic_load(&webhook->abandoned);
    bool acknowledged = !abandoned && heard && atomic_load(&webhook->outcome) == OUTCOME_STORED;
    bool nothing = acknowledged ? !webhook->recalled : !abandoned && !stored_anywhere(webhook);
    struct keys keys;

    if (webhook->delivery_id == NULL || nothing)
        return;
    make_keys(webhook, &keys);
    pthread_mutex_lock(&repeats->mutex);
    if (acknowledged)
        forget_all(repeats, webhook, &keys);
    else
        remember_all(repeats, webhook, &keys);
    pthread_mutex_unlock(&repeats->mutex);
}
