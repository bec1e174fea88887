/* SPDX-License-Identifier: MIT */
/*
 * The map form of webhooks.json, {"<id>": {"module": ...}}, and the connections that go with it, as
 * files that people have already are written. It becomes the array form before anything is read,
 * and nothing else knows of it. A key that weir does not honour is a problem.
 */
#ifndef GATEWAY_MAPFORM_H
#define GATEWAY_MAPFORM_H

#include "source.h"

#define MAPFORM_ALWAYS "" /* where what weir does anyway goes to */
#define MAPFORM_OFF    "nothing: it is off"

/* Is webhooks.json written so? */
bool mapform_is(const json_t *webhooks);

/*
 * Replace the roots of both by the array form, and say in their origins where each part was
 * written. Strings stay as they are, {$VAR} and all. False: a problem was added.
 */
bool mapform_apply(struct source *connections, struct source *webhooks);

#endif
