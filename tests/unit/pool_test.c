/* SPDX-License-Identifier: MIT */
/* The public face of the registry: what it refuses and how, and what it says about time-outs. */
#include "test.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <weir/weir.h>

#define SECOND INT64_C(1000000000)

static atomic_int refuse_opens;

static int toy_open(void *conn, const struct weir_settings *settings, int64_t deadline,
                    struct weir_error *error)
{
    (void)conn, (void)settings, (void)deadline;
    return atomic_load(&refuse_opens) ? weir_fail(error, WEIR_ECONNECT, "nobody home") : 0;
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
    return 0;
}

static int toy_classify(const char *native)
{
    (void)native;
    return WEIR_EINTERNAL;
}

static const struct weir_setting keys[] = {{"host", WEIR_SETTING_STRING, 0, 0, 0, NULL, "where"},
                                           {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static const char *const aliases[] = {"plaything", NULL};

static const struct weir_driver toy = {.abi = WEIR_DRIVER_ABI,
                                       .name = "toy",
                                       .aliases = aliases,
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
static struct weir_error error;

static void begin(void)
{
    atomic_store(&refuse_opens, 0);
    CHECK_INT(weir_registry_new(&registry, NULL, &error), 0);
    CHECK_INT(weir_registry_add_driver(registry, &toy, &error), 0);
    CHECK_INT(weir_keeper_start(&keeper, registry, 0, &error), 0);
}

static void end(void)
{
    weir_registry_close(registry, weir_now() + SECOND);
    CHECK_INT(weir_keeper_drain(keeper, weir_now() + 5 * SECOND), 0);
    weir_keeper_stop(&keeper);
    weir_registry_free(&registry);
}

static struct weir_settings *toy_settings(const char *key, int64_t value)
{
    struct weir_settings *settings;

    CHECK_INT(weir_settings_new(&settings, "toy", NULL), 0);
    if (key != NULL)
        CHECK_INT(weir_settings_set_integer(settings, key, value, NULL), 0);
    return settings;
}

static int set(struct weir_change *change, const char *name, const char *key, int64_t value)
{
    struct weir_settings *settings = toy_settings(key, value);
    int status = weir_change_set(change, name, settings, &error);

    weir_settings_unref(&settings);
    return status;
}

static void configure(const char *name, const char *key, int64_t value)
{
    struct weir_change *change;

    CHECK_INT(weir_change_begin(registry, &change, &error), 0);
    CHECK_INT(set(change, name, key, value), 0);
    CHECK_INT(weir_change_commit(&change, &error), 0);
}

static void drivers_are_checked(void)
{
    struct weir_driver wrong = toy;

    begin();
    CHECK_INT(weir_registry_add_driver(registry, &toy, &error), WEIR_EINVAL);
    wrong.name = "other";
    CHECK_INT(weir_registry_add_driver(registry, &wrong, &error), WEIR_EINVAL); /* the alias */
    wrong.aliases = NULL;
    wrong.abi = WEIR_DRIVER_ABI + 1;
    CHECK_INT(weir_registry_add_driver(registry, &wrong, &error), WEIR_EINVAL);
    CHECK(weir_registry_driver(registry, "plaything") == &toy);
    CHECK(weir_registry_driver(registry, "nothing") == NULL);
    end();
}

static void changes_are_checked(void)
{
    struct weir_change *change, *second;
    struct weir_settings *settings;
    char name[WEIR_NAME_MAX + 2];

    begin();
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    CHECK_INT(weir_change_begin(registry, &change, &error), 0);
    CHECK_INT(weir_change_begin(registry, &second, &error), WEIR_EBUSY);
    CHECK(second == NULL);
    CHECK_INT(set(change, "", NULL, 0), WEIR_EINVAL);
    CHECK_INT(set(change, name, NULL, 0), WEIR_EINVAL);
    CHECK_INT(set(change, "a\nb", NULL, 0), WEIR_EINVAL);
    CHECK_INT(set(change, "bad\xff", NULL, 0), WEIR_EINVAL);
    CHECK_INT(set(change, "orders", "pool_max_size", 0), WEIR_EINVAL);
    CHECK_STRING(error.key, "pool_max_size");
    CHECK_INT(set(change, "orders", NULL, 0), 0);
    CHECK_INT(set(change, "orders", NULL, 0), WEIR_EINVAL);
    CHECK_INT(weir_change_drop(change, "orders", &error), WEIR_EINVAL);
    CHECK_INT(weir_change_drop(change, "billing", &error), WEIR_EUNKNOWN);
    CHECK_INT(weir_settings_new(&settings, "mystery", NULL), 0);
    CHECK_INT(weir_change_set(change, "mystery", settings, &error), WEIR_EDRIVER);
    weir_settings_unref(&settings);
    weir_change_abort(&change);
    CHECK(change == NULL);
    weir_change_abort(&change);
    end();
}

static void an_aborted_change_changes_nothing(void)
{
    struct weir_change *change;
    struct weir_lease lease;

    begin();
    CHECK_INT(weir_change_begin(registry, &change, &error), 0);
    CHECK_INT(set(change, "orders", NULL, 0), 0);
    CHECK_INT(weir_change_outcome(change, "orders"), WEIR_OUTCOME_ADDED);
    weir_change_abort(&change);
    CHECK_INT(weir_acquire(registry, "orders", NULL, weir_now() + SECOND, &lease, &error),
              WEIR_EUNKNOWN);
    CHECK(lease.conn == NULL);
    end();
}

static void lease_and_release(void)
{
    struct weir_lease lease, copy;

    begin();
    configure("orders", NULL, 0);
    CHECK_INT(weir_acquire(registry, "orders", NULL, weir_now() + 5 * SECOND, &lease, &error), 0);
    CHECK(lease.conn != NULL && lease.driver == &toy && lease.version == 1);
    copy = lease;
    CHECK_INT(weir_release(registry, &lease, 0), 0);
    CHECK(lease.conn == NULL);
    CHECK_INT(weir_release(registry, &copy, 0), WEIR_ESTALE);
    CHECK_INT(weir_release(registry, &lease, 0), WEIR_ESTALE);
    end();
}

static void foreign_release_is_refused(void)
{
    struct weir_registry *other;
    struct weir_lease lease, copy;

    begin();
    configure("orders", NULL, 0);
    CHECK_INT(weir_registry_new(&other, NULL, NULL), 0);
    CHECK_INT(weir_acquire(registry, "orders", NULL, weir_now() + 5 * SECOND, &lease, &error), 0);
    copy = lease;
    CHECK_INT(weir_release(other, &copy, 0), WEIR_ESTALE);
    CHECK_INT(weir_release(registry, &lease, 0), 0);
    weir_registry_close(other, 0);
    CHECK(weir_registry_drained(other));
    weir_registry_free(&other);
    end();
}

static void a_full_pool_times_out_and_says_so(void)
{
    struct weir_lease held, lease;
    int64_t begun;

    begin();
    configure("orders", NULL, 0);
    CHECK_INT(weir_acquire(registry, "orders", NULL, weir_now() + 5 * SECOND, &held, &error), 0);
    begun = weir_now();
    CHECK_INT(weir_acquire(registry, "orders", NULL, begun + SECOND / 20, &lease, &error),
              WEIR_ETIMEOUT);
    CHECK(weir_now() - begun >= SECOND / 20);
    CHECK_STRING(error.key, "");
    CHECK(strstr(error.detail, "1 of 1 leased") != NULL);
    CHECK_INT(weir_release(registry, &held, 0), 0);
    end();
}

static void a_dead_server_times_out_and_says_why(void)
{
    struct weir_lease lease;

    begin();
    atomic_store(&refuse_opens, 1);
    configure("orders", NULL, 0);
    CHECK_INT(weir_acquire(registry, "orders", NULL, weir_now() + SECOND / 5, &lease, &error),
              WEIR_ETIMEOUT);
    CHECK_STRING(error.key, "open");
    CHECK(strstr(error.detail, "nobody home") != NULL);
    end();
}

static void an_open_breaker_says_why_at_once(void)
{
    struct weir_settings *settings = toy_settings(NULL, 0);
    struct weir_change *change;
    struct weir_lease lease;
    int status = WEIR_ETIMEOUT;

    begin();
    atomic_store(&refuse_opens, 1);
    CHECK_INT(weir_settings_set_seconds(settings, "breaker_after", 0.1, NULL), 0);
    CHECK_INT(weir_change_begin(registry, &change, &error), 0);
    CHECK_INT(weir_change_set(change, "orders", settings, &error), 0);
    CHECK_INT(weir_change_commit(&change, &error), 0);
    weir_settings_unref(&settings);
    for (int64_t until = weir_now() + 5 * SECOND; status == WEIR_ETIMEOUT && weir_now() < until;)
        status = weir_acquire(registry, "orders", NULL, weir_now() + SECOND / 20, &lease, &error);
    CHECK_INT(status, WEIR_EUNAVAILABLE);
    CHECK_STRING(error.key, "open");
    CHECK(strstr(error.detail, "nobody home") != NULL);
    atomic_store(&refuse_opens, 0);
    for (int64_t until = weir_now() + 5 * SECOND; status != 0 && weir_now() < until;)
        status = weir_acquire(registry, "orders", NULL, weir_now() + SECOND / 20, &lease, &error);
    CHECK_INT(status, 0);
    CHECK_INT(weir_release(registry, &lease, 0), 0);
    end();
}

static void a_deadline_that_has_passed_takes_what_is_idle_or_nothing(void)
{
    struct weir_lease lease, other;

    begin();
    configure("orders", NULL, 0);
    CHECK_INT(weir_acquire(registry, "orders", NULL, weir_now() + 5 * SECOND, &lease, &error), 0);
    CHECK_INT(weir_acquire(registry, "orders", NULL, weir_now(), &other, &error), WEIR_ETIMEOUT);
    CHECK(strstr(error.detail, "1 of 1 leased, 0 idle") != NULL);
    CHECK_INT(weir_release(registry, &lease, 0), 0);
    CHECK_INT(weir_acquire(registry, "orders", NULL, weir_now(), &lease, &error), 0);
    CHECK_INT(weir_release(registry, &lease, 0), 0);
    end();
}

/* The counts of that moment, and why nothing could be opened. */
static void a_timeout_carries_the_counts_and_the_last_failed_open(void)
{
    struct weir_lease lease;

    begin();
    atomic_store(&refuse_opens, 1);
    configure("orders", NULL, 0);
    CHECK_INT(weir_acquire(registry, "orders", NULL, weir_now() + SECOND / 5, &lease, &error),
              WEIR_ETIMEOUT);
    CHECK_INT(error.status, WEIR_ETIMEOUT);
    CHECK(strstr(error.detail, "0 of 1 leased, 0 idle, ") != NULL);
    CHECK(strstr(error.detail, " closing; 1 waiting; last failed open: nobody home") != NULL);
    end();
}

/* The way without the lock included: what is idle stays idle. */
static void a_pause_makes_acquires_wait(void)
{
    struct weir_lease lease;

    begin();
    configure("orders", NULL, 0);
    CHECK_INT(weir_acquire(registry, "orders", NULL, weir_now() + 5 * SECOND, &lease, &error), 0);
    CHECK_INT(weir_release(registry, &lease, 0), 0);
    CHECK_INT(weir_pool_pause(registry, "orders", &error), 0);
    CHECK_INT(weir_try_acquire(registry, "orders", NULL, &lease, &error), WEIR_EAGAIN);
    CHECK_INT(weir_acquire(registry, "orders", NULL, weir_now() + SECOND / 20, &lease, &error),
              WEIR_ETIMEOUT);
    CHECK(strstr(error.detail, "0 of 1 leased, 1 idle, ") != NULL);
    CHECK(strstr(error.detail, "1 waiting; paused") != NULL);
    CHECK_INT(weir_pool_resume(registry, "orders", &error), 0);
    CHECK_INT(weir_acquire(registry, "orders", NULL, weir_now() + 5 * SECOND, &lease, &error), 0);
    CHECK_INT(weir_release(registry, &lease, 0), 0);
    CHECK_INT(weir_pool_pause(registry, "nobody", &error), WEIR_EUNKNOWN);
    CHECK(strstr(error.detail, "nobody") != NULL);
    end();
}

static void sizes_are_given_one_by_one(void)
{
    struct weir_lease first, second;

    begin();
    configure("orders", NULL, 0);
    CHECK_INT(weir_acquire(registry, "orders", NULL, weir_now() + 5 * SECOND, &first, &error), 0);
    CHECK_INT(weir_pool_resize(registry, "orders", 0, 2, &error), 0);
    CHECK_INT(weir_acquire(registry, "orders", NULL, weir_now() + 5 * SECOND, &second, &error), 0);
    CHECK_INT(second.version, first.version);
    CHECK_INT(weir_pool_resize(registry, "orders", 3, 2, &error), WEIR_EINVAL);
    CHECK_STRING(error.key, "pool_min_size");
    CHECK_INT(weir_pool_resize(registry, "nobody", 0, 2, &error), WEIR_EUNKNOWN);
    CHECK_INT(weir_release(registry, &first, 0), 0);
    CHECK_INT(weir_release(registry, &second, 0), 0);
    end();
}

static void a_full_line_refuses(void)
{
    struct weir_lease held, lease;

    begin();
    configure("orders", "max_waiters", 0);
    CHECK_INT(weir_acquire(registry, "orders", NULL, weir_now() + 5 * SECOND, &held, &error),
              WEIR_EWAITERS);
    configure("billing", "max_waiters", 1);
    CHECK_INT(weir_acquire(registry, "billing", NULL, weir_now() + 5 * SECOND, &held, &error), 0);
    CHECK_INT(weir_acquire(registry, "billing", NULL, weir_now() + SECOND / 50, &lease, &error),
              WEIR_ETIMEOUT);
    CHECK_INT(weir_release(registry, &held, 0), 0);
    end();
}

static void a_closed_registry_refuses_everything(void)
{
    struct weir_change *change;
    struct weir_lease lease;

    begin();
    configure("orders", NULL, 0);
    weir_registry_close(registry, weir_now());
    CHECK_INT(weir_acquire(registry, "orders", NULL, weir_now() + SECOND, &lease, &error),
              WEIR_ECLOSED);
    CHECK_INT(weir_change_begin(registry, &change, &error), WEIR_ECLOSED);
    end();
}

static void null_is_accepted_where_it_says_so(void)
{
    struct weir_pin *pin = NULL;
    struct weir_snapshot *snapshot = NULL;
    struct weir_registry *none = NULL;
    struct weir_keeper *no_keeper = NULL;

    weir_pin_unref(&pin);
    weir_snapshot_free(&snapshot);
    weir_registry_free(&none);
    weir_keeper_stop(&no_keeper);
    CHECK_STRING(weir_event_name(WEIR_EVENT_VERSION_SWITCHED), "version-switched");
    CHECK_STRING(weir_version_state_name(WEIR_VERSION_DEPRECATED), "deprecated");
}

TEST_MAIN(TEST(drivers_are_checked), TEST(changes_are_checked),
          TEST(an_aborted_change_changes_nothing), TEST(lease_and_release),
          TEST(foreign_release_is_refused), TEST(a_full_pool_times_out_and_says_so),
          TEST(a_dead_server_times_out_and_says_why), TEST(an_open_breaker_says_why_at_once),
          TEST(a_deadline_that_has_passed_takes_what_is_idle_or_nothing),
          TEST(a_timeout_carries_the_counts_and_the_last_failed_open),
          TEST(a_pause_makes_acquires_wait), TEST(sizes_are_given_one_by_one),
          TEST(a_full_line_refuses), TEST(a_closed_registry_refuses_everything),
          TEST(null_is_accepted_where_it_says_so))
