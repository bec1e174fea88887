/* SPDX-License-Identifier: MIT */
/*
 * Unpacking: from the body of a request, once its sender was found good, to the JSON that is
 * stored. What is inflated or written anew takes the body's place in the request, with its budget.
 */
#ifndef GATEWAY_UNPACK_H
#define GATEWAY_UNPACK_H

#include <stdbool.h>

#include "config.h"
#include "door.h"

struct intake;

/* Does the entry take a body of this media type and coding? False: the answer has been filled. */
bool unpack_takes(const struct config_webhook *entry, const struct request *request,
                  struct answer *answer);

/*
 * Undo the content coding of a body that the entry takes; one that it does not take is left alone.
 * False: the answer has been filled.
 */
bool unpack_coding(struct intake *intake, const struct config_webhook *entry,
                   struct request *request, struct answer *answer);

/*
 * After unpack_coding: see to it that the body is one JSON value, by checking it or by writing it
 * as one, whichever the entry's "content" says. False: the answer has been filled.
 */
bool unpack_content(struct intake *intake, const struct config_webhook *entry,
                    struct request *request, struct answer *answer);

/* After all that reads the body: take out what the entry redacts. False: there is no room for it.
 */
bool unpack_redact(struct intake *intake, const struct config_webhook *entry,
                   struct request *request);

#endif
