/* SPDX-License-Identifier: MIT */
/*
 * Owns: a webhook's memory, its references, and gathering what became of its deliveries.
 * Never does: change what came in. Lock: none; what several threads change is atomic.
 */
#include "webhook.h"

#include <stdlib.h>

#include "id.h"

struct webhook *webhook_new(struct config *config, const struct config_webhook *entry, char *body,
                            size_t body_len, char *headers, size_t headers_len, int64_t received_at,
                            int64_t now)
{
    size_t count = entry->modules_count;
    struct webhook *webhook = calloc(1, sizeof(*webhook) + count * sizeof(struct delivery));

    if (webhook == NULL) {
        free(body);
        free(headers);
        return NULL;
    }
    id_make(webhook->id);
    webhook->received_at = received_at;
    webhook->accepted_at = now;
    webhook->expires_at = now + config->server.request_timeout;
    webhook->config = config_ref(config);
    webhook->entry = entry;
    webhook->body = body;
    webhook->body_len = body_len;
    webhook->headers = headers;
    webhook->headers_len = headers_len;
    list_init(&webhook->link);
    list_init(&webhook->mail.link);
    atomic_init(&webhook->refs, 1 + (unsigned)count);
    atomic_init(&webhook->unsettled, (unsigned)count);
    for (size_t i = 0; i < count; i++) {
        webhook->deliveries[i].webhook = webhook;
        webhook->deliveries[i].module = &entry->modules[i];
        webhook->deliveries[i].receivers = -1;
        list_init(&webhook->deliveries[i].link);
    }
    return webhook;
}

void webhook_unref(struct webhook **at)
{
    struct webhook *webhook = *at;

    *at = NULL;
    if (webhook == NULL || atomic_fetch_sub_explicit(&webhook->refs, 1, memory_order_acq_rel) != 1)
        return;
    config_unref(&webhook->config);
    free(webhook->body);
    free(webhook->headers);
    free(webhook->delivery_id);
    free(webhook);
}

void webhook_settle(struct delivery *delivery, enum outcome outcome)
{
    struct webhook *webhook = delivery->webhook;
    int before = atomic_load(&webhook->outcome);

    delivery->outcome = outcome;
    while (before < (int)outcome &&
           !atomic_compare_exchange_weak(&webhook->outcome, &before, (int)outcome))
        continue;
    /* The origin's reference lasts until it has opened this mail. */
    if (atomic_fetch_sub(&webhook->unsettled, 1) == 1)
        mailbox_post(webhook->origin, &webhook->mail);
    webhook_unref(&webhook);
}

int64_t webhook_receivers(const struct webhook *webhook)
{
    int64_t receivers = -1;

    for (size_t i = 0; i < webhook->entry->modules_count; i++)
        if (webhook->deliveries[i].receivers >= 0)
            receivers = (receivers < 0 ? 0 : receivers) + webhook->deliveries[i].receivers;
    return receivers;
}

const char *webhook_field(const struct webhook *webhook)
{
    for (size_t i = 0; i < webhook->entry->modules_count; i++)
        if (webhook->deliveries[i].outcome == OUTCOME_REJECTED)
            return webhook->deliveries[i].field;
    return NULL;
}
