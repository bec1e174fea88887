/* SPDX-License-Identifier: MIT */
/* Many threads share few connections: sixteen of them, four connections, nobody is refused. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "toy.h"

#define THREADS 16
#define ROUNDS  2000

struct share {
    struct weir_registry *registry;
    atomic_int in_use, most, failed;
};

static void note_most(struct share *share, int now)
{
    int most = atomic_load(&share->most);

    while (now > most && !atomic_compare_exchange_weak(&share->most, &most, now))
        ;
}

/* A lease belongs to whoever holds it: what is behind it needs no lock. */
static void *work(void *argument)
{
    struct share *share = argument;
    struct weir_lease lease;

    for (int i = 0; i < ROUNDS; i++) {
        int64_t deadline = weir_now() + 20 * SECOND;
        if (weir_acquire(share->registry, "example", NULL, deadline, &lease, NULL) != 0) {
            atomic_fetch_add(&share->failed, 1);
            continue;
        }
        note_most(share, atomic_fetch_add(&share->in_use, 1) + 1);
        sched_yield(); /* where the work would be */
        atomic_fetch_sub(&share->in_use, 1);
        weir_release(share->registry, &lease, 0);
    }
    return NULL;
}

/* All threads have ended before the registry does. */
static int run(struct share *share, struct weir_error *error)
{
    pthread_t threads[THREADS];
    int started = 0;

    while (started < THREADS && pthread_create(&threads[started], NULL, work, share) == 0)
        started++;
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    printf("%d threads, %d acquires, %d failed, at most %d connections in use\n", started,
           started * ROUNDS, atomic_load(&share->failed), atomic_load(&share->most));
    if (started < THREADS || atomic_load(&share->failed) > 0)
        return weir_fail(error, WEIR_EINTERNAL, "not all could work");
    return 0;
}

int main(void)
{
    struct weir_error error = {.detail = ""};
    struct share share = {.registry = NULL};
    struct weir_keeper *keeper = NULL;
    int status = toy_begin(&share.registry, &keeper, &toy_driver, &error);

    if (status == 0)
        status = toy_configure(share.registry, "toy", "word", "shared", &error);
    if (status == 0)
        status = run(&share, &error);
    return toy_end(&share.registry, &keeper, status, &error);
}
