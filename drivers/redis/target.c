/* SPDX-License-Identifier: MIT */
/*
 * Owns: the options of a Redis module: which fit together, and what they mean.
 * Never does: talk to a server. Lock: none; a target does not change.
 */
#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct weir_setting redis_options[] = {
    {"mode", WEIR_SETTING_STRING, 0, 0, 0, "stream", "stream, list or publish"},
    {"key", WEIR_SETTING_STRING, 0, 0, 0, "webhook_events", "of the stream or list"},
    {"channel", WEIR_SETTING_STRING, 0, 0, 0, "webhook_events", "to publish to"},
    {"maxlen", WEIR_SETTING_INTEGER, 0, 1, 1e15, NULL, "of a stream, roughly"},
    {"push", WEIR_SETTING_STRING, 0, 0, 0, "right", "end at which a list grows: right or left"},
    {"format", WEIR_SETTING_STRING, 0, 0, 0, "raw", "of list and publish: raw or envelope"},
    {"wait_replicas", WEIR_SETTING_INTEGER, 0, 0, 1000, "0", "WAIT until so many have it"},
    {"wait_aof", WEIR_SETTING_BOOLEAN, 0, 0, 0, "false", "WAITAOF (Redis 7.2)"},
    {"wait_timeout", WEIR_SETTING_SECONDS, 0, 0, WEIR_SECONDS_MAX, "5", "for both"},
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

/* Which value of `words` the option has; -1 and an error if none. */
static int choose(const struct weir_settings *options, const char *key, const char *const *words,
                  struct weir_error *error)
{
    const char *value = weir_settings_string(options, key, words[0]);

    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], value) == 0)
            return i;
    weir_fail_key(error, WEIR_EINVAL, key, "must be %s, %s%s%s", words[0], words[1],
                  words[2] == NULL ? "" : " or ", words[2] == NULL ? "" : words[2]);
    return -1;
}

/* Options that mean nothing in this mode are mistakes. */
static int check_mode(enum redis_mode mode, const struct weir_settings *options,
                      struct weir_error *error)
{
    static const struct {
        const char *key;
        unsigned modes; /* bits */
    } fits[] = {{"key", 1u << REDIS_STREAM | 1u << REDIS_LIST},
                {"channel", 1u << REDIS_PUBLISH},
                {"maxlen", 1u << REDIS_STREAM},
                {"push", 1u << REDIS_LIST},
                {"format", 1u << REDIS_LIST | 1u << REDIS_PUBLISH},
                {"wait_replicas", 1u << REDIS_STREAM | 1u << REDIS_LIST},
                {"wait_aof", 1u << REDIS_STREAM | 1u << REDIS_LIST},
                {"wait_timeout", 1u << REDIS_STREAM | 1u << REDIS_LIST}};

    for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++)
        if (weir_settings_has(options, fits[i].key) && (fits[i].modes & 1u << mode) == 0)
            return weir_fail_key(error, WEIR_EINVAL, fits[i].key, "has no meaning in this mode");
    return 0;
}

static int read_key(struct weir_target *target, const struct weir_settings *options,
                    struct weir_error *error)
{
    static const char *const places[] = {"webhook_id", "path", "id", NULL};
    const char *name = target->mode == REDIS_PUBLISH ? "channel" : "key";
    const char *key = weir_settings_string(options, name, "webhook_events");
    const char *wrong = key[0] == '\0' ? "is empty" : template_compile(&target->key, key, places);

    if (wrong != NULL)
        return weir_fail_key(error, WEIR_EINVAL, name, "%s; places are {webhook_id} {path} {id}",
                             wrong);
    return 0;
}

static int read_options(struct weir_target *target, const struct weir_settings *options,
                        struct weir_error *error)
{
    static const char *const modes[] = {"stream", "list", "publish", NULL};
    static const char *const ends[] = {"right", "left", NULL};
    static const char *const formats[] = {"raw", "envelope", NULL};
    int mode = choose(options, "mode", modes, error);
    int end = choose(options, "push", ends, error);
    int format = choose(options, "format", formats, error);

    if (mode < 0 || end < 0 || format < 0)
        return WEIR_EINVAL;
    target->mode = (enum redis_mode)mode;
    target->left = end == 1;
    target->envelope = format == 1;
    target->replicas = weir_settings_integer(options, "wait_replicas", 0);
    target->aof = weir_settings_boolean(options, "wait_aof", false);
    target->wait_ms = (int64_t)(weir_settings_seconds(options, "wait_timeout", 5) * 1000.0 + 0.999);
    if (weir_settings_has(options, "maxlen"))
        snprintf(target->maxlen, sizeof(target->maxlen), "%lld",
                 (long long)weir_settings_integer(options, "maxlen", 0));
    int status = check_mode(target->mode, options, error);
    return status != 0 ? status : read_key(target, options, error);
}

int redis_target_new(struct weir_target **out, const struct weir_settings *options,
                     struct weir_error *error)
{
    int status = weir_settings_check_options(options, redis_options, error);

    *out = NULL;
    if (status != 0)
        return status;
    struct weir_target *target = calloc(1, sizeof(*target));
    if (target == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    status = read_options(target, options, error);
    if (status == 0)
        *out = target;
    else
        free(target);
    return status;
}

void redis_target_free(struct weir_target **target)
{
    free(*target);
    *target = NULL;
}

bool redis_target_key(const struct weir_target *target, const struct weir_item *item,
                      char key[REDIS_KEY_MAX], size_t *len)
{
    const char *values[] = {item->webhook_id, item->path, item->id};

    *len = template_expand(&target->key, values, key, REDIS_KEY_MAX);
    return *len != SIZE_MAX;
}
