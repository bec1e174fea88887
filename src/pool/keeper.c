/* SPDX-License-Identifier: MIT */
/*
 * Owns: the threads of a registry that wants ready-made ones: one that ticks, and workers that
 * come when there are errands and go when there have been none for a while.
 * Never does: look into the pool; it uses tick and work as any embedder could.
 * Lock: its own mutex, never held during tick or work.
 */
#include "pool.h"

#include <stdlib.h>

#include "cond.h"

#define KEEPER_THREADS 128                /* default of max_threads */
#define KEEPER_IDLE    (5 * CLOCK_SECOND) /* a worker without errands goes after this */
#define KEEPER_RETRY   (100 * CLOCK_MS)   /* when no thread could be had */

/* Joined when it has ended: a detached thread could outlive what it uses at the process's end. */
struct worker {
    struct list link; /* in keeper->ended */
    struct weir_keeper *keeper;
    pthread_t thread;
};

struct weir_keeper {
    struct weir_registry *registry;
    struct list ended;
    pthread_mutex_t mutex;
    pthread_cond_t ticked, errand, gone, passed;
    pthread_t ticker;
    bool notified, stopping;
    unsigned workers, idle, max_threads;
    unsigned summoned; /* of the idle: signalled, not awake yet */
    uint64_t passes;   /* ticks and errands done, for those who wait for the drain */
};

/* ---- Workers --------------------------------------------------------------------------------- */

static void note_pass(struct weir_keeper *keeper)
{
    keeper->passes++;
    pthread_cond_broadcast(&keeper->passed);
}

/* False if none came for a while. */
static bool wait_for_summons(struct weir_keeper *keeper)
{
    int64_t until = clock_add(clock_now(), KEEPER_IDLE);

    keeper->idle++;
    while (keeper->summoned == 0 && !keeper->stopping)
        if (!cond_wait_until(&keeper->errand, &keeper->mutex, until))
            break;
    keeper->idle--;
    if (keeper->summoned == 0)
        return false;
    keeper->summoned--;
    return true;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct weir_keeper *keeper = worker->keeper;
    bool waited = true;

    pthread_mutex_lock(&keeper->mutex);
    while (!keeper->stopping && waited) {
        pthread_mutex_unlock(&keeper->mutex);
        bool worked = weir_registry_work(keeper->registry);
        pthread_mutex_lock(&keeper->mutex);
        if (worked) {
            note_pass(keeper);
            continue;
        }
        waited = wait_for_summons(keeper);
    }
    keeper->workers--;
    list_push_back(&keeper->ended, &worker->link);
    pthread_cond_broadcast(&keeper->gone);
    pthread_mutex_unlock(&keeper->mutex);
    return NULL;
}

static bool start_worker(struct weir_keeper *keeper)
{
    struct worker *worker = calloc(1, sizeof(*worker));

    if (worker == NULL)
        return false;
    worker->keeper = keeper;
    /* It looks at worker->thread never, so that it may run before that is set. */
    if (pthread_create(&worker->thread, NULL, work, worker) == 0)
        return true;
    free(worker);
    return false;
}

/* With the mutex held, which is released while a thread is on its last steps. */
static void join_ended(struct weir_keeper *keeper)
{
    for (struct list *link; (link = list_pop_front(&keeper->ended)) != NULL;) {
        struct worker *worker = list_entry(link, struct worker, link);
        pthread_mutex_unlock(&keeper->mutex);
        pthread_join(worker->thread, NULL);
        free(worker);
        pthread_mutex_lock(&keeper->mutex);
    }
}

/*
 * An errand waits: wake a worker or start one. One at a time is enough: whoever takes an errand
 * and leaves others has the registry notify again.
 */
static bool summon(struct weir_keeper *keeper)
{
    if (keeper->idle > keeper->summoned) {
        keeper->summoned++;
        pthread_cond_signal(&keeper->errand);
        return true;
    }
    if (keeper->workers >= keeper->max_threads)
        return true;
    keeper->workers++;
    if (start_worker(keeper))
        return true;
    keeper->workers--;
    return false;
}

/* ---- The ticker ------------------------------------------------------------------------------ */

static void notify(void *argument)
{
    struct weir_keeper *keeper = argument;

    pthread_mutex_lock(&keeper->mutex);
    keeper->notified = true;
    pthread_cond_signal(&keeper->ticked);
    pthread_mutex_unlock(&keeper->mutex);
}

static void *tick(void *argument)
{
    struct weir_keeper *keeper = argument;

    pthread_mutex_lock(&keeper->mutex);
    while (!keeper->stopping) {
        keeper->notified = false;
        pthread_mutex_unlock(&keeper->mutex);
        int64_t due = weir_registry_tick(keeper->registry, clock_now());
        bool errands = registry_has_errand(keeper->registry);
        pthread_mutex_lock(&keeper->mutex);
        note_pass(keeper);
        join_ended(keeper);
        if (errands && !summon(keeper))
            due = clock_min(due, clock_add(clock_now(), KEEPER_RETRY));
        while (!keeper->notified && !keeper->stopping)
            if (!cond_wait_until(&keeper->ticked, &keeper->mutex, due))
                break;
    }
    pthread_mutex_unlock(&keeper->mutex);
    return NULL;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void set_notify(struct weir_registry *registry, void (*call)(void *), void *context)
{
    registry_lock(registry);
    registry->options.notify = call;
    registry->options.notify_context = context;
    registry_unlock(registry);
}

static void fini(struct weir_keeper *keeper)
{
    pthread_cond_destroy(&keeper->ticked);
    pthread_cond_destroy(&keeper->errand);
    pthread_cond_destroy(&keeper->gone);
    pthread_cond_destroy(&keeper->passed);
    pthread_mutex_destroy(&keeper->mutex);
    free(keeper);
}

int weir_keeper_start(struct weir_keeper **out, struct weir_registry *registry,
                      unsigned max_threads, struct weir_error *error)
{
    *out = NULL;
    if (fork_left(registry->made))
        return fork_refuse(error);
    struct weir_keeper *keeper = calloc(1, sizeof(*keeper));
    if (keeper == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    keeper->registry = registry;
    keeper->max_threads = max_threads == 0 ? KEEPER_THREADS : max_threads;
    list_init(&keeper->ended);
    pthread_mutex_init(&keeper->mutex, NULL);
    cond_init(&keeper->ticked);
    cond_init(&keeper->errand);
    cond_init(&keeper->gone);
    cond_init(&keeper->passed);
    set_notify(registry, notify, keeper);
    if (pthread_create(&keeper->ticker, NULL, tick, keeper) != 0) {
        set_notify(registry, NULL, NULL);
        fini(keeper);
        return weir_fail(error, WEIR_ENOMEM, "no thread could be had");
    }
    *out = keeper;
    return 0;
}

int weir_keeper_drain(struct weir_keeper *keeper, int64_t deadline)
{
    int status = 0;

    if (fork_left(keeper->registry->made))
        return WEIR_EFORKED;
    pthread_mutex_lock(&keeper->mutex);
    while (status == 0) {
        uint64_t passes = keeper->passes;
        pthread_mutex_unlock(&keeper->mutex);
        bool drained = weir_registry_drained(keeper->registry);
        pthread_mutex_lock(&keeper->mutex);
        if (drained)
            break;
        if (keeper->passes == passes && !cond_wait_until(&keeper->passed, &keeper->mutex, deadline))
            status = WEIR_ETIMEOUT;
    }
    pthread_mutex_unlock(&keeper->mutex);
    return status;
}

void weir_keeper_stop(struct weir_keeper **at)
{
    struct weir_keeper *keeper = *at;

    *at = NULL;
    if (keeper == NULL || fork_left(keeper->registry->made))
        return; /* a child has none of its threads */
    set_notify(keeper->registry, NULL, NULL);
    pthread_mutex_lock(&keeper->mutex);
    keeper->stopping = true;
    pthread_cond_broadcast(&keeper->ticked);
    pthread_cond_broadcast(&keeper->errand);
    pthread_mutex_unlock(&keeper->mutex);
    pthread_join(keeper->ticker, NULL);
    pthread_mutex_lock(&keeper->mutex);
    while (keeper->workers > 0)
        pthread_cond_wait(&keeper->gone, &keeper->mutex);
    join_ended(keeper);
    pthread_mutex_unlock(&keeper->mutex);
    fini(keeper);
}
