/* SPDX-License-Identifier: MIT */
/*
 * Owns: the way from a request to the buckets it is counted in.
 * Never does: count one that the guard has turned away. Lock: none of its own.
 */
#include "pace.h"

#include <string.h>

#include "clock.h"
#include "config.h"
#include "crowd.h"
#include "door.h"
#include "intake.h"
#include "knock.h"
#include "loop.h"

#define RETRY_MAX 86400 /* seconds that a sender is told to wait, at most */

/* Whose bucket it is. */
static void make_key(const struct rates *rates, const struct pace_limit *limit,
                     const struct config_webhook *entry, const struct guard_request *seen,
                     uint8_t key[RATE_KEY_LEN])
{
    uint8_t digest[SHA256_LEN];
    struct sha256 hash;

    sha256_init(&hash);
    sha256_update(&hash, rates_secret(rates), RATE_KEY_LEN);
    sha256_update(&hash, limit->salt, sizeof(limit->salt));
    if (limit->by == PACE_BY_ADDRESS) {
        struct address site = crowd_site(&seen->client);
        sha256_update(&hash, site.bytes, sizeof(site.bytes));
    } else if (limit->by == PACE_BY_CREDENTIAL) {
        guard_identify(entry->guard, seen, digest);
        sha256_update(&hash, digest, sizeof(digest));
    }
    sha256_final(&hash, digest);
    memcpy(key, digest, RATE_KEY_LEN);
}

static int64_t take(struct intake *intake, const struct config_webhook *entry,
                    const struct guard_request *seen)
{
    struct rate_demand demands[RATE_LIMITS_MAX];
    struct rates *rates = intake->loop->gateway->rates;
    const struct pace *pace = &entry->pace;

    for (size_t i = 0; i < pace->count; i++) {
        demands[i].limit = &pace->limits[i].rate;
        make_key(rates, &pace->limits[i], entry, seen, demands[i].key);
    }
    return rates_take(rates, demands, pace->count, clock_now());
}

/* Whole seconds, rounded up. */
static unsigned retry_after(int64_t wait)
{
    int64_t seconds = (wait - 1) / CLOCK_SECOND + 1;

    return seconds > RETRY_MAX ? RETRY_MAX : (unsigned)seconds;
}

bool pace_allows(struct intake *intake, const struct config_webhook *entry, struct request *request,
                 struct answer *answer)
{
    if (entry->pace.count == 0 || request->paced)
        return true;
    request->paced = true;
    struct guard_request seen = knock_describe(intake, entry, request);
    int64_t wait = take(intake, entry, &seen);
    if (wait == 0)
        return true;
    const struct storm_case one = {.webhook = entry->id,
                                   .code = "rate-limited",
                                   .client = &seen.client,
                                   .detail = "rate_limit"};
    atomic_fetch_add(&intake->loop->gateway->metrics.rate_limited, 1);
    storms_add(&intake->storms, &one, clock_now());
    answer_problem(answer, ANSWER_RATE_LIMITED, NULL);
    answer->retry_after = retry_after(wait);
    return false;
}
