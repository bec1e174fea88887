/* SPDX-License-Identifier: MIT */
/* The settings change while threads are leasing: none of them fails, and soon all see the new. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "toy.h"

#define THREADS 4

struct load {
    struct weir_registry *registry;
    atomic_bool stop;
    atomic_uint first, second, failed; /* leases of each configuration */
};

static void *work(void *argument)
{
    struct load *load = argument;
    struct weir_lease lease;

    while (!atomic_load(&load->stop)) {
        int64_t deadline = weir_now() + 20 * SECOND;
        if (weir_acquire(load->registry, "example", NULL, deadline, &lease, NULL) != 0) {
            atomic_fetch_add(&load->failed, 1);
            continue;
        }
        const struct toy *toy = lease.conn;
        bool is_first = strcmp(toy->word, "first") == 0;
        atomic_fetch_add(is_first ? &load->first : &load->second, 1);
        weir_release(load->registry, &lease, 0);
    }
    return NULL;
}

/* False if it has not come that far in time. */
static bool wait_for(struct load *load, atomic_uint *count, unsigned wanted)
{
    for (int64_t until = weir_now() + 20 * SECOND; weir_now() < until;)
        if (atomic_load(count) >= wanted || atomic_load(&load->failed) > 0)
            return true;
    return false;
}

static int run(struct load *load, struct weir_error *error)
{
    pthread_t threads[THREADS];
    int started = 0, status = WEIR_EDEADLINE;

    while (started < THREADS && pthread_create(&threads[started], NULL, work, load) == 0)
        started++;
    /* Until a connection with the new settings is proven, the old ones go on serving. */
    if (wait_for(load, &load->first, 1000))
        status = toy_configure(load->registry, "toy", "word", "second", error);
    if (status == 0 && !wait_for(load, &load->second, 1000))
        status = WEIR_EDEADLINE;
    atomic_store(&load->stop, true);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    printf("%u leases of the first settings, %u of the second, %u failed\n",
           atomic_load(&load->first), atomic_load(&load->second), atomic_load(&load->failed));
    return status == 0 && atomic_load(&load->failed) > 0 ? WEIR_EINTERNAL : status;
}

int main(void)
{
    struct weir_error error = {.detail = ""};
    struct load load = {.registry = NULL};
    struct weir_keeper *keeper = NULL;
    int status = toy_begin(&load.registry, &keeper, &toy_driver, &error);

    if (status == 0)
        status = toy_configure(load.registry, "toy", "word", "first", &error);
    if (status == 0)
        status = run(&load, &error);
    return toy_end(&load.registry, &keeper, status, &error);
}
