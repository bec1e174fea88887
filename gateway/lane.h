/* SPDX-License-Identifier: MIT */
/* A lane: a thread that leases a backend connection and delivers a queue's batches. */
#ifndef GATEWAY_LANE_H
#define GATEWAY_LANE_H

#include <pthread.h>
#include <stdbool.h>

#include "list.h"

struct queue;

struct lane {
    struct list link; /* in queue->ended, once it has ended */
    struct queue *queue;
    pthread_t thread;
    bool arrived; /* it is not only counted but there */
};

/* Counted by the queue already. False if no thread could be had. */
bool lane_start(struct queue *queue);

/* Wait for the end of its thread, which is near, and free it. *lane becomes NULL. */
void lane_join(struct lane **lane);

#endif
