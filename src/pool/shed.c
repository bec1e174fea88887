/* SPDX-License-Identifier: MIT */
/*
 * Owns: shedding by queue delay, for those who switched it on (shed_target): a line in which even
 * the shortest wait of a whole interval was above the target stands for overload, not for a burst;
 * then whoever has waited for twice the target is refused, oldest first. The idea is CoDel's
 * (Nichols and Jacobson, 2012), which tells good queues from bad ones by the least delay.
 * Never does: refuse before an interval has shown it, or while the line moves well.
 * Lock: the registry's, held by the caller.
 */
#include "pool.h"

#define SHED_SLACK                                                                 \
    2 /* times the target: so that what is left shows whether the overload is over \
       */

static int64_t target_of(const struct endpoint *endpoint)
{
    const struct version *version = endpoint_serving(endpoint);

    return version == NULL ? 0 : version->limits.shed_target;
}

static void begin_interval(struct endpoint *endpoint, int64_t now)
{
    endpoint->shed.least = CLOCK_NEVER;
    endpoint->shed.look_at = clock_add(now, endpoint_serving(endpoint)->limits.shed_interval);
}

/* A line that was empty was no overload. */
void shed_entered(struct endpoint *endpoint, int64_t now)
{
    if (target_of(endpoint) == 0 || endpoint->waiting > 0)
        return;
    endpoint->shed.overloaded = false;
    begin_interval(endpoint, now);
}

void shed_granted(struct endpoint *endpoint, int64_t wait)
{
    endpoint->shed.least = clock_min(endpoint->shed.least, wait);
}

static struct waiter *oldest(const struct endpoint *endpoint)
{
    return list_entry(list_first(&endpoint->waiters), struct waiter, link);
}

/* When the oldest has waited for too long. */
static int64_t over_at(const struct endpoint *endpoint)
{
    return clock_add(oldest(endpoint)->since, SHED_SLACK * target_of(endpoint));
}

void shed_run(struct endpoint *endpoint, int64_t now)
{
    struct shed *shed = &endpoint->shed;
    int64_t target = target_of(endpoint);

    if (target == 0 || endpoint->waiting == 0) {
        shed->overloaded = false;
        return;
    }
    if (endpoint->paused) { /* what is made to wait is no overload */
        shed->overloaded = false;
        begin_interval(endpoint, now);
        return;
    }
    if (now >= shed->look_at) {
        shed->overloaded = shed->least > target;
        begin_interval(endpoint, now);
    }
    while (shed->overloaded && endpoint->waiting > 0 && now >= over_at(endpoint))
        waiter_fail(oldest(endpoint), WEIR_ESHED);
}

int64_t shed_due(const struct endpoint *endpoint)
{
    if (target_of(endpoint) == 0 || endpoint->waiting == 0 || endpoint->paused)
        return CLOCK_NEVER;
    int64_t due = endpoint->shed.look_at;
    return endpoint->shed.overloaded ? clock_min(due, over_at(endpoint)) : due;
}
