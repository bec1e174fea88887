/* SPDX-License-Identifier: MIT */
/*
 * What a sender's retry need not write again.
 *
 * When a webhook was answered with a failure although some of its modules have stored it, or its
 * outcome was unknown when its time ran out, or its sender had given up before the answer, its id
 * and what is stored of it are remembered: by path, module, the sender's own delivery id and
 * SHA-256 of the body. The retry gets the same id and leaves out what is there. Nothing is
 * remembered without a delivery id: two webhooks with the same body need not be the same. At most
 * REPEATS_MAX, the oldest forgotten first, and only for as long as the process runs. Any thread.
 */
#ifndef GATEWAY_REPEATS_H
#define GATEWAY_REPEATS_H

#include <stdbool.h>
#include <stddef.h>

#include "webhook.h"

#define REPEATS_MAX 20000 /* a webhook takes one, and one for each module that has stored it */

struct repeats;

/* WEIR_ENOMEM. */
int repeats_new(struct repeats **out);
void repeats_free(struct repeats **repeats);

/* Before a webhook is handed over: give it its earlier id, mark what is stored of it. */
void repeats_recall(struct repeats *repeats, struct webhook *webhook);

/*
 * All deliveries have been settled: remember, or forget, according to what was answered, and to
 * whether somebody is there to hear it.
 */
void repeats_note(struct repeats *repeats, const struct webhook *webhook, bool heard);

size_t repeats_count(struct repeats *repeats);

#endif
