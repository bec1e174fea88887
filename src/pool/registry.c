/* SPDX-License-Identifier: MIT */
/*
 * Owns: the registry: its lock, drivers, endpoints by name, closing and freeing.
 * Never does: decide anything about one endpoint (endpoint.c).
 * Lock: this is where the one mutex of the pool is taken and released.
 */
#include "pool.h"

#include <stdlib.h>
#include <string.h>

#include "random.h"

int64_t weir_now(void)
{
    return clock_now();
}

int64_t registry_now(struct weir_registry *registry)
{
    if (registry->options.now != NULL)
        return registry->options.now(registry->options.now_context);
    return clock_now();
}

/* ---- The lock, and what is put aside until it is released ------------------------------------ */

void registry_lock(struct weir_registry *registry)
{
    pthread_mutex_lock(&registry->mutex);
}

static void tell_completed(struct list *completed)
{
    list_each_safe(link, completed) {
        struct waiter *waiter = list_entry(link, struct waiter, link);
        list_remove(link);
        waiter->complete(waiter);
    }
}

static void tell_nudged(struct list *nudges)
{
    list_each_safe(link, nudges) {
        struct waiter *waiter = list_entry(link, struct waiter, call);
        list_remove(link);
        waiter->nudge(waiter);
    }
}

static void free_garbage(struct list *garbage)
{
    list_each_safe(link, garbage) {
        struct version *version = list_entry(link, struct version, link);
        version_free(&version);
    }
}

void registry_unlock(struct weir_registry *registry)
{
    struct list completed, nudges, garbage;
    bool notify = registry->notify && registry->options.notify != NULL;

    list_init(&completed);
    list_init(&nudges);
    list_init(&garbage);
    list_splice_back(&nudges, &registry->nudges);
    list_splice_back(&completed, &registry->completed);
    list_splice_back(&garbage, &registry->garbage);
    registry->notify = false;
    void (*call)(void *) = registry->options.notify;
    void *context = registry->options.notify_context;
    pthread_mutex_unlock(&registry->mutex);
    tell_nudged(&nudges);
    tell_completed(&completed);
    free_garbage(&garbage);
    if (notify)
        call(context);
}

void registry_notify_by(struct weir_registry *registry, int64_t due)
{
    if (due < registry->announced) {
        registry->announced = due;
        registry->notify = true;
    }
}

bool registry_has_errand(struct weir_registry *registry)
{
    registry_lock(registry);
    bool result = !list_empty(&registry->ready);
    registry_unlock(registry);
    return result;
}

/* ---- Making and freeing ---------------------------------------------------------------------- */

/* So that a lease of one registry is a stranger to all others, also after one was freed. */
static atomic_uint_least64_t last_serial;

static void set_defaults(struct weir_registry_options *options)
{
    if (options->migration_timeout == 0)
        options->migration_timeout = 300 * CLOCK_SECOND;
    if (options->close_linger == 0)
        options->close_linger = 5 * CLOCK_SECOND;
}

int weir_registry_new(struct weir_registry **out, const struct weir_registry_options *options,
                      struct weir_error *error)
{
    *out = NULL;
    if (options != NULL && (options->migration_timeout < 0 || options->close_linger < 0))
        return weir_fail(error, WEIR_EINVAL, "time-outs must not be negative");
    struct weir_registry *registry = fork_watch() != 0 ? NULL : calloc(1, sizeof(*registry));
    if (registry == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    if (options != NULL)
        registry->options = *options;
    registry->made = fork_now();
    set_defaults(&registry->options);
    registry->foreign_clock = registry->options.now != NULL;
    registry->serial = atomic_fetch_add(&last_serial, 1) + 1;
    registry->random = registry->options.seed != 0 ? registry->options.seed : random_seed();
    random_bytes(registry->digest_key, sizeof(registry->digest_key));
    registry->announced = registry->close_by = CLOCK_NEVER;
    list_init(&registry->pins);
    list_init(&registry->ready);
    list_init(&registry->completed);
    list_init(&registry->nudges);
    list_init(&registry->garbage);
    if (events_init(registry) != 0) {
        free(registry);
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    }
    pthread_mutex_init(&registry->mutex, NULL);
    *out = registry;
    return 0;
}

void weir_registry_free(struct weir_registry **at)
{
    struct weir_registry *registry = *at;

    *at = NULL;
    if (registry == NULL || fork_left(registry->made))
        return;
    for (size_t i = 0; i < registry->endpoints_count; i++)
        endpoint_free(&registry->endpoints[i]);
    free(registry->endpoints);
    directory_free_all(registry);
    events_fini(registry);
    pthread_mutex_destroy(&registry->mutex);
    free(registry);
}

/* ---- Drivers --------------------------------------------------------------------------------- */

static bool answers_to(const struct weir_driver *driver, const char *type)
{
    if (strcmp(driver->name, type) == 0)
        return true;
    for (const char *const *alias = driver->aliases; alias != NULL && *alias != NULL; alias++)
        if (strcmp(*alias, type) == 0)
            return true;
    return false;
}

static const struct weir_driver *driver_of(const struct weir_registry *registry, const char *type)
{
    for (size_t i = 0; i < registry->drivers_count; i++)
        if (answers_to(registry->drivers[i], type))
            return registry->drivers[i];
    return NULL;
}

static bool taken(const struct weir_registry *registry, const struct weir_driver *driver)
{
    if (driver_of(registry, driver->name) != NULL)
        return true;
    for (const char *const *alias = driver->aliases; alias != NULL && *alias != NULL; alias++)
        if (driver_of(registry, *alias) != NULL)
            return true;
    return false;
}

int weir_registry_add_driver(struct weir_registry *registry, const struct weir_driver *driver,
                             struct weir_error *error)
{
    int status = 0;

    if (fork_left(registry->made))
        return fork_refuse(error);
    if (driver->abi != WEIR_DRIVER_ABI)
        return weir_fail(error, WEIR_EINVAL, "driver %s is of ABI %u, not %u", driver->name,
                         driver->abi, WEIR_DRIVER_ABI);
    if (driver->max_size < 1 || driver->max_size > WEIR_POOL_SIZE_MAX ||
        driver->min_size > driver->max_size)
        return weir_fail(error, WEIR_EINVAL, "driver %s has impossible default sizes",
                         driver->name);
    registry_lock(registry);
    if (taken(registry, driver))
        status = weir_fail(error, WEIR_EINVAL, "there is a driver for %s already", driver->name);
    else if (registry->drivers_count == WEIR_DRIVERS_MAX)
        status = weir_fail(error, WEIR_ELIMIT, "more than %d drivers", WEIR_DRIVERS_MAX);
    else
        registry->drivers[registry->drivers_count++] = driver;
    registry_unlock(registry);
    return status;
}

const struct weir_driver *weir_registry_driver(struct weir_registry *registry, const char *type)
{
    if (fork_left(registry->made))
        return NULL;
    registry_lock(registry);
    const struct weir_driver *driver = driver_of(registry, type);
    registry_unlock(registry);
    return driver;
}

/* ---- Endpoints by name ----------------------------------------------------------------------- */

/* The first endpoint whose name is not before `name`. */
static size_t place_of(const struct weir_registry *registry, const char *name)
{
    size_t low = 0, high = registry->endpoints_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(registry->endpoints[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A name has one endpoint for each type it ever had, at most one of them in a generation. */
struct endpoint *registry_find(struct weir_registry *registry, const char *name,
                               const struct weir_pin *pin)
{
    uint64_t generation = pin == NULL ? atomic_load(&registry->generation) : pin->generation;

    for (size_t i = place_of(registry, name); i < registry->endpoints_count; i++) {
        struct endpoint *endpoint = registry->endpoints[i];
        if (strcmp(endpoint->name, name) != 0)
            return NULL;
        if (tenure_covers(endpoint, generation))
            return endpoint;
    }
    return NULL;
}

struct endpoint *registry_find_exact(struct weir_registry *registry, const char *name,
                                     const struct weir_driver *driver)
{
    for (size_t i = place_of(registry, name); i < registry->endpoints_count; i++) {
        struct endpoint *endpoint = registry->endpoints[i];
        if (strcmp(endpoint->name, name) != 0)
            return NULL;
        if (endpoint->driver == driver)
            return endpoint;
    }
    return NULL;
}

uint32_t registry_next_number(const struct weir_registry *registry, const char *name)
{
    uint32_t last = 0;

    for (size_t i = place_of(registry, name); i < registry->endpoints_count; i++) {
        const struct endpoint *endpoint = registry->endpoints[i];
        if (strcmp(endpoint->name, name) != 0)
            break;
        if (endpoint->last_number > last)
            last = endpoint->last_number;
    }
    return last + 1;
}

int registry_reserve(struct weir_registry *registry, size_t more)
{
    size_t room = registry->endpoints_count + more;

    if (room > WEIR_NAMES_MAX)
        return WEIR_ELIMIT;
    if (room <= registry->endpoints_room)
        return 0;
    room = room < 16 ? 16 : room * 2;
    struct endpoint **endpoints = calloc(room, sizeof(struct endpoint *));
    struct directory *directory = directory_new(registry, room);
    if (endpoints == NULL || directory == NULL) {
        free(endpoints);
        free(directory);
        return WEIR_ENOMEM;
    }
    registry_lock(registry);
    directory_publish(registry, directory);
    struct endpoint **old = registry->endpoints;
    if (registry->endpoints_count > 0)
        memcpy(endpoints, old, registry->endpoints_count * sizeof(*endpoints));
    registry->endpoints = endpoints;
    registry->endpoints_room = room;
    registry_unlock(registry);
    free(old);
    return 0;
}

void registry_insert(struct weir_registry *registry, struct endpoint *endpoint)
{
    size_t at = place_of(registry, endpoint->name);

    memmove(registry->endpoints + at + 1, registry->endpoints + at,
            (registry->endpoints_count - at) * sizeof(struct endpoint *));
    registry->endpoints[at] = endpoint;
    registry->endpoints_count++;
    directory_insert(atomic_load(&registry->directory), endpoint);
}

bool registry_pinned_before(const struct weir_registry *registry, uint64_t generation)
{
    const struct list *oldest = list_first(&registry->pins);

    return oldest != NULL && list_entry(oldest, struct weir_pin, link)->generation < generation;
}

/* ---- Closing --------------------------------------------------------------------------------- */

void weir_registry_close(struct weir_registry *registry, int64_t deadline)
{
    int64_t now = registry_now(registry);

    if (fork_left(registry->made))
        return;
    registry_lock(registry);
    registry->closed = true;
    registry->close_by = clock_min(registry->close_by, deadline);
    for (size_t i = 0; i < registry->endpoints_count; i++)
        endpoint_close(registry->endpoints[i], now);
    registry_unlock(registry);
}

static bool drained(const struct weir_registry *registry)
{
    if (!registry->closed || registry->running > 0 || registry->telling ||
        registry->events_count > 0 || registry->events_lost > 0)
        return false;
    for (size_t i = 0; i < registry->endpoints_count; i++)
        if (registry->endpoints[i]->held > 0)
            return false;
    return true;
}

bool weir_registry_drained(struct weir_registry *registry)
{
    if (fork_left(registry->made))
        return true;
    registry_lock(registry);
    bool result = drained(registry);
    registry_unlock(registry);
    return result;
}
