/* SPDX-License-Identifier: MIT */
/* Token buckets, on a clock of the test's own, and the crowd. */
#include "test.h"

#include <stdlib.h>

#include "clock.h"
#include "crowd.h"
#include "rate.h"

static struct rates *rates;

static struct rate_demand demand(const struct rate_limit *limit, uint32_t number)
{
    struct rate_demand one = {.limit = limit};

    memcpy(one.key, &number, sizeof(number));
    one.key[RATE_KEY_LEN - 1] = 1;
    return one;
}

static int64_t ask(const struct rate_limit *limit, uint32_t number, int64_t now)
{
    struct rate_demand one = demand(limit, number);

    return rates_take(rates, &one, 1, now);
}

static void takes_a_burst_and_then_its_rate(void)
{
    const struct rate_limit limit = rate_limit_of(10, CLOCK_SECOND, 5);
    int64_t now = 1000 * CLOCK_SECOND;

    rates = rates_new();
    CHECK(rates != NULL);
    for (int i = 0; i < 5; i++)
        CHECK_INT(ask(&limit, 1, now), 0);
    CHECK_INT(ask(&limit, 1, now), CLOCK_SECOND / 10);
    CHECK_INT(ask(&limit, 1, now + CLOCK_SECOND / 10 - 1), 1);
    CHECK_INT(ask(&limit, 1, now + CLOCK_SECOND / 10), 0);
    CHECK_INT(ask(&limit, 1, now + CLOCK_SECOND / 10), CLOCK_SECOND / 10);
    CHECK_INT(ask(&limit, 2, now), 0); /* another's */
    /* Full again, and not fuller than that, however long it takes. */
    now += 3600 * CLOCK_SECOND;
    for (int i = 0; i < 5; i++)
        CHECK_INT(ask(&limit, 1, now), 0);
    CHECK(ask(&limit, 1, now) > 0);
    rates_free(&rates);
    CHECK(rates == NULL);
}

static void keeps_to_its_rate_over_time(void)
{
    const struct rate_limit limit = rate_limit_of(7, CLOCK_SECOND, 3);
    int taken = 0;

    rates = rates_new();
    for (int64_t now = 0; now < 100 * CLOCK_SECOND; now += 10 * CLOCK_MS)
        taken += ask(&limit, 1, now) == 0;
    CHECK(taken >= 700 && taken <= 703);
    rates_free(&rates);
}

static void takes_from_all_buckets_or_from_none(void)
{
    const struct rate_limit wide = rate_limit_of(100, CLOCK_SECOND, 100);
    const struct rate_limit narrow = rate_limit_of(1, 60 * CLOCK_SECOND, 1);
    struct rate_demand both[] = {demand(&wide, 1), demand(&narrow, 2)};

    rates = rates_new();
    CHECK_INT(rates_take(rates, both, 2, 0), 0);
    for (int i = 0; i < 1000; i++)
        CHECK_INT(rates_take(rates, both, 2, 0), 60 * CLOCK_SECOND);
    for (int i = 0; i < 99; i++) /* those that were refused have taken nothing */
        CHECK_INT(ask(&wide, 1, 0), 0);
    CHECK(ask(&wide, 1, 0) > 0);
    rates_free(&rates);
}

static void many_others_do_not_free_a_sender(void)
{
    const struct rate_limit limit = rate_limit_of(1, 60 * CLOCK_SECOND, 3);
    const uint32_t sets = RATE_PLACES_MAX / 8;

    rates = rates_new();
    for (int i = 0; i < 3; i++)
        CHECK_INT(ask(&limit, 1, 0), 0);
    CHECK(ask(&limit, 1, 0) > 0);
    for (uint32_t i = 1; i < 100; i++) /* all of one set */
        CHECK_INT(ask(&limit, 1 + i * sets, 0), 0);
    CHECK(ask(&limit, 1, 0) > 0);
    rates_free(&rates);
}

static void who_is_refused_takes_nobodys_place(void)
{
    const struct rate_limit webhook = rate_limit_of(1, CLOCK_SECOND, 1);
    const struct rate_limit sender = rate_limit_of(1, 60 * CLOCK_SECOND, 1);
    const uint32_t sets = RATE_PLACES_MAX / 8;

    rates = rates_new();
    CHECK_INT(ask(&webhook, 1, 0), 0);
    for (uint32_t i = 1; i < 8; i++) /* the rest of its set */
        CHECK_INT(ask(&sender, 1 + i * sets, 0), 0);
    for (uint32_t i = 8; i < 100; i++) {
        struct rate_demand both[] = {demand(&webhook, 1), demand(&sender, 1 + i * sets)};
        CHECK_INT(rates_take(rates, both, 2, 0), CLOCK_SECOND);
    }
    for (uint32_t i = 1; i < 8; i++)
        CHECK(ask(&sender, 1 + i * sets, 0) > 0);
    rates_free(&rates);
}

static void survives_the_greatest_numbers(void)
{
    const struct rate_limit slow = rate_limit_of(1, 86400 * CLOCK_SECOND, 1000000000);
    const struct rate_limit fast = rate_limit_of(1000000000, 1, 1);

    rates = rates_new();
    for (int i = 0; i < 1000; i++)
        CHECK_INT(ask(&slow, 1, CLOCK_NEVER / 2), 0);
    CHECK_INT(fast.interval, 1);
    CHECK_INT(ask(&fast, 2, 10), 0);
    CHECK_INT(ask(&fast, 2, 10), 1);
    rates_free(&rates);
}

/* ---- The crowd ------------------------------------------------------------------------------- */

static struct address address(const char *text)
{
    struct address out;

    CHECK(address_parse(&out, text, strlen(text)));
    return out;
}

static void counts_clients_by_their_address(void)
{
    struct crowd *crowd = crowd_new();
    struct address one = address("192.0.2.1"), other = address("192.0.2.2");

    CHECK(crowd != NULL);
    for (int i = 0; i < 3; i++)
        CHECK(crowd_enter(crowd, &one, 3));
    CHECK(!crowd_enter(crowd, &one, 3));
    CHECK(crowd_enter(crowd, &other, 3));
    crowd_leave(crowd, &one);
    CHECK(crowd_enter(crowd, &one, 3));
    CHECK(!crowd_enter(crowd, &one, 3));
    for (int i = 0; i < 3; i++)
        crowd_leave(crowd, &one);
    crowd_leave(crowd, &other);
    crowd_free(&crowd);
    crowd_free(&crowd);
}

static void a_site_is_a_slash_64(void)
{
    struct crowd *crowd = crowd_new();
    struct address here = address("2001:db8:1:2::1"), near = address("2001:db8:1:2:ffff::9");
    struct address far = address("2001:db8:1:3::1");

    CHECK(crowd_enter(crowd, &here, 1));
    CHECK(!crowd_enter(crowd, &near, 1));
    CHECK(crowd_enter(crowd, &far, 1));
    crowd_leave(crowd, &near);
    crowd_leave(crowd, &far);
    crowd_free(&crowd);
}

static void holds_thousands_of_addresses(void)
{
    struct crowd *crowd = crowd_new();
    char text[32];

    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 20000; i++) {
            snprintf(text, sizeof(text), "10.1.%d.%d", i / 200, i % 200);
            struct address one = address(text);
            if (round == 0)
                CHECK(crowd_enter(crowd, &one, 1));
            else
                crowd_leave(crowd, &one);
        }
    crowd_free(&crowd);
}

TEST_MAIN(TEST(takes_a_burst_and_then_its_rate), TEST(keeps_to_its_rate_over_time),
          TEST(takes_from_all_buckets_or_from_none), TEST(many_others_do_not_free_a_sender),
          TEST(who_is_refused_takes_nobodys_place), TEST(survives_the_greatest_numbers),
          TEST(counts_clients_by_their_address), TEST(a_site_is_a_slash_64),
          TEST(holds_thousands_of_addresses))
