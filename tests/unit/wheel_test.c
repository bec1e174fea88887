/* SPDX-License-Identifier: MIT */
/* The timing wheel: nothing expires early, nothing is forgotten, however the clock moves. */
#include "test.h"

#include <stdlib.h>

#include "clock.h"
#include "random.h"
#include "wheel.h"

#define ENTRIES 200

static struct wheel wheel;
static struct entry {
    struct wheel_entry timer;
    int64_t expired_at; /* 0: not yet */
} entries[ENTRIES];
static int64_t now;

static void expire(struct wheel_entry *timer)
{
    list_entry(timer, struct entry, timer)->expired_at = now;
}

static void turn_to(int64_t at)
{
    now = at;
    wheel_turn(&wheel, now, expire);
}

static void begin(void)
{
    now = 1000 * CLOCK_SECOND + 12345;
    wheel_init(&wheel, now);
    for (size_t i = 0; i < ENTRIES; i++) {
        wheel_entry_init(&entries[i].timer);
        entries[i].expired_at = 0;
    }
}

static void expires_within_a_tick(void)
{
    begin();
    int64_t deadline = now + CLOCK_SECOND;
    wheel_set(&wheel, &entries[0].timer, deadline);
    while (entries[0].expired_at == 0 && now < deadline + CLOCK_SECOND)
        turn_to(now + CLOCK_MS);
    CHECK(entries[0].expired_at >= deadline);
    CHECK(entries[0].expired_at <= deadline + WHEEL_TICK);
}

static void moves_deadlines_both_ways(void)
{
    begin();
    int64_t start = now;
    wheel_set(&wheel, &entries[0].timer, start + 10 * CLOCK_SECOND);
    wheel_set(&wheel, &entries[0].timer, start + CLOCK_SECOND); /* earlier */
    wheel_set(&wheel, &entries[1].timer, start + CLOCK_SECOND);
    wheel_set(&wheel, &entries[1].timer, start + 100 * CLOCK_SECOND); /* later */
    wheel_set(&wheel, &entries[2].timer, start + CLOCK_SECOND);
    wheel_set(&wheel, &entries[2].timer, CLOCK_NEVER);
    wheel_set(&wheel, &entries[3].timer, start + CLOCK_SECOND);
    wheel_remove(&entries[3].timer);
    wheel_set(&wheel, &entries[4].timer, start - CLOCK_SECOND); /* past already */
    while (now < start + 200 * CLOCK_SECOND)
        turn_to(now + WHEEL_TICK);
    CHECK(entries[0].expired_at >= start + CLOCK_SECOND);
    CHECK(entries[0].expired_at <= start + CLOCK_SECOND + 2 * WHEEL_TICK);
    CHECK(entries[1].expired_at >= start + 100 * CLOCK_SECOND);
    CHECK(entries[1].expired_at <= start + 100 * CLOCK_SECOND + 2 * WHEEL_TICK);
    CHECK(entries[2].expired_at == 0 && entries[3].expired_at == 0);
    CHECK(entries[4].expired_at != 0 && entries[4].expired_at <= start + 2 * WHEEL_TICK);
}

/* After any pause one turn is enough for all that is due. */
static void catches_up(void)
{
    begin();
    int64_t start = now;
    for (int64_t i = 0; i < ENTRIES; i++)
        wheel_set(&wheel, &entries[i].timer, start + i * CLOCK_SECOND);
    turn_to(start + 100 * CLOCK_SECOND + 2 * WHEEL_TICK);
    for (int64_t i = 0; i < ENTRIES; i++)
        CHECK((entries[i].expired_at != 0) == (i <= 100));
    turn_to(start + 1000000 * CLOCK_SECOND);
    for (int64_t i = 0; i < ENTRIES; i++)
        CHECK(entries[i].expired_at != 0);
}

static void agrees_with_a_plain_list(void)
{
    uint64_t state = 42;

    begin();
    for (int round = 0; round < 20000; round++) {
        struct entry *entry = &entries[random_between(&state, 0, ENTRIES - 1)];
        int64_t deadline = now + random_between(&state, 0, 60 * CLOCK_SECOND);
        entry->expired_at = 0;
        wheel_set(&wheel, &entry->timer, deadline);
        turn_to(now + random_between(&state, 0, round % 100 == 0 ? 30 * CLOCK_SECOND : WHEEL_TICK));
        for (size_t i = 0; i < ENTRIES; i++) {
            const struct entry *at = &entries[i];
            if (at->timer.deadline == CLOCK_NEVER)
                continue;
            CHECK(at->expired_at == 0 || at->expired_at >= at->timer.deadline);
            CHECK(at->expired_at != 0 || now <= at->timer.deadline + 2 * WHEEL_TICK);
        }
    }
}

TEST_MAIN(TEST(expires_within_a_tick), TEST(moves_deadlines_both_ways), TEST(catches_up),
          TEST(agrees_with_a_plain_list))
