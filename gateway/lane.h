/* SPDX-License-Identifier: MIT */
/* A lane: a thread that leases a backend connection and delivers a queue's batches. */
#ifndef GATEWAY_LANE_H
#define GATEWAY_LANE_H

#include <stdbool.h>

struct queue;

/* Counted by the queue already. False if no thread could be had. */
bool lane_start(struct queue *queue);

#endif
