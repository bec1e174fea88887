/* SPDX-License-Identifier: MIT */
/*
 * Owns: what happens to a pool on a bad day: a spike, an outage, a password that keeps changing.
 * Never does: judge; it prints what it counted.
 * Lock: none; what threads share is atomic.
 */
#include "frame.h"

#include <stdio.h>
#include <string.h>

static struct histogram waits[THREADS_MAX];
static atomic_uint asked, failed;
static int64_t began;

static struct histogram *all_waits(unsigned threads)
{
    for (unsigned i = 1; i < threads; i++)
        histogram_merge(&waits[0], &waits[i]);
    return &waits[0];
}

static bool take(struct held *held, int64_t timeout, struct histogram *histogram)
{
    int64_t from = clock_ns();
    bool taken = peer_take(held, from + timeout);

    histogram_add(histogram, clock_ns() - from);
    atomic_fetch_add(&asked, 1);
    if (!taken)
        atomic_fetch_add(&failed, 1);
    return taken;
}

static void begin(unsigned max, int64_t patience)
{
    memset(waits, 0, sizeof(waits));
    atomic_store(&asked, 0);
    atomic_store(&failed, 0);
    peer_start(max, patience);
    began = clock_ns();
}

/* ---- Spike: 50 callers at once, an open takes 150 ms, each use 2 ms -------------------------- */

#define SPIKE 50

static void *spike(void *argument)
{
    struct held held;

    if (take(&held, 10 * SECOND, &waits[(uintptr_t)argument - 1])) {
        sleep_until(clock_ns() + 2 * MS);
        peer_give(&held, false);
    }
    return NULL;
}

void scene_spike(void)
{
    atomic_store(&backend.lag, 150 * MS);
    begin(SPIKE, 10 * SECOND);
    frame_threads(SPIKE, spike);
    double ms = (double)(clock_ns() - began) / MS;
    struct histogram *histogram = all_waits(SPIKE);
    printf("{\"peer\": \"%s\", \"opened\": %u, \"failed\": %u, \"ms\": %.1f, \"p50_ms\": %.1f, "
           "\"max_ms\": %.1f}\n",
           peer_name, atomic_load(&backend.attempts), atomic_load(&failed), ms,
           (double)histogram_at(histogram, 0.5) / MS, (double)histogram->max / MS);
    peer_stop();
}

/* ---- Outage: opens fail for 3 s, 8 callers ask every 10 ms with 1 s of patience -------------- */

#define OUTAGE_CALLERS 8
#define OUTAGE         (3 * SECOND)
#define OUTAGE_END     (13 * SECOND)

static atomic_int_least64_t first_success; /* since it began; 0: none yet */

static void *keep_asking(void *argument)
{
    struct histogram *histogram = &waits[(uintptr_t)argument - 1];
    struct held held;
    int64_t at = clock_ns();

    while (atomic_load(&first_success) == 0 && clock_ns() < began + OUTAGE_END) {
        if (take(&held, SECOND, histogram)) {
            int64_t none = 0;
            atomic_compare_exchange_strong(&first_success, &none, clock_ns() - began);
            peer_give(&held, false);
        }
        at += 10 * MS;
        at = at < clock_ns() ? clock_ns() : at;
        sleep_until(at);
    }
    return NULL;
}

static void *end_the_outage(void *attempts)
{
    sleep_until(began + OUTAGE);
    *(unsigned *)attempts = atomic_load(&backend.attempts);
    atomic_store(&backend.down, false);
    return NULL;
}

void scene_outage(void)
{
    pthread_t repair;
    unsigned attempts = 0;

    atomic_store(&backend.down, true);
    atomic_store(&backend.lag, 1 * MS);
    begin(8, SECOND);
    if (pthread_create(&repair, NULL, end_the_outage, &attempts) != 0)
        frame_die("no thread could be had");
    frame_threads(OUTAGE_CALLERS, keep_asking);
    pthread_join(repair, NULL);
    int64_t first = atomic_load(&first_success);
    struct histogram *histogram = all_waits(OUTAGE_CALLERS);
    printf("{\"peer\": \"%s\", \"attempts\": %u, \"asked\": %u, \"answered_ms\": %.1f, "
           "\"first_ms\": %.1f}\n",
           peer_name, attempts, atomic_load(&asked), (double)histogram_at(histogram, 0.5) / MS,
           first == 0 ? -1.0 : (double)(first - OUTAGE) / MS);
    peer_stop();
}

/* ---- Rotation: 20 000 acquires a second while the password changes every 100 ms -------------- */

#define ROTATE_CALLERS 8
#define ROTATE_PERIOD  (400 * INT64_C(1000)) /* of each caller */
#define ROTATE_EVERY   (100 * MS)
#define ROTATIONS      30
#define ROTATE_HOLD    (25 * INT64_C(1000))

static atomic_uint stale;
static atomic_bool rotating;

static void *keep_using(void *argument)
{
    struct histogram *histogram = &waits[(uintptr_t)argument - 1];
    struct held held;

    for (int64_t at = clock_ns(); atomic_load(&rotating); at += ROTATE_PERIOD) {
        sleep_until(at);
        unsigned wanted = frame_password();
        if (!take(&held, SECOND, histogram))
            continue;
        if (held.resource->password < wanted)
            atomic_fetch_add(&stale, 1);
        frame_burn(ROTATE_HOLD);
        peer_give(&held, false);
    }
    return NULL;
}

static void *keep_rotating(void *unused)
{
    for (unsigned i = 1; i <= ROTATIONS; i++) {
        sleep_until(began + i * ROTATE_EVERY);
        peer_rotate(1 + i);
    }
    sleep_until(began + (ROTATIONS + 1) * ROTATE_EVERY);
    atomic_store(&rotating, false);
    return unused;
}

void scene_rotate(void)
{
    pthread_t rotator;

    atomic_store(&backend.lag, 5 * MS);
    atomic_store(&rotating, true);
    begin(8, SECOND);
    peer_expect_rotation();
    if (pthread_create(&rotator, NULL, keep_rotating, NULL) != 0)
        frame_die("no thread could be had");
    frame_threads(ROTATE_CALLERS, keep_using);
    pthread_join(rotator, NULL);
    double seconds = (double)(clock_ns() - began) / SECOND;
    struct histogram *histogram = all_waits(ROTATE_CALLERS);
    printf("{\"peer\": \"%s\", \"rate\": %.0f, \"switched\": %u, \"failed\": %u, "
           "\"p999_us\": %.1f, \"max_us\": %.1f, \"peak\": %u, \"stale\": %u}\n",
           peer_name, atomic_load(&asked) / seconds, frame_password() - 1, atomic_load(&failed),
           (double)histogram_at(histogram, 0.999) / 1000, (double)histogram->max / 1000,
           atomic_load(&backend.peak), atomic_load(&stale));
    peer_stop();
}
