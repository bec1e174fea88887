/* SPDX-License-Identifier: MIT */
/* What frame.c, scenes.c and bugs.c share. */
#ifndef BENCH_FRAME_H
#define BENCH_FRAME_H

#include <pthread.h>

#include "peer.h"

#define THREADS_MAX 256

/* Waiting times, in sixteenths of each power of two. */
struct histogram {
    uint64_t count;
    int64_t max;
    uint32_t buckets[1024];
};

void histogram_add(struct histogram *histogram, int64_t ns);
void histogram_merge(struct histogram *into, const struct histogram *from);

/* Nanoseconds below which `share` (0 to 1) of them lie; 0 if there are none. */
int64_t histogram_at(const struct histogram *histogram, double share);

/* The password that acquires beginning now must find. */
unsigned frame_password(void);

/* Back to a healthy server and password 1. */
void frame_reset(void);

/* One thread for each of `count`, each given its number from 1; returns when all have ended. */
void frame_threads(unsigned count, void *(*run)(void *number));

/* Keep the processor busy for about so long, without looking at a clock. */
void frame_burn(int64_t ns);

/* Modes. Each prints one line of JSON. */
void scene_spike(void);
void scene_outage(void);
void scene_rotate(void);
void bug_lost_wakeup(void);
void bug_broken_return(void);
void bug_resize(void);
void bug_close_race(void);
void bug_silent_host(void);
void bug_in_flight(void);

#endif
