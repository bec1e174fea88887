/* SPDX-License-Identifier: MIT */
/*
 * Owns: the breaker of an endpoint: when acquires are refused because none can be opened.
 * Never does: open anything; endpoint_settle goes on trying while it is open, one at a time, with
 * back-off, so that nobody has to fail first. Who waits already is not refused.
 * Lock: the registry's, held by the caller.
 */
#include "pool.h"

bool breaker_trips(const struct version *version)
{
    const unsigned *counts = version->counts;

    return version->failing && counts[CONN_LIVE] + counts[CONN_STALE] + counts[CONN_CHECKING] == 0;
}

static int64_t opens_at(const struct breaker *breaker, const struct version *version)
{
    return clock_add(breaker->failing_since, version->limits.breaker_after);
}

static void close_it(struct endpoint *endpoint, int64_t now)
{
    if (endpoint->breaker.opened_at != 0)
        events_add(endpoint->registry, WEIR_EVENT_BREAKER_CLOSED, endpoint,
                   endpoint->breaker.version, 0, NULL, now);
    endpoint->breaker = (struct breaker){.version = 0};
}

/* A version that took over has not failed yet, whatever the one before it did. */
void breaker_run(struct endpoint *endpoint, int64_t now)
{
    struct breaker *breaker = &endpoint->breaker;
    const struct version *version = endpoint_serving(endpoint);

    if (version == NULL || !version->failing || version->limits.breaker_after == 0) {
        close_it(endpoint, now);
        return;
    }
    if (breaker->failing_since == 0 || breaker->version != version->number) {
        close_it(endpoint, now);
        breaker->version = version->number;
        breaker->failing_since = now;
    }
    if (breaker->opened_at != 0 || now < opens_at(breaker, version) || !breaker_trips(version))
        return;
    breaker->opened_at = now;
    events_add(endpoint->registry, WEIR_EVENT_BREAKER_OPENED, endpoint, version->number, 0,
               &version->last_error, now);
}

/*
 * With the breaker closed: none is left, none is being opened, and the next attempt comes only
 * after the deadline (a staging version may take over earlier).
 */
int breaker_verdict(const struct endpoint *endpoint, int64_t until, int64_t now)
{
    const struct version *version = endpoint_serving(endpoint);

    if (endpoint->paused)
        return 0; /* whoever asks for a pause wants others to wait */
    if (endpoint->breaker.opened_at != 0)
        return WEIR_EUNAVAILABLE;
    bool hopeless = breaker_trips(version) && version->counts[CONN_OPENING] == 0 &&
                    endpoint->staging == NULL && now < version->retry_at &&
                    until <= version->retry_at;
    return hopeless ? WEIR_ETIMEOUT : 0;
}

int64_t breaker_due(const struct endpoint *endpoint, int64_t now)
{
    const struct breaker *breaker = &endpoint->breaker;
    const struct version *version = endpoint_serving(endpoint);

    if (version == NULL || breaker->failing_since == 0 || breaker->opened_at != 0)
        return CLOCK_NEVER;
    int64_t due = opens_at(breaker, version);
    return due > now ? due : CLOCK_NEVER;
}
