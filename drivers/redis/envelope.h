/* SPDX-License-Identifier: MIT */
/* A webhook as one JSON object: id, webhook_id, received_at, headers, payload. */
#ifndef DRIVERS_REDIS_ENVELOPE_H
#define DRIVERS_REDIS_ENVELOPE_H

#include <weir/sink.h>

/* The object's text, the caller's to free, and its length; NULL without memory. */
char *envelope_new(const struct weir_item *item, size_t *len);

#endif
