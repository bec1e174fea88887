/* SPDX-License-Identifier: MIT */
/*
 * What the rooms of a running daemon share. serve.c makes it, wires it and takes it apart; while
 * the loops run, nothing of it changes but what is atomic.
 */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <weir/registry.h>

#include "dispatch.h"
#include "door.h"
#include "metrics.h"

#define GATEWAY_LOOPS_MAX 64

struct loop;
struct rates;
struct reload;
struct repeats;

struct gateway {
    struct weir_registry *registry;
    struct dispatch *dispatch;
    struct reload *reload;
    struct repeats *repeats;
    struct loop *loops[GATEWAY_LOOPS_MAX];
    unsigned loops_count;
    struct door_budget budget;
    struct rates *rates;
    atomic_uint pending; /* webhooks that were taken in and are not settled, answered or not */
    struct metrics metrics;
    int64_t started_at;   /* monotonic */
    bool split;           /* the admin side has a listener of its own */
    atomic_bool stopping; /* no new webhook is taken in */
};

#endif
