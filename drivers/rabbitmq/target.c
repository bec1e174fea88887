/* SPDX-License-Identifier: MIT */
/*
 * Owns: the options of a RabbitMQ module: which fit together, and what they mean.
 * Never does: talk to a broker. Lock: none; a target does not change.
 */
#include "target.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

const struct weir_setting rabbit_options[] = {
    {"queue_name", WEIR_SETTING_STRING, 0, 0, 0, "webhook_events", "the queue to publish to"},
    {"queue_type", WEIR_SETTING_STRING, 0, 0, 0, "quorum",
     "quorum or classic, if the queue has to be made"},
    {"exchange", WEIR_SETTING_STRING, 0, 0, 0, NULL, "an exchange, instead of a queue"},
    {"routing_key", WEIR_SETTING_STRING, 0, 0, 0, "", "for the exchange"},
    {"passive", WEIR_SETTING_BOOLEAN, 0, 0, 0, "false", "true: never make the queue"},
    {"mandatory", WEIR_SETTING_BOOLEAN, 0, 0, 0, "true",
     "false: what no queue takes counts as stored"},
    {"headers", WEIR_SETTING_BOOLEAN, 0, 0, 0, "true", "HTTP headers become AMQP headers"},
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static int check_names(const struct weir_settings *options, struct weir_error *error)
{
    static const char *const names[] = {"queue_name", "exchange"};
    const char *type = weir_settings_string(options, "queue_type", "quorum");
    bool has_exchange = weir_settings_has(options, "exchange");

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *name = weir_settings_string(options, names[i], "name");
        if (name[0] == '\0' || strlen(name) >= RABBIT_NAME_MAX)
            return weir_fail_key(error, WEIR_EINVAL, names[i], "must be 1 to %d bytes",
                                 RABBIT_NAME_MAX - 1);
    }
    if (strcmp(type, "quorum") != 0 && strcmp(type, "classic") != 0)
        return weir_fail_key(error, WEIR_EINVAL, "queue_type", "must be quorum or classic");
    if (has_exchange && weir_settings_has(options, "queue_name"))
        return weir_fail_key(error, WEIR_EINVAL, "queue_name",
                             "cannot stand beside exchange: bind the queue to it at the broker");
    if (has_exchange && weir_settings_has(options, "queue_type"))
        return weir_fail_key(error, WEIR_EINVAL, "queue_type", "has no meaning with an exchange");
    if (!has_exchange && weir_settings_has(options, "routing_key"))
        return weir_fail_key(error, WEIR_EINVAL, "routing_key", "has no meaning without exchange");
    return 0;
}

static void copy(char to[RABBIT_NAME_MAX], const char *name)
{
    memcpy(to, name, strlen(name) + 1);
}

static int read_routing(struct weir_target *target, const struct weir_settings *options,
                        struct weir_error *error)
{
    static const char *const places[] = {"webhook_id", "path", "id", NULL};
    const char *key = weir_settings_string(options, "routing_key", "");

    if (!weir_settings_has(options, "exchange")) {
        copy(target->queue, weir_settings_string(options, "queue_name", "webhook_events"));
        return 0;
    }
    copy(target->exchange, weir_settings_string(options, "exchange", ""));
    const char *wrong = template_compile(&target->routing_key, key, places);
    if (wrong != NULL)
        return weir_fail_key(error, WEIR_EINVAL, "routing_key",
                             "%s; places are {webhook_id} {path} {id}", wrong);
    return 0;
}

int rabbit_target_new(struct weir_target **out, const struct weir_settings *options,
                      struct weir_error *error)
{
    int status = weir_settings_check_options(options, rabbit_options, error);

    *out = NULL;
    if (status == 0)
        status = check_names(options, error);
    if (status != 0)
        return status;
    struct weir_target *target = calloc(1, sizeof(*target));
    if (target == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    target->quorum = strcmp(weir_settings_string(options, "queue_type", "quorum"), "quorum") == 0;
    target->passive = weir_settings_boolean(options, "passive", false);
    target->mandatory = weir_settings_boolean(options, "mandatory", true);
    target->headers = weir_settings_boolean(options, "headers", true);
    status = read_routing(target, options, error);
    if (status == 0)
        *out = target;
    else
        free(target);
    return status;
}

void rabbit_target_free(struct weir_target **target)
{
    free(*target);
    *target = NULL;
}

bool rabbit_target_key(const struct weir_target *target, const struct weir_item *item,
                       char key[RABBIT_NAME_MAX])
{
    const char *values[] = {item->webhook_id, item->path, item->id};

    if (target->exchange[0] != '\0')
        return template_expand(&target->routing_key, values, key, RABBIT_NAME_MAX) != SIZE_MAX;
    copy(key, target->queue);
    return true;
}
