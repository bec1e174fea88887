/* SPDX-License-Identifier: MIT */
/*
 * Owns: what a status means for a delivery: its end, or when and how it is tried again.
 * Never does: settle or queue anything (queue.c). Lock: none; nothing is kept here.
 */
#include "fate.h"

#include "clock.h"

#define PAUSE_FIRST (2 * CLOCK_MS) /* doubled with each further attempt */
#define PAUSE_MAX   (250 * CLOCK_MS)

enum fate fate_of(const struct delivery *delivery, int status, int64_t now)
{
    switch (weir_remedy(status)) {
    case WEIR_REMEDY_NONE:
        if (status == 0)
            return FATE_STORED;
        return status == WEIR_ENOMEM ? FATE_FAILED : FATE_BUG;
    case WEIR_REMEDY_REJECT: return FATE_REJECTED;
    case WEIR_REMEDY_OPERATOR: return FATE_FAILED;
    default: break;
    }
    bool over = now >= delivery->webhook->expires_at || atomic_load(&delivery->webhook->abandoned);
    return over ? FATE_FAILED : FATE_AGAIN;
}

/* The first try on another backend connection is made at once; after that, patience grows. */
int64_t fate_pause(const struct delivery *delivery, int status)
{
    bool lost = weir_remedy(status) == WEIR_REMEDY_RECONNECT;
    unsigned shift = delivery->attempts < 7 ? delivery->attempts : 7;

    if (lost && delivery->attempts <= 1)
        return 0;
    return clock_min(PAUSE_FIRST << shift, PAUSE_MAX);
}

static bool is_the_servers(int status)
{
    return status == WEIR_ERESOURCE || status == WEIR_ECROWDED || status == WEIR_EDOWN ||
           status == WEIR_EREADONLY;
}

size_t fate_share(const struct delivery *delivery, int status, size_t count)
{
    if (delivery->attempts <= 1 || is_the_servers(status))
        return delivery->share;
    return count > 1 ? count / 2 : 1;
}
