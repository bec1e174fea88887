/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous acquires with real threads: completions that come from other threads, cancels that
 * race them, and queues that are freed meanwhile.
 */
#include "test.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <weir/weir.h>

#define SECOND INT64_C(1000000000)
#define ROUNDS 2000

static atomic_uint opens, closes;

static int toy_open(void *conn, const struct weir_settings *settings, int64_t deadline,
                    struct weir_error *error)
{
    (void)conn, (void)settings, (void)deadline, (void)error;
    atomic_fetch_add(&opens, 1);
    return 0;
}

static int toy_check(void *conn, int64_t deadline, struct weir_error *error)
{
    (void)conn, (void)deadline, (void)error;
    return 0;
}

static void toy_interrupt(void *conn, int64_t deadline)
{
    (void)conn, (void)deadline;
}

static int toy_close(void *conn, int64_t deadline)
{
    (void)conn, (void)deadline;
    atomic_fetch_add(&closes, 1);
    return 0;
}

static int toy_classify(const char *native)
{
    (void)native;
    return WEIR_EINTERNAL;
}

static const struct weir_setting keys[] = {{NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static const struct weir_driver toy = {.abi = WEIR_DRIVER_ABI,
                                       .name = "toy",
                                       .conn_size = 64,
                                       .settings = keys,
                                       .min_size = 0,
                                       .max_size = 1,
                                       .open = toy_open,
                                       .check = toy_check,
                                       .interrupt = toy_interrupt,
                                       .close = toy_close,
                                       .classify = toy_classify};

static struct weir_registry *registry;
static struct weir_keeper *keeper;
static struct weir_completions *completions;
static struct weir_error error;

static void begin(void)
{
    struct weir_settings *settings;
    struct weir_change *change;

    atomic_store(&opens, 0);
    atomic_store(&closes, 0);
    CHECK_INT(weir_registry_new(&registry, NULL, &error), 0);
    CHECK_INT(weir_registry_add_driver(registry, &toy, &error), 0);
    CHECK_INT(weir_keeper_start(&keeper, registry, 0, &error), 0);
    CHECK_INT(weir_settings_new(&settings, "toy", NULL), 0);
    CHECK_INT(weir_change_begin(registry, &change, &error), 0);
    CHECK_INT(weir_change_set(change, "orders", settings, &error), 0);
    CHECK_INT(weir_change_commit(&change, &error), 0);
    weir_settings_unref(&settings);
    CHECK_INT(weir_completions_new(&completions, &error), 0);
}

static void end(void)
{
    weir_registry_close(registry, weir_now() + SECOND);
    CHECK_INT(weir_keeper_drain(keeper, weir_now() + 5 * SECOND), 0);
    weir_keeper_stop(&keeper);
    weir_registry_free(&registry);
    CHECK_INT(atomic_load(&opens), atomic_load(&closes));
    weir_completions_free(&completions);
}

/* What a callback has to say; only the dispatching thread looks at it. */
struct told {
    unsigned calls;
    int status;
    struct weir_lease lease;
    struct weir_error error;
};

static void tell(void *context, int status, const struct weir_lease *lease,
                 const struct weir_error *why)
{
    struct told *told = context;

    told->calls++;
    told->status = status;
    told->error = *why;
    told->lease = lease == NULL ? (struct weir_lease){.conn = NULL} : *lease;
}

static int start(struct told *told, int64_t span, struct weir_request **out)
{
    *told = (struct told){.status = 1};
    return weir_acquire_async(registry, "orders", NULL, weir_now() + span, completions, tell, told,
                              out, &error);
}

static bool readable(int timeout_ms)
{
    struct pollfd fd = {.fd = weir_completions_fd(completions), .events = POLLIN};

    return poll(&fd, 1, timeout_ms) == 1;
}

static void dispatch_until(const struct told *told)
{
    while (told->calls == 0) {
        CHECK(readable(5000));
        weir_completions_dispatch(completions);
    }
}

static void a_completion_makes_the_descriptor_readable(void)
{
    struct told told;

    begin();
    CHECK(!readable(0));
    CHECK_INT(start(&told, 5 * SECOND, NULL), 0);
    CHECK_INT(told.calls, 0);
    dispatch_until(&told);
    CHECK_INT(told.status, 0);
    CHECK(told.lease.conn != NULL && told.lease.version == 1);
    CHECK(!readable(0));
    CHECK_INT(weir_completions_dispatch(completions), 0);
    CHECK_INT(weir_release(registry, &told.lease, 0), 0);
    end();
}

static void the_deadline_is_kept_and_says_why(void)
{
    struct told held, late;

    begin();
    CHECK_INT(start(&held, 5 * SECOND, NULL), 0);
    dispatch_until(&held);
    int64_t begun = weir_now();
    CHECK_INT(start(&late, SECOND / 20, NULL), 0);
    dispatch_until(&late);
    CHECK(weir_now() - begun >= SECOND / 20);
    CHECK_INT(late.status, WEIR_ETIMEOUT);
    CHECK(strstr(late.error.detail, "1 of 1 leased") != NULL);
    CHECK_INT(weir_release(registry, &held.lease, 0), 0);
    end();
}

static void a_handle_may_be_given_back_after_the_callback(void)
{
    struct told told;
    struct weir_request *request, *none = NULL;

    begin();
    CHECK_INT(start(&told, 5 * SECOND, &request), 0);
    dispatch_until(&told);
    CHECK(!weir_request_cancel(&request));
    CHECK(request == NULL);
    CHECK(!weir_request_cancel(&none));
    CHECK_INT(weir_release(registry, &told.lease, 0), 0);
    end();
}

/* One dispatch is bounded, and what is left rings again. */
static void a_dispatch_is_bounded(void)
{
    static struct told told[WEIR_DISPATCH_MAX + 1];

    begin();
    weir_registry_close(registry, weir_now());
    for (size_t i = 0; i <= WEIR_DISPATCH_MAX; i++)
        CHECK_INT(start(&told[i], SECOND, NULL), 0);
    CHECK(readable(0));
    CHECK_INT(weir_completions_dispatch(completions), WEIR_DISPATCH_MAX);
    CHECK(readable(0));
    CHECK_INT(weir_completions_dispatch(completions), 1);
    CHECK(!readable(0));
    CHECK_INT(told[WEIR_DISPATCH_MAX].status, WEIR_ECLOSED);
    end();
}

static void too_many_requests_are_refused(void)
{
    static struct told told;

    begin();
    weir_registry_close(registry, weir_now());
    for (size_t i = 0; i < WEIR_REQUESTS_MAX; i++)
        CHECK_INT(start(&told, SECOND, NULL), 0);
    CHECK_INT(start(&told, SECOND, NULL), WEIR_ELIMIT);
    CHECK(weir_completions_dispatch(completions) > 0);
    CHECK_INT(start(&told, SECOND, NULL), 0);
    end(); /* frees the queue with all the others in it, after the registry */
}

/* The second is cancelled from within the callback of the first, of the same dispatch. */
static struct weir_request *second;
static bool second_was_cancelled;

static void cancel_the_second(void *context, int status, const struct weir_lease *lease,
                              const struct weir_error *why)
{
    (void)lease, (void)why;
    second_was_cancelled = weir_request_cancel(&second);
    *(int *)context = status;
}

static void a_callback_may_cancel_another_request(void)
{
    struct told told;
    int first = 1;

    begin();
    weir_registry_close(registry, weir_now());
    CHECK_INT(weir_acquire_async(registry, "orders", NULL, weir_now() + SECOND, completions,
                                 cancel_the_second, &first, NULL, &error),
              0);
    CHECK_INT(start(&told, SECOND, &second), 0);
    CHECK_INT(weir_completions_dispatch(completions), 1);
    CHECK_INT(first, WEIR_ECLOSED);
    CHECK(second_was_cancelled);
    CHECK_INT(told.calls, 0);
    end();
}

static void try_never_waits(void)
{
    struct weir_lease held, lease;
    int status = WEIR_EAGAIN;

    begin();
    for (int64_t until = weir_now() + 5 * SECOND; status == WEIR_EAGAIN && weir_now() < until;) {
        status = weir_try_acquire(registry, "orders", NULL, &held, &error);
        sched_yield();
    }
    CHECK_INT(status, 0);
    int64_t begun = weir_now();
    CHECK_INT(weir_try_acquire(registry, "orders", NULL, &lease, &error), WEIR_EAGAIN);
    CHECK(lease.conn == NULL);
    CHECK_INT(error.status, WEIR_EAGAIN);
    CHECK(weir_now() - begun < SECOND);
    CHECK_INT(weir_release(registry, &held, 0), 0);
    end();
}

/* ---- Races ----------------------------------------------------------------------------------- */

static atomic_bool stop;

/* Somebody who takes the one connection again and again, so that grants come from this thread. */
static void *take_and_return(void *argument)
{
    struct weir_lease lease;

    (void)argument;
    while (!atomic_load(&stop))
        if (weir_acquire(registry, "orders", NULL, weir_now() + 5 * SECOND, &lease, NULL) == 0)
            weir_release(registry, &lease, 0);
    return NULL;
}

/*
 * Every request ends in exactly one way: cancelled, and then never called, or called once. Whatever
 * was granted to a cancelled one is not lost: the next acquire of the pool of one gets it.
 */
static void cancel_races_grant(void)
{
    pthread_t other;
    unsigned cancelled = 0, called = 0;

    begin();
    atomic_store(&stop, false);
    CHECK_INT(pthread_create(&other, NULL, take_and_return, NULL), 0);
    for (int i = 0; i < ROUNDS; i++) {
        struct told told;
        struct weir_request *request;
        CHECK_INT(start(&told, 5 * SECOND, &request), 0);
        for (int spin = i % 64; spin > 0; spin--)
            sched_yield();
        if (i % 3 == 0)
            weir_completions_dispatch(completions);
        bool dropped = weir_request_cancel(&request);
        weir_completions_dispatch(completions);
        CHECK_INT(told.calls, dropped ? 0 : 1);
        cancelled += dropped;
        called += !dropped;
        if (!dropped)
            CHECK_INT(weir_release(registry, &told.lease, 0), 0);
    }
    atomic_store(&stop, true);
    pthread_join(other, NULL);
    printf("# %u cancelled, %u called\n", cancelled, called);
    CHECK(cancelled > 0);
    end();
}

static void *cancel_from_elsewhere(void *argument)
{
    bool dropped = weir_request_cancel(argument);

    return dropped ? argument : NULL;
}

static void cancel_races_dispatch(void)
{
    begin();
    for (int i = 0; i < ROUNDS / 10; i++) {
        struct told told;
        struct weir_request *request;
        pthread_t other;
        void *dropped;
        CHECK_INT(start(&told, 5 * SECOND, &request), 0);
        CHECK(readable(5000));
        CHECK_INT(pthread_create(&other, NULL, cancel_from_elsewhere, &request), 0);
        weir_completions_dispatch(completions);
        pthread_join(other, &dropped);
        CHECK_INT(told.calls, dropped == NULL ? 1 : 0);
        if (dropped == NULL)
            CHECK_INT(weir_release(registry, &told.lease, 0), 0);
    }
    end();
}

/* I17: freed while grants come from another thread; no callback after, no lease left. */
static void free_races_grant(void)
{
    pthread_t other;

    begin();
    atomic_store(&stop, false);
    CHECK_INT(pthread_create(&other, NULL, take_and_return, NULL), 0);
    for (int i = 0; i < ROUNDS / 10; i++) {
        struct told told[8];
        struct weir_request *request;
        for (size_t n = 0; n < 7; n++)
            CHECK_INT(start(&told[n], 5 * SECOND, NULL), 0);
        CHECK_INT(start(&told[7], 5 * SECOND, &request), 0);
        for (int spin = i % 16; spin > 0; spin--)
            sched_yield();
        weir_completions_free(&completions);
        CHECK(weir_request_cancel(&request));
        for (size_t n = 0; n < 8; n++)
            CHECK_INT(told[n].calls, 0);
        CHECK_INT(weir_completions_new(&completions, &error), 0);
    }
    atomic_store(&stop, true);
    pthread_join(other, NULL);
    end();
}

/* puddle: a try-acquire that begins an open while the pool closes blocks the close for ever. */
static void *try_until_closed(void *argument)
{
    struct weir_lease lease;
    int status = 0;

    (void)argument;
    while (status != WEIR_ECLOSED) {
        status = weir_try_acquire(registry, "orders", NULL, &lease, NULL);
        if (status == 0)
            weir_release(registry, &lease, WEIR_ELOST);
    }
    return NULL;
}

static void try_racing_close_does_not_block_close(void)
{
    for (int i = 0; i < ROUNDS / 20; i++) {
        pthread_t threads[2];
        begin();
        for (size_t n = 0; n < 2; n++)
            CHECK_INT(pthread_create(&threads[n], NULL, try_until_closed, NULL), 0);
        for (int spin = i % 50; spin > 0; spin--)
            sched_yield();
        weir_registry_close(registry, weir_now() + SECOND);
        for (size_t n = 0; n < 2; n++)
            pthread_join(threads[n], NULL);
        end();
    }
}

TEST_MAIN(TEST(a_completion_makes_the_descriptor_readable), TEST(the_deadline_is_kept_and_says_why),
          TEST(a_handle_may_be_given_back_after_the_callback), TEST(a_dispatch_is_bounded),
          TEST(too_many_requests_are_refused), TEST(a_callback_may_cancel_another_request),
          TEST(try_never_waits), TEST(cancel_races_grant), TEST(cancel_races_dispatch),
          TEST(free_races_grant), TEST(try_racing_close_does_not_block_close))
