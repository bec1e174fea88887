/* SPDX-License-Identifier: MIT */
/*
 * Owns: what an operator asks of one connection: pause, resume, recycle.
 * Never does: wait for it to have happened.
 * Lock: the registry's, taken here.
 */
#include "pool.h"

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
