/* SPDX-License-Identifier: MIT */
/*
 * I18: a child never touches the parent's backend connections, and never hangs, wherever the
 * parent's threads were when it was forked. It uses the library for itself.
 */
#include "test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/weir.h>

#define SECOND  INT64_C(1000000000)
#define CALLERS 4
#define FORKS   60

/* Seen by parent and children alike. */
static struct {
    atomic_uint calls;      /* of the driver, in any process */
    atomic_uint trespasses; /* in another process than the one that opened */
} * seen;

struct toy_conn {
    pid_t opener;
};

static void enter(const struct toy_conn *conn)
{
    atomic_fetch_add(&seen->calls, 1);
    if (conn->opener != getpid())
        atomic_fetch_add(&seen->trespasses, 1);
}

static int toy_open(void *bytes, const struct weir_settings *settings, int64_t deadline,
                    struct weir_error *error)
{
    struct toy_conn *conn = bytes;

    (void)settings, (void)deadline, (void)error;
    conn->opener = getpid();
    enter(conn);
    return 0;
}

static int toy_check(void *conn, int64_t deadline, struct weir_error *error)
{
    (void)deadline, (void)error;
    enter(conn);
    return 0;
}

static int toy_reset(void *conn, int64_t deadline, struct weir_error *error)
{
    return toy_check(conn, deadline, error);
}

static void toy_interrupt(void *conn, int64_t deadline)
{
    (void)deadline;
    enter(conn);
}

static int toy_close(void *conn, int64_t deadline)
{
    (void)deadline;
    enter(conn);
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
                                       .conn_size = sizeof(struct toy_conn),
                                       .settings = keys,
                                       .min_size = 1,
                                       .max_size = 2,
                                       .open = toy_open,
                                       .check = toy_check,
                                       .reset = toy_reset,
                                       .interrupt = toy_interrupt,
                                       .close = toy_close,
                                       .classify = toy_classify};

static struct weir_registry *registry;
static struct weir_keeper *keeper;
static struct weir_completions *completions;
static struct weir_pin *pin;
static struct weir_error error;

static int configure(struct weir_registry *to, const char *name)
{
    struct weir_settings *settings;
    struct weir_change *change;
    int status = weir_settings_new(&settings, "toy", NULL);

    if (status == 0)
        status = weir_change_begin(to, &change, NULL);
    if (status == 0)
        status = weir_change_set(change, name, settings, NULL);
    if (status == 0)
        status = weir_change_commit(&change, NULL);
    weir_settings_unref(&settings);
    return status;
}

static void begin(void)
{
    seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(seen != MAP_FAILED);
    CHECK_INT(weir_registry_new(&registry, NULL, &error), 0);
    CHECK_INT(weir_registry_add_driver(registry, &toy, &error), 0);
    CHECK_INT(weir_keeper_start(&keeper, registry, 0, &error), 0);
    CHECK_INT(configure(registry, "orders"), 0);
    CHECK_INT(weir_completions_new(&completions, &error), 0);
    CHECK_INT(weir_pin_new(registry, &pin, &error), 0);
}

static void end(void)
{
    weir_completions_free(&completions);
    weir_pin_unref(&pin);
    weir_registry_close(registry, weir_now() + SECOND);
    CHECK_INT(weir_keeper_drain(keeper, weir_now() + 5 * SECOND), 0);
    weir_keeper_stop(&keeper);
    weir_registry_free(&registry);
    CHECK_INT(atomic_load(&seen->trespasses), 0);
    munmap(seen, sizeof(*seen));
}

/* ---- In the child ---------------------------------------------------------------------------- */

static void nobody(void *context, int status, const struct weir_lease *lease,
                   const struct weir_error *why)
{
    (void)context, (void)status, (void)lease, (void)why;
    _exit(20);
}

#define EXPECT(condition)    \
    do {                     \
        if (!(condition))    \
            _exit(__LINE__); \
    } while (0)

/* Everything that takes the parent's registry. */
static void refused_in_the_child(struct weir_lease *lease, struct weir_request *request)
{
    struct weir_lease other;
    struct weir_change *change;
    struct weir_snapshot *snapshot;
    struct weir_pin *another;
    int64_t deadline = weir_now() + SECOND;

    EXPECT(weir_acquire(registry, "orders", NULL, deadline, &other, &error) == WEIR_EFORKED);
    EXPECT(other.conn == NULL && error.status == WEIR_EFORKED);
    EXPECT(weir_try_acquire(registry, "orders", NULL, &other, NULL) == WEIR_EFORKED);
    EXPECT(weir_acquire_async(registry, "orders", NULL, deadline, completions, nobody, NULL, NULL,
                              NULL) == WEIR_EFORKED);
    EXPECT(weir_release(registry, lease, 0) == WEIR_EFORKED && lease->conn == NULL);
    EXPECT(weir_change_begin(registry, &change, NULL) == WEIR_EFORKED);
    EXPECT(weir_snapshot_take(registry, &snapshot, NULL) == WEIR_EFORKED);
    EXPECT(weir_pin_new(registry, &another, NULL) == WEIR_EFORKED);
    EXPECT(weir_registry_add_driver(registry, &toy, NULL) == WEIR_EFORKED);
    EXPECT(weir_pool_pause(registry, "orders", NULL) == WEIR_EFORKED);
    EXPECT(weir_pool_recycle(registry, "orders", NULL) == WEIR_EFORKED);
    EXPECT(weir_pool_resize(registry, "orders", 0, 1, NULL) == WEIR_EFORKED);
    EXPECT(weir_registry_driver(registry, "toy") == NULL);
    EXPECT(weir_completions_dispatch(completions) == 0);
    EXPECT(weir_request_cancel(&request));
    EXPECT(weir_registry_tick(registry, weir_now()) == WEIR_NEVER);
    EXPECT(!weir_registry_work(registry));
}

/* As a program would that cleans up in any case. */
static void ended_in_the_child(void)
{
    weir_pin_unref(&pin);
    weir_completions_free(&completions);
    weir_registry_close(registry, weir_now());
    EXPECT(weir_registry_drained(registry));
    EXPECT(weir_keeper_drain(keeper, weir_now() + SECOND) == WEIR_EFORKED);
    weir_keeper_stop(&keeper);
    weir_registry_free(&registry);
    EXPECT(keeper == NULL && registry == NULL && completions == NULL && pin == NULL);
}

/* Its own registry, worked by hand. */
static void lived_in_the_child(void)
{
    struct weir_registry *own;
    struct weir_lease lease;
    int status = WEIR_EAGAIN;

    EXPECT(weir_registry_new(&own, NULL, NULL) == 0);
    EXPECT(weir_registry_add_driver(own, &toy, NULL) == 0);
    EXPECT(configure(own, "orders") == 0);
    for (int i = 0; i < 10 && status == WEIR_EAGAIN; i++) {
        status = weir_try_acquire(own, "orders", NULL, &lease, NULL);
        while (weir_registry_work(own))
            ;
    }
    EXPECT(status == 0);
    EXPECT(((struct toy_conn *)lease.conn)->opener == getpid());
    EXPECT(weir_release(own, &lease, 0) == 0);
    weir_registry_close(own, weir_now());
    while (weir_registry_work(own))
        ;
    EXPECT(weir_registry_drained(own));
    weir_registry_free(&own);
}

/* The line of this file where the child gave up, or 0; the alarm ends one that hangs. */
static int child_of(struct weir_lease *lease, struct weir_request *request)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        alarm(20);
        refused_in_the_child(lease, request);
        ended_in_the_child();
        lived_in_the_child();
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* ---- Cases ----------------------------------------------------------------------------------- */

static atomic_bool stop;

static void *take_and_return(void *argument)
{
    struct weir_lease lease;

    (void)argument;
    while (!atomic_load(&stop))
        if (weir_acquire(registry, "orders", NULL, weir_now() + 5 * SECOND, &lease, NULL) == 0)
            weir_release(registry, &lease, rand() % 8 == 0 ? WEIR_ELOST : 0);
    return NULL;
}

static void keep(void *context, int status, const struct weir_lease *lease,
                 const struct weir_error *why)
{
    (void)why;
    if (status == 0)
        *(struct weir_lease *)context = *lease;
}

static void a_child_never_touches_the_parents_connections(void)
{
    struct weir_lease lease, granted = {.conn = NULL};
    struct weir_request *request;

    begin();
    CHECK_INT(weir_acquire(registry, "orders", NULL, weir_now() + 5 * SECOND, &lease, &error), 0);
    CHECK_INT(weir_acquire_async(registry, "orders", NULL, weir_now() + 5 * SECOND, completions,
                                 keep, &granted, &request, &error),
              0);
    CHECK_INT(child_of(&lease, request), 0);
    CHECK_INT(weir_release(registry, &lease, 0), 0); /* still the parent's */
    CHECK(weir_request_cancel(&request));
    end();
}

/* Some of the children are born while another thread holds a lock, or is half-way through. */
static void a_child_never_hangs_wherever_the_threads_were(void)
{
    pthread_t threads[CALLERS];

    begin();
    atomic_store(&stop, false);
    for (int i = 0; i < CALLERS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, take_and_return, NULL), 0);
    for (int i = 0; i < FORKS; i++) {
        struct weir_lease lease = {.conn = NULL};
        struct weir_request *request;
        CHECK_INT(weir_acquire_async(registry, "orders", NULL, weir_now() + 5 * SECOND, completions,
                                     keep, &lease, &request, &error),
                  0);
        struct weir_lease copy = lease;
        int line = child_of(&copy, request);
        if (!weir_request_cancel(&request) && lease.conn != NULL)
            weir_release(registry, &lease, 0);
        CHECK_INT(line, 0);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < CALLERS; i++)
        pthread_join(threads[i], NULL);
    CHECK(atomic_load(&seen->calls) > FORKS);
    end();
}

TEST_MAIN(TEST(a_child_never_touches_the_parents_connections),
          TEST(a_child_never_hangs_wherever_the_threads_were))
