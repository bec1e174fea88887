/* SPDX-License-Identifier: MIT */
/* Operating one connection: POST /admin/pools/<name>/pause, resume, recycle, resize. */
#ifndef GATEWAY_OPERATE_H
#define GATEWAY_OPERATE_H

#include <stdbool.h>

#include "door.h"

struct loop;

/* Does this path order something? Whether there is such a connection is not looked at. */
bool operate_is_order(const char *path);

/* Give the order, and answer with how the connection stands then. */
void operate_serve(struct loop *loop, const struct request *request);

#endif
