/* SPDX-License-Identifier: MIT */
/* A purse that must come out even, and checks of what is stored. */
#ifndef FUZZ_ENTER_H
#define FUZZ_ENTER_H

#include <stdbool.h>

#include "fuzz.h"
#include "json.h"
#include "payload.h"

#define PURSE_MAX (1u << 20)

static size_t held;

static bool purse_take(void *context, size_t bytes)
{
    (void)context;
    if (bytes > PURSE_MAX - held)
        return false;
    held += bytes;
    return true;
}

static void purse_give(void *context, size_t bytes)
{
    (void)context;
    PROMISE(bytes <= held);
    held -= bytes;
}

static const struct purse purse = {purse_take, purse_give, NULL};

static inline bool is_json(const char *text, size_t len)
{
    static const struct json_limits limits = {.depth = 1000, .string = SIZE_MAX};

    return json_check(text, len, &limits) == JSON_OK;
}

/* What was taken is what is there; then it goes. */
static inline void drop(struct payload *payload)
{
    PROMISE(payload->room == held && payload->len <= payload->room);
    payload_drop(payload, &purse);
    PROMISE(held == 0);
}

#endif
