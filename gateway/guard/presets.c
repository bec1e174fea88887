/* SPDX-License-Identifier: MIT */
/*
 * Owns: what weir knows of providers, as data for the engine in verdict.c; docs/signatures.md says
 * where each is documented.
 * Never does: hold a secret. Lock: none.
 */
#include "presets.h"

#include <string.h>

#include "text.h"

#define STANDARD(first, second)                                                                  \
    "{\"header\":[\"" first "-signature\",\"" second "-signature\"],\"separator\":\" \","        \
    "\"assign\":\",\",\"encoding\":\"base64\",\"content\":\"{id}.{timestamp}.{body}\","          \
    "\"id_header\":[\"" first "-id\",\"" second "-id\"],"                                        \
    "\"timestamp_header\":[\"" first "-timestamp\",\"" second "-timestamp\"],\"tolerance\":300," \
    "\"schemes\":[{\"pick\":\"v1\",\"algorithm\":\"hmac-sha256\",\"key\":\"whsec\"},"            \
    "{\"pick\":\"v1a\",\"algorithm\":\"ed25519\",\"key\":\"whpk\"}]}"

static const struct preset presets[] = {
    {"bitbucket", "Bitbucket: HMAC-SHA256 of the body, hex",
     "{\"header\":\"X-Hub-Signature\",\"prefix\":\"{hash}=\",\"algorithm\":\"hmac-sha256\","
     "\"id_header\":\"X-Request-UUID\"}"},
    {"discord", "Discord: Ed25519 of timestamp and body, hex; the key is in hex",
     "{\"header\":\"X-Signature-Ed25519\",\"algorithm\":\"ed25519\",\"key\":\"hex\","
     "\"content\":\"{timestamp}{body}\",\"timestamp_header\":\"X-Signature-Timestamp\"}"},
    {"gitea", "Gitea, Forgejo: HMAC-SHA256 of the body, bare hex",
     "{\"header\":\"X-Gitea-Signature\",\"algorithm\":\"hmac-sha256\","
     "\"id_header\":\"X-Gitea-Delivery\"}"},
    {"github", "GitHub: HMAC-SHA256 (or, configured, 512) of the body, hex behind \"sha256=\"",
     "{\"header\":[\"X-Hub-Signature-256\",\"X-Hub-Signature-512\"],\"prefix\":\"{hash}=\","
     "\"algorithm\":\"hmac-sha256\",\"id_header\":\"X-GitHub-Delivery\"}"},
    {"github-sha1", "GitHub's older header: HMAC-SHA1 of the body, hex behind \"sha1=\"",
     "{\"header\":\"X-Hub-Signature\",\"prefix\":\"{hash}=\",\"algorithm\":\"hmac-sha1\","
     "\"id_header\":\"X-GitHub-Delivery\"}"},
    {"gitlab", "GitLab: the secret itself in X-Gitlab-Token",
     "{\"header\":\"X-Gitlab-Token\",\"algorithm\":\"equal\","
     "\"id_header\":[\"Idempotency-Key\",\"X-Gitlab-Event-UUID\"]}"},
    {"gogs", "Gogs: HMAC-SHA256 of the body, bare hex",
     "{\"header\":\"X-Gogs-Signature\",\"algorithm\":\"hmac-sha256\","
     "\"id_header\":\"X-Gogs-Delivery\"}"},
    {"hubspot-v1", "HubSpot: SHA-256 of secret and body, hex",
     "{\"header\":\"X-HubSpot-Signature\",\"algorithm\":\"sha256\","
     "\"content\":\"{secret}{body}\"}"},
    {"hubspot-v2", "HubSpot: SHA-256 of secret, method, URL and body, hex",
     "{\"header\":\"X-HubSpot-Signature\",\"algorithm\":\"sha256\","
     "\"content\":\"{secret}{method}{url}{body}\"}"},
    {"hubspot-v3", "HubSpot: HMAC-SHA256 of method, URL, body and timestamp, base64",
     "{\"header\":\"X-HubSpot-Signature-v3\",\"algorithm\":\"hmac-sha256\","
     "\"encoding\":\"base64\",\"content\":\"{method}{url_decoded}{body}{timestamp}\","
     "\"timestamp_header\":\"X-HubSpot-Request-Timestamp\",\"timestamp_unit\":\"ms\","
     "\"tolerance\":300}"},
    {"line", "LINE: HMAC-SHA256 of the body, base64",
     "{\"header\":\"X-Line-Signature\",\"algorithm\":\"hmac-sha256\",\"encoding\":\"base64\"}"},
    {"linear", "Linear: HMAC-SHA256 of the body, hex; the timestamp is in the body",
     "{\"header\":\"Linear-Signature\",\"algorithm\":\"hmac-sha256\","
     "\"timestamp_body\":\"/webhookTimestamp\",\"timestamp_unit\":\"ms\",\"tolerance\":60,"
     "\"id_header\":\"Linear-Delivery\"}"},
    {"mailgun", "Mailgun: HMAC-SHA256 of timestamp and token, hex; all of it in the body",
     "{\"body\":\"/signature/signature\",\"algorithm\":\"hmac-sha256\","
     "\"content\":\"{timestamp}{body:/signature/token}\","
     "\"timestamp_body\":\"/signature/timestamp\",\"tolerance\":300,"
     "\"id_body\":\"/signature/token\"}"},
    {"paddle", "Paddle: HMAC-SHA256 of timestamp, colon and body, hex",
     "{\"header\":\"Paddle-Signature\",\"separator\":\";\",\"pick\":\"h1\","
     "\"algorithm\":\"hmac-sha256\",\"content\":\"{timestamp}:{body}\","
     "\"timestamp_pick\":\"ts\",\"tolerance\":5,\"id_body\":\"/event_id\"}"},
    {"sendgrid", "SendGrid events: ECDSA P-256 of timestamp and body, base64",
     "{\"header\":\"X-Twilio-Email-Event-Webhook-Signature\",\"algorithm\":\"ecdsa-p256\","
     "\"encoding\":\"base64\",\"key\":\"spki\",\"content\":\"{timestamp}{body}\","
     "\"timestamp_header\":\"X-Twilio-Email-Event-Webhook-Timestamp\"}"},
    {"shopify", "Shopify: HMAC-SHA256 of the body, base64",
     "{\"header\":[\"X-Shopify-Hmac-Sha256\",\"Shopify-Hmac-Sha256\"],"
     "\"algorithm\":\"hmac-sha256\",\"encoding\":\"base64\","
     "\"id_header\":[\"X-Shopify-Webhook-Id\",\"Shopify-Webhook-Id\"]}"},
    {"slack", "Slack: HMAC-SHA256 of \"v0:\", timestamp, colon and body, hex behind \"v0=\"",
     "{\"header\":\"X-Slack-Signature\",\"prefix\":\"v0=\",\"algorithm\":\"hmac-sha256\","
     "\"content\":\"v0:{timestamp}:{body}\","
     "\"timestamp_header\":\"X-Slack-Request-Timestamp\",\"tolerance\":300,"
     "\"id_body\":\"/event_id\"}"},
    {"square", "Square: HMAC-SHA256 of the URL and the body, base64",
     "{\"header\":\"X-Square-HmacSha256-Signature\",\"algorithm\":\"hmac-sha256\","
     "\"encoding\":\"base64\",\"content\":\"{url}{body}\",\"id_body\":\"/event_id\"}"},
    {"standard-webhooks", "Standard Webhooks: v1 (HMAC-SHA256, whsec_) and v1a (Ed25519, whpk_)",
     STANDARD("webhook", "svix")},
    {"stripe",
     "Stripe: HMAC-SHA256 of timestamp, dot and body, hex; the whole whsec_... is the key",
     "{\"header\":\"Stripe-Signature\",\"separator\":\",\",\"pick\":\"v1\","
     "\"algorithm\":\"hmac-sha256\",\"content\":\"{timestamp}.{body}\","
     "\"timestamp_pick\":\"t\",\"tolerance\":300,\"id_body\":\"/id\"}"},
    {"svix", "Svix: as standard-webhooks, its own headers first", STANDARD("svix", "webhook")},
    {"twilio", "Twilio: HMAC-SHA1 of the URL and the sorted form, base64",
     "{\"header\":\"X-Twilio-Signature\",\"algorithm\":\"hmac-sha1\",\"encoding\":\"base64\","
     "\"body_hash_query\":\"bodySHA256\",\"id_header\":\"I-Twilio-Idempotency-Token\","
     "\"schemes\":[{\"content\":\"{url_without_port}{form_sorted}\"},"
     "{\"content\":\"{url_with_port}{form_sorted}\"}]}"},
    {"zendesk", "Zendesk: HMAC-SHA256 of timestamp and body, base64",
     "{\"header\":\"X-Zendesk-Webhook-Signature\",\"algorithm\":\"hmac-sha256\","
     "\"encoding\":\"base64\",\"content\":\"{timestamp}{body}\","
     "\"timestamp_header\":\"X-Zendesk-Webhook-Signature-Timestamp\","
     "\"timestamp_unit\":\"iso8601\",\"tolerance\":300,"
     "\"id_header\":\"X-Zendesk-Webhook-Invocation-Id\"}"},
    {"zoom", "Zoom: HMAC-SHA256 of \"v0:\", timestamp, colon and body, hex behind \"v0=\"",
     "{\"header\":\"X-Zm-Signature\",\"prefix\":\"v0=\",\"algorithm\":\"hmac-sha256\","
     "\"content\":\"v0:{timestamp}:{body}\",\"timestamp_header\":\"X-Zm-Request-Timestamp\","
     "\"tolerance\":300}"},
};

#define PRESETS (sizeof(presets) / sizeof(presets[0]))

const struct preset *presets_all(size_t *count)
{
    *count = PRESETS;
    return presets;
}

json_t *preset_load(const char *name, struct weir_error *error)
{
    const char *names[PRESETS];

    for (size_t i = 0; i < PRESETS; i++) {
        names[i] = presets[i].name;
        if (name != NULL && strcmp(name, presets[i].name) == 0)
            return json_loads(presets[i].json, JSON_REJECT_DUPLICATES, NULL);
    }
    const char *nearest = name == NULL ? NULL : text_nearest(name, names, PRESETS);
    weir_fail_key(error, WEIR_EINVAL, "preset", "no preset is called %s%s%s",
                  name == NULL ? "that" : name, nearest == NULL ? "" : "; did you mean ",
                  nearest == NULL ? "" : nearest);
    return NULL;
}
