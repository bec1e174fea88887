/* SPDX-License-Identifier: MIT */
/*
 * Owns: the way from a name to its endpoint, for readers without a lock: a table of open addressing
 * that only grows, as the endpoints in it are never freed before the registry.
 * Never does: know versions or generations; attention says whether an endpoint is configured.
 * Lock: the registry's to write; one change at a time makes a longer one.
 */
#include "pool.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a, after Fowler, Noll and Vo. */
uint32_t directory_hash(const char *name)
{
    uint32_t hash = 2166136261u;

    for (const unsigned char *at = (const unsigned char *)name; *at != '\0'; at++)
        hash = (hash ^ *at) * 16777619u;
    return hash;
}

static struct directory *of(const struct weir_registry *registry)
{
    return atomic_load_explicit(&registry->directory, memory_order_acquire);
}

void directory_insert(struct directory *directory, struct endpoint *endpoint)
{
    size_t at = endpoint->hash & directory->mask;

    while (atomic_load_explicit(&directory->at[at], memory_order_relaxed) != NULL)
        at = (at + 1) & directory->mask;
    atomic_store_explicit(&directory->at[at], endpoint, memory_order_release);
}

/* At most half full, so that a search ends soon. */
struct directory *directory_new(const struct weir_registry *registry, size_t room)
{
    size_t size = 16;

    while (size < 2 * room)
        size *= 2;
    struct directory *directory = calloc(1, sizeof(*directory) + size * sizeof(directory->at[0]));
    if (directory == NULL)
        return NULL;
    directory->mask = size - 1;
    for (size_t i = 0; i < registry->endpoints_count; i++)
        directory_insert(directory, registry->endpoints[i]);
    return directory;
}

void directory_publish(struct weir_registry *registry, struct directory *directory)
{
    directory->older = of(registry);
    atomic_store_explicit(&registry->directory, directory, memory_order_release);
}

struct endpoint *directory_find(const struct weir_registry *registry, const char *name)
{
    const struct directory *directory = of(registry);
    uint32_t hash = directory_hash(name);

    if (directory == NULL)
        return NULL;
    for (size_t at = hash & directory->mask;; at = (at + 1) & directory->mask) {
        struct endpoint *endpoint = atomic_load_explicit(&directory->at[at], memory_order_acquire);
        if (endpoint == NULL)
            return NULL;
        if (endpoint->hash == hash && strcmp(endpoint->name, name) == 0 &&
            !(atomic_load_explicit(&endpoint->attention, memory_order_relaxed) & ATTENTION_GONE))
            return endpoint;
    }
}

void directory_free_all(struct weir_registry *registry)
{
    struct directory *directory = of(registry);

    while (directory != NULL) {
        struct directory *older = directory->older;
        free(directory);
        directory = older;
    }
}
