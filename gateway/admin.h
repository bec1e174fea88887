/* SPDX-License-Identifier: MIT */
/* The admin API: who may use it, and what it answers. */
#ifndef GATEWAY_ADMIN_H
#define GATEWAY_ADMIN_H

#include <stdbool.h>

#include "door.h"
#include "route.h"

struct intake;

/*
 * Does the request carry the configured token? If not, fill the answer: admin-disabled without a
 * configured token, else unauthorized. Takes the same time whatever the token that is offered.
 */
bool admin_allows(const char *token, const struct request *request, struct answer *answer);

/* Answer a whole request for one of weir's own paths, now or later. */
void admin_serve(struct intake *intake, enum route_kind kind, struct request *request);

#endif
