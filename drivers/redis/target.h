/* SPDX-License-Identifier: MIT */
/* What a Redis module of the configuration asks for, checked. */
#ifndef DRIVERS_REDIS_TARGET_H
#define DRIVERS_REDIS_TARGET_H

#include <stdbool.h>
#include <weir/sink.h>

#include "template.h"

#define REDIS_KEY_MAX 2048 /* bytes of a key or channel, its places filled in, with the NUL */

enum redis_mode { REDIS_STREAM, REDIS_LIST, REDIS_PUBLISH };

struct weir_target {
    enum redis_mode mode;
    struct template key; /* or channel */
    bool left;           /* a list grows at its head */
    bool envelope;       /* a JSON object rather than the body alone */
    char maxlen[24];     /* of a stream, roughly; "": none */
    int64_t replicas;    /* WAIT for so many; 0: none */
    bool aof;            /* WAITAOF: until it is in the append-only file */
    int64_t wait_ms;     /* at most, for either */
};

extern const struct weir_setting redis_options[];

int redis_target_new(struct weir_target **out, const struct weir_settings *options,
                     struct weir_error *error);
void redis_target_free(struct weir_target **target);

/* The key for an item, into key; false if it is too long. */
bool redis_target_key(const struct weir_target *target, const struct weir_item *item,
                      char key[REDIS_KEY_MAX], size_t *len);

#endif
