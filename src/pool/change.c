/* SPDX-License-Identifier: MIT */
/*
 * Owns: a change of the configuration: collecting it, saying what it would do, applying it.
 * Never does: anything that can fail once it has begun to apply; all memory is had before.
 * Lock: none while collecting (one change at a time belongs to one thread); the registry's to
 * say and to apply.
 */
#include "pool.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

/* One name of the change. */
struct item {
    char *name;
    struct endpoint *endpoint; /* the registry's, or made */
    bool made;
    struct version *version; /* its configuration as a new version; NULL: drop */
    struct tenure *tenure;   /* to begin, if it is not configured yet */
};

struct weir_change {
    struct weir_registry *registry;
    struct item *items;
    size_t count, room;
    size_t made; /* endpoints */
};

int weir_change_begin(struct weir_registry *registry, struct weir_change **out,
                      struct weir_error *error)
{
    int status = 0;

    *out = NULL;
    if (fork_left(registry->made))
        return fork_refuse(error);
    struct weir_change *change = calloc(1, sizeof(*change));
    if (change == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    change->registry = registry;
    registry_lock(registry);
    if (registry->closed)
        status = weir_fail(error, WEIR_ECLOSED, "the registry is closed");
    else if (registry->change != NULL)
        status = weir_fail(error, WEIR_EBUSY, "another change is in progress");
    else
        registry->change = change;
    registry_unlock(registry);
    if (status != 0)
        free(change);
    else
        *out = change;
    return status;
}

/* ---- Collecting ------------------------------------------------------------------------------ */

static struct item *item_of(struct weir_change *change, const char *name)
{
    for (size_t i = 0; i < change->count; i++)
        if (strcmp(change->items[i].name, name) == 0)
            return &change->items[i];
    return NULL;
}

static int add_item(struct weir_change *change, const char *name, struct item **out,
                    struct weir_error *error)
{
    if (change->count == change->room) {
        size_t room = change->room == 0 ? 16 : 2 * change->room;
        struct item *items = reallocarray(change->items, room, sizeof(*items));
        if (items == NULL)
            return weir_fail(error, WEIR_ENOMEM, "out of memory");
        change->items = items;
        change->room = room;
    }
    struct item *item = &change->items[change->count];
    *item = (struct item){.name = strdup(name)};
    if (item->name == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    change->count++;
    *out = item;
    return 0;
}

static void drop_item(struct weir_change *change, struct item *item)
{
    version_free(&item->version);
    free(item->tenure);
    if (item->made) {
        endpoint_free(&item->endpoint);
        change->made--;
    }
    free(item->name);
}

static int check_name(struct weir_change *change, const char *name, struct weir_error *error)
{
    size_t len = strlen(name);

    if (len == 0 || len > WEIR_NAME_MAX || !text_printable(name, len))
        return weir_fail(error, WEIR_EINVAL,
                         "a connection's name has 1 to %d bytes of printable UTF-8", WEIR_NAME_MAX);
    if (item_of(change, name) != NULL)
        return weir_fail(error, WEIR_EINVAL, "%s is named twice in this change", name);
    return 0;
}

/* The endpoint it will be, and its version; both made here, where failing is still allowed. */
static int furnish(struct weir_change *change, struct item *item, const struct weir_driver *driver,
                   struct weir_settings *settings, struct weir_error *error)
{
    struct weir_registry *registry = change->registry;

    registry_lock(registry);
    item->endpoint = registry_find_exact(registry, item->name, driver);
    registry_unlock(registry);
    if (item->endpoint == NULL) {
        item->endpoint = endpoint_new(registry, item->name, driver);
        if (item->endpoint == NULL)
            return weir_fail(error, WEIR_ENOMEM, "out of memory");
        item->made = true;
        change->made++;
    }
    item->version = version_new(item->endpoint, settings);
    item->tenure = tenure_new();
    if (item->version == NULL || item->tenure == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    int status = registry_reserve(registry, change->made);
    if (status != 0)
        return weir_fail(error, status, "%s: %s", item->name, weir_strerror(status));
    return 0;
}

int weir_change_set(struct weir_change *change, const char *name, struct weir_settings *settings,
                    struct weir_error *error)
{
    struct item *item;
    int status =
        fork_left(change->registry->made) ? fork_refuse(error) : check_name(change, name, error);
    const char *type = weir_settings_type(settings);
    const struct weir_driver *driver = weir_registry_driver(change->registry, type);

    if (status != 0)
        return status;
    if (driver == NULL)
        return weir_fail_key(error, WEIR_EDRIVER, "type", "no driver for type %s", type);
    status = weir_settings_check(settings, driver, error);
    if (status != 0)
        return status;
    status = add_item(change, name, &item, error);
    if (status != 0)
        return status;
    status = furnish(change, item, driver, settings, error);
    if (status != 0) {
        drop_item(change, item);
        change->count--;
    }
    return status;
}

int weir_change_drop(struct weir_change *change, const char *name, struct weir_error *error)
{
    struct item *item;
    int status =
        fork_left(change->registry->made) ? fork_refuse(error) : check_name(change, name, error);

    if (status != 0)
        return status;
    registry_lock(change->registry);
    struct endpoint *endpoint = registry_find(change->registry, name, NULL);
    registry_unlock(change->registry);
    if (endpoint == NULL)
        return weir_fail(error, WEIR_EUNKNOWN, "no connection %s is configured", name);
    status = add_item(change, name, &item, error);
    if (status == 0)
        item->endpoint = endpoint;
    return status;
}

/* ---- Saying ---------------------------------------------------------------------------------- */

static bool same(const struct version *a, const struct version *b)
{
    return a != NULL && b != NULL && strcmp(a->digest, b->digest) == 0 &&
           weir_settings_equal(a->settings, b->settings);
}

/* A deprecated version of this configuration that may still be active again. */
static struct version *returning(const struct endpoint *endpoint, const struct version *version)
{
    list_each(link, &endpoint->versions) {
        struct version *old = list_entry(link, struct version, link);
        if (old->state == WEIR_VERSION_DEPRECATED && !old->expired &&
            version_same_kin(old, version))
            return old;
    }
    return NULL;
}

/* What was configured last: what a change is compared with. */
static struct version *configured(const struct endpoint *endpoint)
{
    if (endpoint->staging != NULL)
        return endpoint->staging;
    return endpoint->active != NULL ? endpoint->active : endpoint->unused;
}

struct weir_settings *change_settings(struct weir_change *change, const char *name)
{
    struct weir_registry *registry = change->registry;

    registry_lock(registry);
    const struct endpoint *endpoint = registry_find(registry, name, NULL);
    const struct version *version = endpoint == NULL ? NULL : configured(endpoint);
    struct weir_settings *settings = version == NULL ? NULL : weir_settings_ref(version->settings);
    registry_unlock(registry);
    return settings;
}

static bool is_new(const struct item *item)
{
    return item->made || item->endpoint->removed;
}

static enum weir_outcome outcome_of(const struct item *item)
{
    const struct endpoint *endpoint = item->endpoint;

    if (item->version == NULL)
        return WEIR_OUTCOME_REMOVED;
    if (is_new(item))
        return WEIR_OUTCOME_ADDED;
    if (same(configured(endpoint), item->version))
        return WEIR_OUTCOME_UNCHANGED;
    if (endpoint->active != NULL && version_same_kin(configured(endpoint), item->version))
        return WEIR_OUTCOME_RESIZED;
    if (endpoint->active == NULL || version_same_kin(endpoint->active, item->version) ||
        returning(endpoint, item->version) != NULL)
        return WEIR_OUTCOME_MIGRATED;
    return WEIR_OUTCOME_STAGING;
}

enum weir_outcome weir_change_outcome(struct weir_change *change, const char *name)
{
    const struct item *item = item_of(change, name);

    if (item == NULL || fork_left(change->registry->made))
        return WEIR_OUTCOME_UNCHANGED;
    registry_lock(change->registry);
    enum weir_outcome outcome = outcome_of(item);
    registry_unlock(change->registry);
    return outcome;
}

/* ---- Applying -------------------------------------------------------------------------------- */

/* Take the version out of the item. */
static struct version *taken(struct item *item)
{
    struct version *version = item->version;

    item->version = NULL;
    return version;
}

static void add(struct weir_registry *registry, struct item *item, int64_t now)
{
    struct endpoint *endpoint = item->endpoint;
    struct version *old = returning(endpoint, item->version);

    if (item->made)
        registry_insert(registry, endpoint);
    tenure_begin(endpoint, item->tenure);
    item->tenure = NULL;
    item->made = false;
    endpoint->removed = false;
    if (old != NULL) {
        endpoint_configure(endpoint, NULL);
        endpoint_come_back(endpoint, old, now);
        endpoint_resize(endpoint, item->version, now);
    } else {
        endpoint_forget_legacy(endpoint, now);
        endpoint_configure(endpoint, taken(item));
        if (endpoint->waiting > 0)
            endpoint_use(endpoint, now);
    }
}

static void change(struct item *item, int64_t now)
{
    struct endpoint *endpoint = item->endpoint;
    struct version *old = returning(endpoint, item->version);

    if (same(configured(endpoint), item->version))
        return;
    if (endpoint->active == NULL) {
        endpoint_configure(endpoint, taken(item));
    } else if (version_same_kin(endpoint->staging, item->version)) {
        version_resize(endpoint->staging, item->version);
    } else if (version_same_kin(endpoint->active, item->version)) {
        endpoint_stage(endpoint, NULL, now);
        endpoint_resize(endpoint, item->version, now);
    } else if (old != NULL) {
        endpoint_come_back(endpoint, old, now);
        endpoint_resize(endpoint, item->version, now);
    } else {
        endpoint_stage(endpoint, taken(item), now);
    }
}

/* Another driver's endpoint of the same name: its configuration ends here. */
static void remove_others(struct weir_registry *registry, const struct item *item, int64_t now)
{
    struct endpoint *endpoint = registry_find(registry, item->name, NULL);

    if (endpoint == NULL || endpoint == item->endpoint)
        return;
    endpoint_remove(endpoint, now);
    endpoint_settle(endpoint, now);
}

static void apply(struct weir_registry *registry, struct item *item, int64_t now)
{
    struct endpoint *endpoint = item->endpoint;

    remove_others(registry, item, now);
    if (item->version != NULL)
        slots_adopt(endpoint, &item->version->slots);
    if (item->version == NULL) {
        endpoint_remove(endpoint, now);
    } else if (is_new(item)) {
        add(registry, item, now);
    } else {
        change(item, now);
    }
    endpoint_settle(endpoint, now);
}

static void end(struct weir_change **at)
{
    struct weir_change *change = *at;

    *at = NULL;
    registry_lock(change->registry);
    change->registry->change = NULL;
    registry_unlock(change->registry);
    for (size_t i = 0; i < change->count; i++)
        drop_item(change, &change->items[i]);
    free(change->items);
    free(change);
}

int weir_change_commit(struct weir_change **at, struct weir_error *error)
{
    struct weir_change *change = *at;
    struct weir_registry *registry = change->registry;
    int64_t now = registry_now(registry);
    int status = 0;

    if (fork_left(registry->made)) {
        *at = NULL;
        return fork_refuse(error);
    }
    registry_lock(registry);
    if (registry->closed)
        status = weir_fail(error, WEIR_ECLOSED, "the registry is closed");
    if (status == 0) {
        atomic_fetch_add(&registry->generation, 1);
        for (size_t i = 0; i < change->count; i++)
            apply(registry, &change->items[i], now);
    }
    registry_unlock(registry);
    end(at);
    return status;
}

void weir_change_abort(struct weir_change **at)
{
    if (*at != NULL && !fork_left((*at)->registry->made))
        end(at);
    *at = NULL;
}
