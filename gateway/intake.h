/* SPDX-License-Identifier: MIT */
/*
 * The intake of one loop: from a request to a webhook, and from the webhook's outcome to the
 * answer. It is the origin of the webhooks it makes and keeps those not yet answered; one that
 * outlives the request_timeout is answered as unavailable and abandoned.
 */
#ifndef GATEWAY_INTAKE_H
#define GATEWAY_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "door.h"
#include "knock.h"
#include "list.h"
#include "storm.h"
#include "webhook.h"

#define INTAKE_SWEEP_MS 50 /* how exactly request_timeout is kept */

struct event;
struct loop;

struct intake {
    struct loop *loop;
    struct list unanswered; /* struct webhook.link, by expires_at */
    struct event *sweep;    /* runs only while something is unanswered */
    bool sweeping;
    struct storms storms;
};

/* What a door calls; its context is the struct intake. */
extern const struct door_handler intake_handler;

/* loop has its event base. 0 or WEIR_ENOMEM. */
int intake_init(struct intake *intake, struct loop *loop);

/* Nothing may be unanswered any more. */
void intake_fini(struct intake *intake);

/* Answer and abandon what expires by `now`; all of it with CLOCK_NEVER. */
void intake_expire(struct intake *intake, int64_t now);

#endif
