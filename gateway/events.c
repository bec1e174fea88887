/* SPDX-License-Identifier: MIT */
/*
 * Owns: turning registry events into log lines. Never does: act on one. Lock: none.
 */
#include "events.h"

#include <stdio.h>

#include "log.h"

static enum log_level level_of(const struct weir_event *event)
{
    switch (event->type) {
    case WEIR_EVENT_PROBE_FAILED:
    case WEIR_EVENT_OPEN_FAILED:
    case WEIR_EVENT_BREAKER_OPENED:
    case WEIR_EVENT_CHECK_FAILED:
    case WEIR_EVENT_CONNECTIONS_RETIRED:
    case WEIR_EVENT_CLOSE_LINGERED:
    case WEIR_EVENT_LEASE_LEAKED:
    case WEIR_EVENT_VERSION_EXPIRED: return LOG_WARNING;
    case WEIR_EVENT_BAD_RELEASE:
    case WEIR_EVENT_EVENTS_LOST: return LOG_ERROR;
    default: return LOG_INFO;
    }
}

void events_log(void *context, const struct weir_event *event)
{
    const struct weir_error *error = &event->error;
    char version[16], count[24];

    (void)context;
    snprintf(version, sizeof(version), "%u", event->version);
    snprintf(count, sizeof(count), "%llu", (unsigned long long)event->count);
    log_event(level_of(event), weir_event_name(event->type), "connection", event->connection,
              "version", event->version == 0 ? NULL : version, "count",
              event->count == 0 ? NULL : count, "status",
              error->status == 0 ? NULL : weir_status_name(error->status), "native",
              error->native[0] == '\0' ? NULL : error->native, "detail",
              error->detail[0] == '\0' ? NULL : error->detail, NULL);
}
