/* SPDX-License-Identifier: MIT */
/*
 * A call that may hang for ever (getaddrinfo, PQcancel) on a thread that can be spared: the
 * caller waits for it until a deadline, and leaves it behind after that.
 */
#ifndef BASE_SPARE_H
#define BASE_SPARE_H

#include <stdint.h>

#define SPARE_THREADS_MAX 64 /* of one library or program, those left behind included */

/*
 * Run `work(job)` on a thread of its own and wait until it is done or the deadline has passed.
 * job is shared by both sides: whoever lets go of it last calls `discard(job)`, so nothing but
 * job itself may be touched by work. Returns
 *   0               work is done; read the results, then the job is the caller's to discard
 *   WEIR_EDEADLINE  it is still running; the job now belongs to the thread
 *   WEIR_ELIMIT     too many spare threads are hanging already; the job has been discarded
 *   WEIR_ENOMEM     no thread could be had; the job has been discarded
 */
int spare_run(void (*work)(void *job), void (*discard)(void *job), void *job, int64_t deadline);

#endif
