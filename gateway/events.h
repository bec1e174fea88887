/* SPDX-License-Identifier: MIT */
/* What the registry observes, as lines of the log. */
#ifndef GATEWAY_EVENTS_H
#define GATEWAY_EVENTS_H

#include <weir/observe.h>

/* A weir_observer. */
void events_log(void *context, const struct weir_event *event);

#endif
