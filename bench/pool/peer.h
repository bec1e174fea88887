/* SPDX-License-Identifier: MIT */
/*
 * What a pool written in C must offer to take part. One file implements it for each pool; frame.c,
 * scenes.c and bugs.c use it. There is one pool at a time.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "backend.h"

#define HELD_BYTES 64

/* One borrowed connection; `room` is the pool's own. */
struct held {
    struct resource *resource;
    _Alignas(16) unsigned char room[HELD_BYTES];
};

extern const char *const peer_name;

/* NULL, or why its waiters and its broken connections cannot be looked at. */
extern const char *const peer_has_no_waiters;

/*
 * A pool of at most `max` connections, none of them open yet. Password 1. No caller will wait for
 * longer than `patience`, for pools that want to know once and for all.
 */
void peer_start(unsigned max, int64_t patience);

/* Borrow one until the absolute deadline. False if it could not be had. */
bool peer_take(struct held *held, int64_t deadline);

/* The same at once or not at all; a pool without such a call may wait for the shortest it can. */
bool peer_try(struct held *held);

/* Give it back; a broken one is not to be used again. */
void peer_give(struct held *held, bool broken);

/* Does peer_rotate change the pool in place, rather than make another one? */
bool peer_rotates_in_place(void);

/* peer_rotate will be called: whoever makes another pool then has to count its callers from now. */
void peer_expect_rotation(void);

/*
 * From now on the server wants another password. Says frame_switched once acquires that begin
 * afterwards are meant to get connections opened with it: before it returns or later.
 */
void peer_rotate(unsigned password);

/* Change the maximum while it is in use. False if this pool cannot. */
bool peer_resize(unsigned max);

/*
 * Close it while other threads may be in peer_take, which then fails. Returns when nothing is open
 * any more. False, and nothing done, if this pool must not be closed in use.
 */
bool peer_close(void);

/* Free it; nobody is using it any more. Closes it if peer_close was not called. */
void peer_stop(void);

/* ---- For the peers, by frame.c --------------------------------------------------------------- */

void frame_switched(unsigned password);

/* Ends the program with a message. */
void frame_die(const char *what) __attribute__((noreturn));

#endif
