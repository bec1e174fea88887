/* SPDX-License-Identifier: MIT */
/*
 * Out of memory: a registry's whole life, once for each allocation in it, with that one failing.
 * Nothing may crash or leak, every failure is WEIR_ENOMEM, and what failed changed nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "failing.h"
#include "invariants.h"

static unsigned long failing_nth; /* 0: none */

void fake_violation(const char *rule, const char *what)
{
    printf("not ok - %s: %s, with allocation %lu failing\n", rule, what, failing_nth);
    fflush(stdout);
    abort();
}

static void expect_memory(int status)
{
    if (status != 0 && status != WEIR_ENOMEM)
        fake_violation("ENOMEM", weir_strerror(status));
}

static int settings_for(struct weir_settings **out, const char *password)
{
    int status = weir_settings_new(out, "fake", NULL);

    if (status == 0)
        status = weir_settings_set_string(*out, "password", password, NULL);
    if (status == 0)
        status = weir_settings_set_integer(*out, "pool_max_size", 2, NULL);
    return status;
}

static int change(struct weir_registry *registry, const char *name, const char *password)
{
    struct weir_settings *settings = NULL;
    struct weir_change *change = NULL;
    int status = settings_for(&settings, password);

    if (status == 0)
        status = weir_change_begin(registry, &change, NULL);
    if (status == 0)
        status = weir_change_set(change, name, settings, NULL);
    if (status == 0)
        status = weir_change_commit(&change, NULL);
    weir_change_abort(&change);
    weir_settings_unref(&settings);
    expect_memory(status);
    return status;
}

static void work(struct weir_registry *registry)
{
    for (int round = 0; round < 50; round++) {
        while (weir_registry_work(registry))
            invariants_check();
        fake.now += 100 * CLOCK_MS;
        weir_registry_tick(registry, fake.now);
    }
}

static void lease_and_return(struct weir_registry *registry)
{
    struct entry *entry = book_entry(CLOCK_NEVER);

    waiter_start(registry, "orders", NULL, entry->waiter);
    work(registry); /* an open that fails for lack of memory is tried again */
    if (entry->state == ENTRY_WAITING)
        fake_violation("I23", "a failed allocation left somebody waiting");
    if (entry->state == ENTRY_HELD) {
        entry->state = ENTRY_FREE;
        weir_release(registry, &entry->lease, 0);
    }
}

static void look(struct weir_registry *registry)
{
    struct weir_snapshot *snapshot;
    struct weir_pin *pin;

    expect_memory(weir_snapshot_take(registry, &snapshot, NULL));
    weir_snapshot_free(&snapshot);
    expect_memory(weir_pin_new(registry, &pin, NULL));
    weir_pin_unref(&pin);
}

static void live(struct weir_registry *registry)
{
    change(registry, "orders", "a");
    lease_and_return(registry);
    look(registry);
    change(registry, "billing", "x");
    change(registry, "orders", "b");
    work(registry);
    lease_and_return(registry);
    weir_registry_close(registry, fake.now);
    book.closed = true;
    work(registry);
    if (!weir_registry_drained(registry))
        fake_violation("I9", "a closed registry does not drain");
    invariants_check_drained();
    book_close_completions();
}

static void life(unsigned long nth)
{
    struct weir_registry *registry;
    struct weir_registry_options options = {.seed = 1, .now = fake_now};

    failing_nth = nth;
    failing_begin(nth);
    fake_reset();
    expect_memory(weir_registry_new(&registry, &options, NULL));
    if (registry == NULL)
        return;
    fake.registry_mutex = &registry->mutex;
    book_open(registry);
    if (weir_registry_add_driver(registry, &fake_driver, NULL) != 0)
        fake_violation("EINVAL", "a driver was refused");
    live(registry);
    weir_registry_free(&registry);
}

int main(void)
{
    unsigned long total;

    printf("1..1\n");
    life(0);
    total = failing_calls();
    for (unsigned long nth = 1; nth <= total; nth++)
        life(nth);
    printf("# %lu allocations, each failed once\nok 1 - out of memory at every allocation\n",
           total);
    return total > 20 ? 0 : 1;
}
