/* SPDX-License-Identifier: MIT */
/*
 * Owns: for each bug that was found in some pool, the behaviour that shows it.
 * Never does: judge; bench/scoreboard does, from what is printed here.
 * Lock: none; what threads share is atomic.
 */
#include "frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PATIENCE (3 * SECOND)
#define SETTLE   (100 * MS) /* long enough for a thread to be waiting */

static atomic_uint served;
static atomic_int_least64_t last_served;
static atomic_bool stopping;

static void cannot(const char *why)
{
    printf("{\"peer\": \"%s\", \"cannot\": \"%s\"}\n", peer_name, why);
}

static void must_take(struct held *held)
{
    if (!peer_take(held, clock_ns() + PATIENCE))
        frame_die("there is nothing to take");
}

static pthread_t spawn(void *(*run)(void *argument))
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, run, NULL) != 0)
        frame_die("no thread could be had");
    return thread;
}

static void pause_for(int64_t ns)
{
    sleep_until(clock_ns() + ns);
}

/* ---- A waiter, when what it waits for comes back broken -------------------------------------- */

static void *wait_once(void *unused)
{
    struct held held;

    if (peer_take(&held, clock_ns() + PATIENCE)) {
        atomic_fetch_add(&served, 1);
        peer_give(&held, false);
    }
    atomic_store(&last_served, clock_ns());
    return unused;
}

static void broken_with_waiters(unsigned waiters, unsigned failing_opens)
{
    struct held held;
    pthread_t threads[2];

    if (peer_has_no_waiters != NULL) {
        cannot(peer_has_no_waiters);
        return;
    }
    peer_start(1, PATIENCE);
    must_take(&held);
    for (unsigned i = 0; i < waiters; i++)
        threads[i] = spawn(wait_once);
    pause_for(SETTLE);
    atomic_store(&backend.fail_next, failing_opens);
    int64_t from = clock_ns();
    peer_give(&held, true);
    for (unsigned i = 0; i < waiters; i++)
        pthread_join(threads[i], NULL);
    printf("{\"peer\": \"%s\", \"waiters\": %u, \"served\": %u, \"ms\": %.1f}\n", peer_name,
           waiters, atomic_load(&served), (double)(atomic_load(&last_served) - from) / MS);
    peer_stop();
}

/* Two wait for one connection; it comes back broken and the next open fails. */
void bug_lost_wakeup(void)
{
    broken_with_waiters(2, 1);
}

/* One waits, nothing is kept open (minimum 0), and the one connection comes back broken. */
void bug_broken_return(void)
{
    broken_with_waiters(1, 0);
}

/* ---- From 5 to 1 to 5, several times, with all leased ---------------------------------------- */

#define RESIZE_MAX 5
#define GREED      25

void bug_resize(void)
{
    static struct held held[GREED];
    unsigned count = 0;

    peer_start(RESIZE_MAX, PATIENCE);
    while (count < RESIZE_MAX)
        must_take(&held[count++]);
    for (int i = 0; i < 5; i++) {
        if (!peer_resize(1)) {
            cannot("its size is fixed");
            return;
        }
        pause_for(10 * MS);
        peer_resize(RESIZE_MAX);
        pause_for(10 * MS);
    }
    while (count < GREED && peer_take(&held[count], clock_ns() + 200 * MS))
        count++;
    unsigned most = count;
    while (count > 0)
        peer_give(&held[--count], false);
    pause_for(SETTLE);
    while (count < GREED && peer_take(&held[count], clock_ns() + 200 * MS))
        count++;
    printf("{\"peer\": \"%s\", \"max\": %d, \"leased\": %u, \"afterwards\": %u, \"peak\": %u}\n",
           peer_name, RESIZE_MAX, most, count, atomic_load(&backend.peak));
    while (count > 0)
        peer_give(&held[--count], false);
    peer_stop();
}

/* ---- Closing while others try to acquire ----------------------------------------------------- */

#define CLOSES      20
#define CLOSE_LIMIT (3 * SECOND)

static atomic_int_least64_t closing_since; /* 0: not */

static void *try_on(void *unused)
{
    struct held held;

    while (!atomic_load(&stopping))
        if (peer_try(&held))
            peer_give(&held, false);
    return unused;
}

/* A close that does not end is the finding, so the program must. */
static void *watch_the_close(void *unused)
{
    for (;;) {
        int64_t since = atomic_load(&closing_since);
        if (since != 0 && clock_ns() - since > CLOSE_LIMIT) {
            printf("{\"peer\": \"%s\", \"stuck\": true}\n", peer_name);
            fflush(stdout);
            _exit(0);
        }
        pause_for(50 * MS);
    }
    return unused;
}

void bug_close_race(void)
{
    int64_t worst = 0;

    pthread_detach(spawn(watch_the_close));
    for (int i = 0; i < CLOSES; i++) {
        pthread_t threads[2];
        atomic_store(&stopping, false);
        atomic_store(&backend.lag, 5 * MS); /* so that one is being opened */
        peer_start(2, PATIENCE);
        for (int n = 0; n < 2; n++)
            threads[n] = spawn(try_on);
        pause_for((i % 10) * MS);
        int64_t from = clock_ns();
        atomic_store(&closing_since, from);
        bool could = peer_close();
        atomic_store(&closing_since, 0);
        worst = clock_ns() - from > worst ? clock_ns() - from : worst;
        atomic_store(&stopping, true);
        for (int n = 0; n < 2; n++)
            pthread_join(threads[n], NULL);
        peer_stop();
        if (!could) {
            cannot("it must not be closed while it is used");
            return;
        }
    }
    printf("{\"peer\": \"%s\", \"stuck\": false, \"ms\": %.1f}\n", peer_name, (double)worst / MS);
}

/* ---- A host that says nothing while one connection is well ----------------------------------- */

void bug_silent_host(void)
{
    struct held held;
    int64_t worst = 0;

    peer_start(2, PATIENCE);
    must_take(&held);
    atomic_store(&backend.lag, 1500 * MS);
    pthread_t other = spawn(wait_once); /* it needs a second connection */
    pause_for(SETTLE);
    for (int64_t end = clock_ns() + SECOND; clock_ns() < end; pause_for(MS)) {
        int64_t from = clock_ns();
        peer_give(&held, false);
        must_take(&held);
        worst = clock_ns() - from > worst ? clock_ns() - from : worst;
    }
    peer_give(&held, false);
    pthread_join(other, NULL);
    printf("{\"peer\": \"%s\", \"ms\": %.1f}\n", peer_name, (double)worst / MS);
    peer_stop();
}

/* ---- A password that changes while a connection is being opened with the old one ------------- */

void bug_in_flight(void)
{
    struct held held;
    unsigned taken = 0, stale = 0;

    if (!peer_rotates_in_place()) {
        cannot("a new password means a new pool");
        return;
    }
    peer_start(2, PATIENCE);
    atomic_store(&backend.lag, 300 * MS);
    pthread_t opener = spawn(wait_once);
    pause_for(SETTLE);
    peer_rotate(2);
    for (int64_t end = clock_ns() + 1500 * MS; clock_ns() < end; pause_for(MS)) {
        unsigned wanted = frame_password();
        if (!peer_take(&held, clock_ns() + PATIENCE))
            continue;
        taken += wanted == 2;
        stale += held.resource->password < wanted;
        peer_give(&held, false);
    }
    pthread_join(opener, NULL);
    printf("{\"peer\": \"%s\", \"taken\": %u, \"stale\": %u}\n", peer_name, taken, stale);
    peer_stop();
}
