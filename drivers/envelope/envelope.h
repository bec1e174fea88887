/* SPDX-License-Identifier: MIT */
/* A webhook as one JSON object: id, webhook_id, received_at, headers, payload. */
#ifndef DRIVERS_ENVELOPE_H
#define DRIVERS_ENVELOPE_H

#include <stdbool.h>

#include <weir/sink.h>

/*
 * The object's text, the caller's to free, and its length, with or without "headers"; NULL without
 * memory. There is room for one more byte behind it.
 */
char *envelope_new(const struct weir_item *item, bool headers, size_t *len);

#endif
