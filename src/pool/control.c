/* SPDX-License-Identifier: MIT */
/*
 * Owns: what an operator asks of one connection: pause, resume, recycle, resize.
 * Never does: wait for it to have happened.
 * Lock: the registry's, taken here.
 */
#include "pool.h"

#include "settings.h"

typedef void control_order(struct endpoint *endpoint, int64_t now);

static void pause_it(struct endpoint *endpoint, int64_t now)
{
    endpoint->paused = true;
    endpoint_settle(endpoint, now);
}

static void resume_it(struct endpoint *endpoint, int64_t now)
{
    endpoint->paused = false;
    endpoint_settle(endpoint, now);
}

static void recycle_it(struct endpoint *endpoint, int64_t now)
{
    recycle_begin(endpoint);
    endpoint_settle(endpoint, now);
}

static int order(struct weir_registry *registry, const char *name, control_order *what,
                 struct weir_error *error)
{
    int status = 0;
    int64_t now = registry_now(registry);

    if (fork_left(registry->made))
        return fork_refuse(error);
    registry_lock(registry);
    struct endpoint *endpoint = registry->closed ? NULL : registry_find(registry, name, NULL);
    if (registry->closed)
        status = WEIR_ECLOSED;
    else if (endpoint == NULL)
        status = WEIR_EUNKNOWN;
    else
        what(endpoint, now);
    registry_unlock(registry);
    return status == 0 ? 0 : weir_fail(error, status, "%s: %s", name, weir_strerror(status));
}

int weir_pool_pause(struct weir_registry *registry, const char *name, struct weir_error *error)
{
    return order(registry, name, pause_it, error);
}

int weir_pool_resume(struct weir_registry *registry, const char *name, struct weir_error *error)
{
    return order(registry, name, resume_it, error);
}

int weir_pool_recycle(struct weir_registry *registry, const char *name, struct weir_error *error)
{
    return order(registry, name, recycle_it, error);
}

/* Within the change, so that no other one comes between the reading and the commit. */
static int set_sizes(struct weir_change *change, const char *name, unsigned min, unsigned max,
                     struct weir_error *error)
{
    struct weir_settings *settings = change_settings(change, name);

    if (settings == NULL)
        return weir_fail(error, WEIR_EUNKNOWN, "%s: %s", name, weir_strerror(WEIR_EUNKNOWN));
    struct weir_settings *sized = settings_with_sizes(settings, min, max);
    weir_settings_unref(&settings);
    if (sized == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    int status = weir_change_set(change, name, sized, error);
    weir_settings_unref(&sized);
    return status;
}

int weir_pool_resize(struct weir_registry *registry, const char *name, unsigned min, unsigned max,
                     struct weir_error *error)
{
    struct weir_change *change;
    int status = weir_change_begin(registry, &change, error);

    if (status != 0)
        return status;
    status = set_sizes(change, name, min, max, error);
    if (status == 0)
        status = weir_change_commit(&change, error);
    weir_change_abort(&change);
    return status;
}
