/* SPDX-License-Identifier: MIT */
/* Routes: which room a request's path leads to, by which method, on which side. */
#ifndef GATEWAY_ROUTE_H
#define GATEWAY_ROUTE_H

#include <stdbool.h>

#include "config.h"
#include "door.h"

enum route_kind {
    ROUTE_NONE, /* 404 */
    ROUTE_WEBHOOK,
    ROUTE_HEALTH,
    ROUTE_READY,
    ROUTE_METRICS,
    ROUTE_STATUS,
    ROUTE_RELOAD,
    ROUTE_POOL /* an order to one connection */
};

struct route {
    enum route_kind kind;
    const char *allow;                  /* the method it takes; NULL for ROUTE_NONE */
    bool admin;                         /* needs the admin token */
    const struct config_webhook *entry; /* ROUTE_WEBHOOK; borrowed from the config */
};

/*
 * With `split` the admin side has a listener of its own: the admin paths are found only there, and
 * webhooks only on the other one. /healthz, /readyz and /metrics are found on both.
 */
struct route route_find(const struct config *config, bool split, const struct request *request);

#endif
