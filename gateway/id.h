/* SPDX-License-Identifier: MIT */
/* Webhook ids: UUIDv7 (RFC 9562), which sort by the time they were made. */
#ifndef GATEWAY_ID_H
#define GATEWAY_ID_H

#include <weir/sink.h>

/*
 * A new id as text, WEIR_ID_LEN bytes and a NUL. Ids of one process ascend: within a millisecond
 * the 12 bits beside the time count on (RFC 9562, section 6.2, method 1), and past that the time
 * runs ahead. The other 62 bits are random. Any thread.
 */
void id_make(char id[WEIR_ID_LEN + 1]);

#endif
