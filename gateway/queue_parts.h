/* SPDX-License-Identifier: MIT */
/* What the files of a queue have of one another. */
#ifndef GATEWAY_QUEUE_PARTS_H
#define GATEWAY_QUEUE_PARTS_H

#include "queue.h"

/* With the mutex held: counted as waiting, or no longer, and off its list. */
void queue_enter(struct queue *queue, struct delivery *delivery);
void queue_leave(struct queue *queue, struct delivery *delivery);

/* It may wait for a backend connection as long as its connection says, from now on. */
void queue_set_patience(struct delivery *delivery, int64_t now);

/* With the mutex held: those aside whose pause is over join the line again, at its end. */
void queue_call_back(struct queue *queue, int64_t now);

/* With the mutex held. True if a new lane is to be started, which is counted already. */
bool queue_call_lane(struct queue *queue, int64_t now);

/*
 * Without the mutex. If there is no thread to be had, the next tick tries again; who has no other
 * lane says so.
 */
void queue_start_lane(struct queue *queue);

/* Without the mutex: all of them, and lanes that have ended. */
void queue_settle_all(struct list *list, enum outcome outcome);
void queue_join_all(struct list *ended);

#endif
