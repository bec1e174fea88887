/* SPDX-License-Identifier: MIT */
/* Spare threads: done in time, left behind, and who frees the job. */
#include "test.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include <weir/error.h>

#include "clock.h"
#include "spare.h"

struct job {
    atomic_bool *hold; /* work does not end while it is set */
    int answer;
};

static atomic_int discarded;

static void nap(void)
{
    struct timespec pause = clock_timespec(CLOCK_MS);

    nanosleep(&pause, NULL);
}

static void work(void *argument)
{
    struct job *job = argument;

    while (job->hold != NULL && atomic_load(job->hold))
        nap();
    job->answer = 42;
}

static void discard(void *job)
{
    free(job);
    atomic_fetch_add(&discarded, 1);
}

static struct job *job_new(atomic_bool *hold)
{
    struct job *job = calloc(1, sizeof(*job));

    CHECK(job != NULL);
    job->hold = hold;
    return job;
}

static void done_in_time(void)
{
    struct job *job = job_new(NULL);

    CHECK_INT(spare_run(work, discard, job, clock_now() + 10 * CLOCK_SECOND), 0);
    CHECK_INT(job->answer, 42);
    free(job);
}

static void left_behind_at_the_deadline(void)
{
    static atomic_bool hold = true;
    int before = atomic_load(&discarded);
    int64_t begun = clock_now();

    CHECK_INT(spare_run(work, discard, job_new(&hold), begun + 20 * CLOCK_MS), WEIR_EDEADLINE);
    CHECK(clock_now() - begun >= 20 * CLOCK_MS);
    CHECK_INT(atomic_load(&discarded), before);
    atomic_store(&hold, false);
    while (atomic_load(&discarded) == before)
        nap();
}

static void too_many_are_refused(void)
{
    static atomic_bool hold = true;
    int before = atomic_load(&discarded), status = 0, started = 0;

    while (started <= SPARE_THREADS_MAX && status != WEIR_ELIMIT) {
        status = spare_run(work, discard, job_new(&hold), clock_now());
        started++;
    }
    CHECK_INT(status, WEIR_ELIMIT);
    atomic_store(&hold, false);
    while (atomic_load(&discarded) < before + started)
        nap();
}

TEST_MAIN(TEST(done_in_time), TEST(left_behind_at_the_deadline), TEST(too_many_are_refused))
