/* SPDX-License-Identifier: MIT */
/*
 * Owns: "rate_limit" in webhooks.json: one limit, or an array of them.
 * Never does: count (rate.c). Lock: none.
 */
#include "config_pace.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"

#define REQUESTS_MAX 1000000000
#define SPAN_MAX     86400.0

static const char *const by_names[] = {[PACE_BY_WEBHOOK] = "webhook",
                                       [PACE_BY_ADDRESS] = "address",
                                       [PACE_BY_CREDENTIAL] = "credential"};

static bool problem(const struct source *source, const char *base, const char *key,
                    const char *message)
{
    char pointer[SOURCE_POINTER_MAX];

    source_pointer(pointer, base, key);
    source_problem(source, pointer, key, "%s", message);
    return false;
}

/* A whole number from 1 on; `fallback` if it is not there and that is not 0. */
static bool read_count(unsigned *out, const struct source *source, const json_t *object,
                       const char *base, const char *key, unsigned fallback)
{
    const json_t *value = json_object_get(object, key);
    json_int_t number = value == NULL ? fallback : json_integer_value(value);

    *out = (unsigned)number;
    if ((value == NULL || json_is_integer(value)) && number >= 1 && number <= REQUESTS_MAX)
        return true;
    return problem(source, base, key, "must be a whole number from 1 to 1000000000");
}

static bool read_span(int64_t *out, const struct source *source, const json_t *object,
                      const char *base)
{
    const json_t *value = json_object_get(object, "per");
    double seconds = value == NULL ? 1 : json_number_value(value);

    *out = clock_from_seconds(seconds > 0 ? seconds : 0);
    if (*out > 0 && seconds <= SPAN_MAX)
        return true;
    return problem(source, base, "per", "must be a number of seconds above 0 and at most 86400");
}

static bool read_by(enum pace_by *out, const struct config_webhook *webhook,
                    const struct source *source, const json_t *object, const char *base)
{
    const json_t *value = json_object_get(object, "by");
    const char *text = value == NULL ? "webhook" : json_string_value(value);

    for (size_t i = 0; text != NULL && i < sizeof(by_names) / sizeof(by_names[0]); i++) {
        if (strcmp(text, by_names[i]) != 0)
            continue;
        *out = (enum pace_by)i;
        if (*out != PACE_BY_CREDENTIAL || guard_can_identify(webhook->guard))
            return true;
        return problem(source, base, "by", "needs a check in auth that has a secret or a key");
    }
    return problem(source, base, "by", "must be webhook, address or credential");
}

/* A bucket is found again after a reload, as long as the limit is the same. */
static bool make_salt(struct pace_limit *limit, const struct config_webhook *webhook,
                      const json_t *object)
{
    uint8_t digest[SHA256_LEN];
    struct sha256 hash;
    char *text = json_dumps(object, JSON_SORT_KEYS | JSON_COMPACT);

    if (text == NULL)
        return false;
    sha256_init(&hash);
    sha256_update(&hash, webhook->path, strlen(webhook->path) + 1);
    sha256_update(&hash, text, strlen(text));
    sha256_final(&hash, digest);
    memcpy(limit->salt, digest, sizeof(limit->salt));
    free(text);
    return true;
}

static bool read_limit(struct config_webhook *webhook, const struct source *source,
                       const json_t *object, const char *base)
{
    static const char *const known[] = {"requests", "per", "burst", "by", NULL};
    struct pace_limit limit = {.by = PACE_BY_WEBHOOK};
    unsigned requests, burst;
    int64_t span;

    if (!json_is_object(object)) {
        source_problem(source, base, "rate_limit", "must be an object");
        return false;
    }
    source_check_keys(source, object, base, known);
    bool good = read_count(&requests, source, object, base, "requests", 0);
    good = read_count(&burst, source, object, base, "burst", good ? requests : 1) && good;
    good = read_span(&span, source, object, base) && good;
    good = read_by(&limit.by, webhook, source, object, base) && good;
    if (good && !make_salt(&limit, webhook, object)) {
        source_problem(source, base, NULL, "out of memory");
        good = false;
    }
    if (!good)
        return false;
    limit.rate = rate_limit_of(requests, span, burst);
    webhook->pace.limits[webhook->pace.count++] = limit;
    return true;
}

static bool read_list(struct config_webhook *webhook, const struct source *source,
                      const json_t *list, const char *base)
{
    char pointer[SOURCE_POINTER_MAX], index[24];
    bool good = true;

    if (json_array_size(list) < 1 || json_array_size(list) > RATE_LIMITS_MAX) {
        source_problem(source, base, "rate_limit", "must be one limit, or an array of 1 to %d",
                       RATE_LIMITS_MAX);
        return false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        snprintf(index, sizeof(index), "%zu", i);
        source_pointer(pointer, base, index);
        good = read_limit(webhook, source, json_array_get(list, i), pointer) && good;
    }
    return good;
}

bool config_read_pace(struct config_webhook *webhook, const struct source *source,
                      const json_t *entry, const char *base)
{
    char pointer[SOURCE_POINTER_MAX];
    const json_t *value = json_object_get(entry, "rate_limit");

    if (value == NULL)
        return true;
    source_pointer(pointer, base, "rate_limit");
    return json_is_array(value) ? read_list(webhook, source, value, pointer)
                                : read_limit(webhook, source, value, pointer);
}
