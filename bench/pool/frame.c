/* SPDX-License-Identifier: MIT */
/*
 * Owns: the main program of every pool written in C: its arguments, its threads, and the mode that
 * measures cycles and waits.
 * Never does: know which pool it measures.
 * Lock: none; a barrier starts all workers at once.
 */
#include "frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALIBRATION 1000000 /* steps of the busy loop */

static const char usage[] = "usage: %s cycle THREADS CONNECTIONS HOLD_NS SECONDS\n"
                            "       %s spike|outage|rotate\n"
                            "       %s lost-wakeup|broken-return|resize|close-race|silent-host|"
                            "in-flight\n";

static atomic_uint password = 1;
static double steps_per_ns;

void frame_die(const char *what)
{
    fprintf(stderr, "%s: %s\n", peer_name, what);
    exit(1);
}

void frame_switched(unsigned to)
{
    unsigned now = atomic_load(&password);

    while (now < to && !atomic_compare_exchange_weak(&password, &now, to))
        continue;
}

unsigned frame_password(void)
{
    return atomic_load_explicit(&password, memory_order_acquire);
}

void frame_reset(void)
{
    atomic_store(&password, 1);
    atomic_store(&backend.attempts, 0);
    atomic_store(&backend.peak, 0);
    atomic_store(&backend.fail_next, 0);
    atomic_store(&backend.lag, 0);
    atomic_store(&backend.down, false);
}

void frame_threads(unsigned count, void *(*run)(void *number))
{
    pthread_t threads[THREADS_MAX];

    for (unsigned i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, run, (void *)(uintptr_t)(i + 1)) != 0)
            frame_die("no thread could be had");
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

/* ---- Holding --------------------------------------------------------------------------------- */

static void burn_steps(uint64_t steps)
{
    uint64_t x = steps;

    for (uint64_t i = 0; i < steps; i++)
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    __asm__ volatile("" : : "r"(x));
}

/* The fastest of several: whatever else the machine does only makes it slower. */
static void calibrate(void)
{
    int64_t best = INT64_MAX;

    for (int i = 0; i < 7; i++) {
        int64_t from = clock_ns();
        burn_steps(CALIBRATION);
        int64_t took = clock_ns() - from;
        best = took < best ? took : best;
    }
    steps_per_ns = (double)CALIBRATION / (double)best;
}

void frame_burn(int64_t ns)
{
    burn_steps((uint64_t)((double)ns * steps_per_ns));
}

/* ---- Waiting times --------------------------------------------------------------------------- */

static unsigned bucket_of(int64_t ns)
{
    uint64_t value = ns < 0 ? 0 : (uint64_t)ns;

    if (value < 16)
        return (unsigned)value;
    unsigned top = 63 - (unsigned)__builtin_clzll(value);
    return (top - 3) * 16 + (unsigned)(value >> (top - 4) & 15);
}

static int64_t value_of(unsigned bucket)
{
    if (bucket < 16)
        return bucket;
    return (INT64_C(16) + bucket % 16) << (bucket / 16 - 1);
}

void histogram_add(struct histogram *histogram, int64_t ns)
{
    histogram->count++;
    histogram->buckets[bucket_of(ns)]++;
    if (ns > histogram->max)
        histogram->max = ns;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    into->count += from->count;
    if (from->max > into->max)
        into->max = from->max;
    for (size_t i = 0; i < sizeof(into->buckets) / sizeof(into->buckets[0]); i++)
        into->buckets[i] += from->buckets[i];
}

int64_t histogram_at(const struct histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)((double)histogram->count * share), seen = 0;

    for (unsigned i = 0; i < sizeof(histogram->buckets) / sizeof(histogram->buckets[0]); i++) {
        seen += histogram->buckets[i];
        if (seen > wanted)
            return value_of(i);
    }
    return histogram->max;
}

/* ---- Cycles ---------------------------------------------------------------------------------- */

struct worker {
    int64_t began;
    uint64_t cycles, failures, violations;
    struct histogram waits;
    char apart[128];
};

static struct worker workers[THREADS_MAX];
static pthread_barrier_t start;
static atomic_bool running;
static uint64_t hold_steps;
static unsigned every; /* acquires from one whose wait is measured to the next; 0: none is */
static int64_t give_up_at;

static void use(struct resource *resource, unsigned number, struct worker *worker)
{
    if (atomic_load_explicit(&resource->owner, memory_order_relaxed) != 0)
        worker->violations++;
    atomic_store_explicit(&resource->owner, number, memory_order_relaxed);
    if (hold_steps > 0)
        burn_steps(hold_steps);
    if (atomic_load_explicit(&resource->owner, memory_order_relaxed) != number)
        worker->violations++;
    atomic_store_explicit(&resource->owner, 0, memory_order_relaxed);
}

static bool take_and_measure(struct held *held, struct histogram *waits)
{
    int64_t from = clock_ns();
    bool taken = peer_take(held, give_up_at);

    histogram_add(waits, clock_ns() - from);
    return taken;
}

static void *cycle(void *argument)
{
    unsigned number = (unsigned)(uintptr_t)argument;
    struct worker *worker = &workers[number - 1];
    struct held held;

    pthread_barrier_wait(&start);
    worker->began = clock_ns();
    for (uint64_t i = 1; atomic_load_explicit(&running, memory_order_relaxed); i++) {
        bool taken = every > 0 && i % every == 0 ? take_and_measure(&held, &worker->waits)
                                                 : peer_take(&held, give_up_at);
        if (taken) {
            use(held.resource, number, worker);
            peer_give(&held, false);
            worker->cycles++;
        } else {
            worker->failures++;
        }
    }
    return NULL;
}

/* Ends the pass; says when. */
static void *conduct(void *argument)
{
    int64_t *time = argument;

    pthread_barrier_wait(&start);
    sleep_until(clock_ns() + *time);
    atomic_store(&running, false);
    *time = clock_ns();
    return NULL;
}

/* The conductor may start late among so many busy threads: the first worker's clock counts. */
static int64_t first_began(unsigned threads)
{
    int64_t first = INT64_MAX;

    for (unsigned i = 0; i < threads; i++)
        first = workers[i].began < first ? workers[i].began : first;
    return first;
}

/* How long it really took. */
static int64_t pass(unsigned threads, int64_t wall, unsigned measured_every)
{
    pthread_t conductor;
    int64_t time = wall;

    memset(workers, 0, sizeof(workers));
    every = measured_every;
    give_up_at = clock_ns() + wall + 60 * SECOND;
    atomic_store(&running, true);
    if (pthread_barrier_init(&start, NULL, threads + 1) != 0 ||
        pthread_create(&conductor, NULL, conduct, &time) != 0)
        frame_die("no thread could be had");
    frame_threads(threads, cycle);
    pthread_join(conductor, NULL);
    pthread_barrier_destroy(&start);
    return time - first_began(threads);
}

/* All of them open, as after a while of use. */
static void open_all(unsigned connections)
{
    struct held *held = calloc(connections, sizeof(*held));

    if (held == NULL)
        frame_die("out of memory");
    for (unsigned i = 0; i < connections; i++)
        if (!peer_take(&held[i], clock_ns() + 10 * SECOND))
            frame_die("could not open its connections");
    for (unsigned i = 0; i < connections; i++)
        peer_give(&held[i], false);
    free(held);
}

/* Jain's index of how evenly the cycles fell to the threads: 1 is even, 1/threads one had all. */
static double fairness(unsigned threads)
{
    double sum = 0, squares = 0;

    for (unsigned i = 0; i < threads; i++) {
        double cycles = (double)workers[i].cycles;
        sum += cycles;
        squares += cycles * cycles;
    }
    return squares > 0 ? sum * sum / (threads * squares) : 0;
}

static struct worker sum_of_workers(unsigned threads)
{
    struct worker sum = {0};

    for (unsigned i = 0; i < threads; i++) {
        sum.cycles += workers[i].cycles;
        sum.failures += workers[i].failures;
        sum.violations += workers[i].violations;
        histogram_merge(&sum.waits, &workers[i].waits);
    }
    return sum;
}

/* A warm-up, a pass without a look at the clock for the cost, one with for the waits. */
static void scene_cycle(unsigned threads, unsigned connections, int64_t hold, double seconds)
{
    int64_t wall = (int64_t)(seconds * SECOND);

    hold_steps = (uint64_t)((double)hold * steps_per_ns);
    peer_start(connections, 60 * SECOND);
    open_all(connections);
    pass(threads, wall / 2, 0);
    wall = pass(threads, wall, 0);
    struct worker cost = sum_of_workers(threads);
    double jain = fairness(threads);
    pass(threads, (int64_t)(seconds * SECOND), hold > 0 ? 1 : 8);
    struct worker waits = sum_of_workers(threads);
    printf("{\"peer\": \"%s\", \"cycles\": %llu, \"ns\": %.2f, \"p50\": %lld, \"p99\": %lld, "
           "\"p999\": %lld, \"max\": %lld, \"jain\": %.3f, \"violations\": %llu, "
           "\"failed\": %llu, \"opened\": %u}\n",
           peer_name, (unsigned long long)cost.cycles, (double)wall / (double)cost.cycles,
           (long long)histogram_at(&waits.waits, 0.5), (long long)histogram_at(&waits.waits, 0.99),
           (long long)histogram_at(&waits.waits, 0.999), (long long)waits.waits.max, jain,
           (unsigned long long)(cost.violations + waits.violations),
           (unsigned long long)(cost.failures + waits.failures), atomic_load(&backend.attempts));
    peer_stop();
}

/* ---- Main ------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    void (*run)(void);
} modes[] = {{"spike", scene_spike},
             {"outage", scene_outage},
             {"rotate", scene_rotate},
             {"lost-wakeup", bug_lost_wakeup},
             {"broken-return", bug_broken_return},
             {"resize", bug_resize},
             {"close-race", bug_close_race},
             {"silent-host", bug_silent_host},
             {"in-flight", bug_in_flight}};

int main(int argc, char **argv)
{
    calibrate();
    frame_reset();
    if (argc == 6 && strcmp(argv[1], "cycle") == 0) {
        unsigned long threads = strtoul(argv[2], NULL, 10);
        unsigned long connections = strtoul(argv[3], NULL, 10);
        if (threads >= 1 && threads <= THREADS_MAX && connections >= 1 && connections <= 1000) {
            scene_cycle((unsigned)threads, (unsigned)connections, strtoll(argv[4], NULL, 10),
                        strtod(argv[5], NULL));
            return 0;
        }
    }
    for (size_t i = 0; argc == 2 && i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(argv[1], modes[i].name) == 0) {
            modes[i].run();
            return 0;
        }
    }
    fprintf(stderr, usage, argv[0], argv[0], argv[0]);
    return 2;
}
