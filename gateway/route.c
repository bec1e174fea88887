/* SPDX-License-Identifier: MIT */
/*
 * Owns: the table of the daemon's own paths, and the way from a path to a webhook's entry.
 * Never does: look at anything of a request but its path and the side it came in by.
 * Lock: none.
 */
#include "route.h"

#include <string.h>

#include "operate.h"

static const struct own {
    const char *path;
    struct route route;
} own_paths[] = {
    {"/healthz", {ROUTE_HEALTH, "GET", false, NULL}},
    {"/health", {ROUTE_READY, "GET", false, NULL}},
    {"/readyz", {ROUTE_READY, "GET", false, NULL}},
    {"/metrics", {ROUTE_METRICS, "GET", false, NULL}},
    {"/admin/status", {ROUTE_STATUS, "GET", true, NULL}},
    {"/admin/config-status", {ROUTE_STATUS, "GET", true, NULL}},
    {"/admin/reload-config", {ROUTE_RELOAD, "POST", true, NULL}},
    {"/admin/reload", {ROUTE_RELOAD, "POST", true, NULL}},
};

static const struct route pool = {ROUTE_POOL, "POST", true, NULL};
static const struct route nowhere = {ROUTE_NONE, NULL, false, NULL};

struct route route_find(const struct config *config, bool split, const struct request *request)
{
    for (size_t i = 0; i < sizeof(own_paths) / sizeof(own_paths[0]); i++) {
        const struct own *own = &own_paths[i];
        if (strcmp(own->path, request->path) == 0)
            return split && own->route.admin && !request->admin ? nowhere : own->route;
    }
    if (operate_is_order(request->path))
        return split && !request->admin ? nowhere : pool;
    if (split && request->admin)
        return nowhere;
    const struct config_webhook *entry =
        config_webhook_find(config, request->path, request->path_len);
    return entry == NULL ? nowhere : (struct route){ROUTE_WEBHOOK, "POST", false, entry};
}
