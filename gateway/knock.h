/* SPDX-License-Identifier: MIT */
/*
 * Knocking: asking a webhook's guard about a request, answering whom it turns away, and saying so
 * in the log and the metrics, once for a storm of them.
 */
#ifndef GATEWAY_KNOCK_H
#define GATEWAY_KNOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "door.h"
#include "guard.h"

struct intake;

/* The request as the guard sees it; borrowed from all of them. */
struct guard_request knock_describe(const struct intake *intake, const struct config_webhook *entry,
                                    const struct request *request);

/* With the head alone. False: the answer has been filled. */
bool knock_head(struct intake *intake, const struct config_webhook *entry, struct request *request,
                struct answer *answer);

/* With the body, too; makes up for knock_head if the configuration has changed meanwhile. */
bool knock_body(struct intake *intake, const struct config_webhook *entry, struct request *request,
                struct answer *answer);

/* Turn away who has asked a challenge without what it takes: 403. */
void knock_forbid(struct intake *intake, const struct config_webhook *entry,
                  const struct guard_request *seen, const char *why, struct answer *answer);

/*
 * The delivery's id where the provider's scheme has it, if the entry names no header of its own.
 * False: look for it elsewhere.
 */
bool knock_delivery_id(const struct intake *intake, const struct config_webhook *entry,
                       const struct request *request, char id[GUARD_ID_MAX]);

/* Does the guard's word come only after the body? */
bool knock_waits(const struct config_webhook *entry);

#endif
