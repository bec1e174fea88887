/* SPDX-License-Identifier: MIT */
/* Greeting: answering a provider's challenge in place of taking a webhook in. */
#ifndef GATEWAY_GREET_H
#define GATEWAY_GREET_H

#include <stdbool.h>

#include "config.h"
#include "door.h"

struct intake;

/* Does the entry take this method, beside POST? */
bool greet_takes(const struct config_webhook *entry, const char *method);

/* Is it a challenge that its query alone tells? Then neither guard nor media type are asked. */
bool greet_asked(struct intake *intake, const struct config_webhook *entry,
                 const struct request *request);

/* The answer to one of those. */
void greet_echo(struct intake *intake, const struct config_webhook *entry,
                const struct request *request, struct answer *answer);

/* Is a request that the guard has let in a challenge? Then the answer has been filled. */
bool greet_reply(struct intake *intake, const struct config_webhook *entry,
                 const struct request *request, struct answer *answer);

#endif
