/* SPDX-License-Identifier: MIT */
/*
 * Owns: how often the log hears of refusals.
 * Never does: count for the metrics; forget one without a word. Lock: none; the loop's thread.
 */
#include "storm.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

#define OTHERS_KIND 1

static const struct timeval look = {.tv_sec = 1};

/* FNV-1a, after Fowler, Noll and Vo. */
static uint64_t mix(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return hash;
}

static uint64_t kind_of(const struct storm_case *one)
{
    uint64_t hash = mix(UINT64_C(14695981039346656037), one->code);

    if (one->webhook != NULL)
        hash = mix(hash ^ '/', one->webhook);
    return hash > OTHERS_KIND ? hash : OTHERS_KIND + 1;
}

/* The kind's own place, or a free one for it. */
static struct storm *place_of(struct storms *storms, uint64_t kind, int64_t now)
{
    struct storm *vacant = NULL;

    for (size_t i = 0; i < STORMS_MAX; i++) {
        struct storm *storm = &storms->items[i];
        if (storm->kind == kind)
            return storm;
        if (storm->kind == 0 || (storm->untold == 0 && now >= storm->quiet_until))
            vacant = storm;
    }
    if (vacant == NULL)
        vacant = &storms->others;
    else
        *vacant = (struct storm){.kind = kind};
    return vacant;
}

static void describe(struct storm *storm, const struct storm_case *one)
{
    storm->code = one->code;
    storm->client = *one->client;
    snprintf(storm->webhook, sizeof(storm->webhook), "%s",
             one->webhook == NULL ? "" : one->webhook);
    snprintf(storm->detail, sizeof(storm->detail), "%s", one->detail == NULL ? "" : one->detail);
}

static void tell(struct storm *storm, int64_t now)
{
    char client[ADDRESS_TEXT_MAX], count[24];

    address_text(&storm->client, client);
    snprintf(count, sizeof(count), "%" PRIu64, storm->untold);
    log_event(LOG_WARNING, "request-refused", "webhook",
              storm->webhook[0] == '\0' ? NULL : storm->webhook, "code", storm->code, "client",
              client, "count", count, "detail", storm->detail[0] == '\0' ? NULL : storm->detail,
              NULL);
    storm->untold = 0;
    storm->quiet_until = clock_add(now, STORM_QUIET);
}

void storms_add(struct storms *storms, const struct storm_case *one, int64_t now)
{
    struct storm *storm = place_of(storms, kind_of(one), now);

    storm->untold++;
    describe(storm, storm == &storms->others ? &(struct storm_case){.code = "several",
                                                                    .client = one->client,
                                                                    .detail = "of many kinds"}
                                             : one);
    if (now >= storm->quiet_until)
        tell(storm, now);
    else if (!event_pending(storms->timer, EV_TIMEOUT, NULL))
        event_add(storms->timer, &look);
}

/* True if there still is something untold. */
static bool tell_if_due(struct storm *storm, int64_t now)
{
    if (storm->untold > 0 && now >= storm->quiet_until)
        tell(storm, now);
    return storm->untold > 0;
}

void storms_tell(struct storms *storms, int64_t now)
{
    bool more = tell_if_due(&storms->others, now);

    for (size_t i = 0; i < STORMS_MAX; i++)
        more = tell_if_due(&storms->items[i], now) || more;
    if (more)
        event_add(storms->timer, &look);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    storms_tell(context, clock_now());
}

int storms_init(struct storms *storms, struct event_base *base)
{
    memset(storms, 0, sizeof(*storms));
    storms->others.kind = OTHERS_KIND;
    storms->timer = event_new(base, -1, 0, on_timer, storms);
    return storms->timer == NULL ? WEIR_ENOMEM : 0;
}

void storms_fini(struct storms *storms)
{
    if (storms->timer == NULL)
        return;
    storms_tell(storms, CLOCK_NEVER);
    event_free(storms->timer);
    storms->timer = NULL;
}
