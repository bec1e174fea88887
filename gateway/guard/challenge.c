/* SPDX-License-Identifier: MIT */
/*
 * Owns: the answers to providers' challenges: Slack's and Discord's documentation, Zoom's "Validate
 * your webhook endpoint", Meta's "Verification requests", Microsoft Graph's "Notification endpoint
 * validation".
 * Never does: answer one that should have been verified first. Lock: none.
 */
#include "challenge.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <weir/error.h>

#include "hex.h"
#include "json_place.h"
#include "wipe.h"

static const char text_plain[] = "text/plain; charset=utf-8";
static const char application_json[] = "application/json";

enum challenge_kind challenge_of(const char *name)
{
    static const char *const names[] = {[CHALLENGE_SLACK] = "slack",
                                        [CHALLENGE_ZOOM] = "zoom",
                                        [CHALLENGE_DISCORD] = "discord",
                                        [CHALLENGE_META] = "meta",
                                        [CHALLENGE_GRAPH] = "microsoft-graph"};

    for (int kind = CHALLENGE_SLACK; name != NULL && kind <= CHALLENGE_GRAPH; kind++)
        if (strcmp(names[kind], name) == 0)
            return (enum challenge_kind)kind;
    return CHALLENGE_NONE;
}

void challenge_fini(struct challenge *challenge)
{
    secrets_fini(&challenge->secrets);
    challenge->kind = CHALLENGE_NONE;
}

/* ---- In the query ---------------------------------------------------------------------------- */

bool challenge_takes_get(const struct challenge *challenge)
{
    return challenge->kind == CHALLENGE_META;
}

static bool has_parameter(const struct guard_request *request, const char *name)
{
    const char *at = request->query;
    size_t len = strlen(name);

    for (; at != NULL && *at != '\0'; at = strchr(at, '&'), at += at != NULL)
        if (strncmp(at, name, len) == 0 && at[len] == '=')
            return true;
    return false;
}

bool challenge_in_query(const struct challenge *challenge, const struct guard_request *request)
{
    if (challenge->kind == CHALLENGE_META)
        return strcmp(request->method, "POST") != 0;
    return challenge->kind == CHALLENGE_GRAPH && has_parameter(request, "validationToken");
}

static int echo_meta(const struct challenge *challenge, const struct guard_request *request,
                     char text[CHALLENGE_TEXT_MAX])
{
    char token[CHALLENGE_TOKEN_MAX];
    long len = guard_request_query(request, "hub.verify_token", token, sizeof(token));
    bool known = secrets_hold(&challenge->secrets, token, len < 0 ? 0 : (size_t)len);
    wipe(token, sizeof(token));
    bool asked = guard_request_query(request, "hub.mode", text, CHALLENGE_TEXT_MAX) > 0 &&
                 strcmp(text, "subscribe") == 0;

    if (!known || !asked)
        return WEIR_EDENIED;
    return guard_request_query(request, "hub.challenge", text, CHALLENGE_TEXT_MAX) > 0
               ? 0
               : WEIR_EINVAL;
}

int challenge_echo(const struct challenge *challenge, const struct guard_request *request,
                   char text[CHALLENGE_TEXT_MAX])
{
    if (challenge->kind == CHALLENGE_META)
        return echo_meta(challenge, request, text);
    return guard_request_query(request, "validationToken", text, CHALLENGE_TEXT_MAX) > 0
               ? 0
               : WEIR_EINVAL;
}

/* ---- In the body ----------------------------------------------------------------------------- */

static bool says(const struct guard_request *request, const char *pointer, const char *wanted)
{
    char text[JSON_PLACE_MAX];

    return json_place(request, pointer, text) && strcmp(text, wanted) == 0;
}

static bool reply_slack(const struct guard_request *request, char text[CHALLENGE_TEXT_MAX])
{
    return says(request, "/type", "url_verification") && json_place(request, "/challenge", text);
}

/* What Zoom sends is letters and digits; anything JSON would escape is no token of its. */
static bool reply_zoom(const struct guard *guard, const struct guard_request *request,
                       char text[CHALLENGE_TEXT_MAX])
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    char token[JSON_PLACE_MAX], digits[2 * EVP_MAX_MD_SIZE + 1];
    unsigned len = 0;

    if (!says(request, "/event", "endpoint.url_validation") ||
        !json_place(request, "/payload/plainToken", token) || strpbrk(token, "\"\\") != NULL)
        return false;
    for (const char *at = token; *at != '\0'; at++)
        if ((unsigned char)*at < ' ')
            return false;
    const struct secret *secret = guard_signer(guard, request);
    if (secret == NULL || HMAC(EVP_sha256(), secret->bytes, (int)secret->len,
                               (const unsigned char *)token, strlen(token), mac, &len) == NULL)
        return false;
    hex_encode(mac, len, digits);
    snprintf(text, CHALLENGE_TEXT_MAX, "{\"plainToken\":\"%s\",\"encryptedToken\":\"%s\"}", token,
             digits);
    return true;
}

/*
 * An interaction asks with type 1, to be told the same; a webhook event with type 0, to be told
 * nothing. What has happened is of type 1, too, and says of which it is in its event.
 */
static bool reply_discord(const struct guard_request *request, char text[CHALLENGE_TEXT_MAX])
{
    char type[JSON_PLACE_MAX], event[JSON_PLACE_MAX];

    if (!json_place(request, "/type", type) || (strcmp(type, "0") != 0 && strcmp(type, "1") != 0) ||
        json_place(request, "/event/type", event))
        return false;
    snprintf(text, CHALLENGE_TEXT_MAX, "%s", type[0] == '1' ? "{\"type\":1}" : "");
    return true;
}

bool challenge_reply(const struct challenge *challenge, const struct guard *guard,
                     const struct guard_request *request, char text[CHALLENGE_TEXT_MAX],
                     const char **type)
{
    *type = challenge->kind == CHALLENGE_SLACK ? text_plain : application_json;
    switch (challenge->kind) {
    case CHALLENGE_SLACK: return reply_slack(request, text);
    case CHALLENGE_ZOOM: return reply_zoom(guard, request, text);
    case CHALLENGE_DISCORD: return reply_discord(request, text);
    default: return false;
    }
}
