/* SPDX-License-Identifier: MIT */
/*
 * A bell: a descriptor that an event loop of any kind can watch, and that becomes readable when
 * another thread rings.
 */
#ifndef BASE_BELL_H
#define BASE_BELL_H

#include <weir/error.h>

struct bell {
    int fd; /* an eventfd */
};

/* WEIR_ERESOURCE if no descriptor can be had. */
int bell_init(struct bell *bell, struct weir_error *error);

/* Readable from now on, until it is silenced. Never blocks. */
void bell_ring(struct bell *bell);

void bell_silence(struct bell *bell);

/* Nobody may ring any more. */
void bell_fini(struct bell *bell);

#endif
