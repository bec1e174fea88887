/* SPDX-License-Identifier: MIT */
/*
 * Owns: which bodies an entry takes, and their way to JSON.
 * Never does: touch a body before the guard has seen it as it came, or say more than that it is
 * bad. Lock: none; the loop's thread.
 */
#include "unpack.h"

#include <stdlib.h>
#include <string.h>

#include "form.h"
#include "gzip.h"
#include "intake.h"
#include "json.h"
#include "loop.h"
#include "media.h"
#include "raw.h"

static bool take(void *context, size_t bytes)
{
    return door_budget_take(context, bytes);
}

static void give(void *context, size_t bytes)
{
    door_budget_give(context, bytes);
}

static struct purse purse_of(const struct intake *intake)
{
    return (struct purse){take, give, &intake->loop->gateway->budget};
}

/* Two of them: whichever is believed, the sender may have meant the other. */
static bool is_twice(const struct request *request, const char *name)
{
    unsigned count = 0;

    for (size_t i = 0; i < request->headers_count; i++)
        count += strcmp(request->headers[i].name, name) == 0;
    return count > 1;
}

/* ---- What is taken --------------------------------------------------------------------------- */

static bool takes_type(const struct config_webhook *entry, const struct request *request)
{
    const char *type = request_header(request, "content-type");

    switch (entry->content) {
    case CONTENT_JSON: return !is_twice(request, "content-type") && media_is_json(type);
    case CONTENT_FORM: return !is_twice(request, "content-type") && media_is_form(type);
    case CONTENT_RAW: break;
    }
    return true;
}

static enum media_coding coding_of(const struct request *request)
{
    if (is_twice(request, "content-encoding"))
        return MEDIA_UNKNOWN;
    return media_coding(request_header(request, "content-encoding"));
}

bool unpack_takes(const struct config_webhook *entry, const struct request *request,
                  struct answer *answer)
{
    bool coded = coding_of(request) == MEDIA_UNKNOWN;

    if (!coded && takes_type(entry, request))
        return true;
    answer_problem(answer, ANSWER_MEDIA_TYPE, NULL);
    answer->accept_encoding = coded ? "gzip" : NULL;
    return false;
}

/* ---- On the way to JSON ---------------------------------------------------------------------- */

static bool refuse(enum payload_verdict verdict, struct answer *answer)
{
    static const enum answer_problem problems[] = {[PAYLOAD_MALFORMED] = ANSWER_MALFORMED,
                                                   [PAYLOAD_TOO_LARGE] = ANSWER_TOO_LARGE,
                                                   [PAYLOAD_OVERLOADED] = ANSWER_OVERLOADED};

    answer_problem(answer, problems[verdict], NULL);
    return false;
}

static void replace(struct request *request, const struct purse *purse, struct payload *payload)
{
    free(request->body);
    purse->give(purse->context, request->budget);
    request->body = payload->bytes;
    request->body_len = payload->len;
    request->budget = payload->room;
}

bool unpack_coding(struct intake *intake, const struct config_webhook *entry,
                   struct request *request, struct answer *answer)
{
    const struct config_server *server = &intake->loop->config->server;
    struct purse purse = purse_of(intake);
    struct payload payload = {.bytes = NULL};

    if (coding_of(request) != MEDIA_GZIP || !takes_type(entry, request))
        return true;
    enum payload_verdict verdict = gzip_inflate(request->body, request->body_len, server->body_max,
                                                server->inflate_ratio_max, &purse, &payload);
    if (verdict != PAYLOAD_OK)
        return refuse(verdict, answer);
    replace(request, &purse, &payload);
    return true;
}

static enum payload_verdict check_json(const struct config_server *server,
                                       const struct request *request)
{
    const char *body = request->body == NULL ? "" : request->body;
    struct json_limits limits = {.depth = server->json_depth_max,
                                 .string = server->json_string_max};

    switch (json_check(body, request->body_len, &limits)) {
    case JSON_OK: return PAYLOAD_OK;
    case JSON_MEMORY: return PAYLOAD_OVERLOADED;
    default: return PAYLOAD_MALFORMED;
    }
}

bool unpack_content(struct intake *intake, const struct config_webhook *entry,
                    struct request *request, struct answer *answer)
{
    const struct config_server *server = &intake->loop->config->server;
    struct purse purse = purse_of(intake);
    struct payload payload = {.bytes = NULL};
    char none[1] = "", *body = request->body == NULL ? none : request->body;
    enum payload_verdict verdict = PAYLOAD_OK;

    switch (entry->content) {
    case CONTENT_JSON: verdict = check_json(server, request); break;
    case CONTENT_FORM:
        verdict = form_to_json(body, request->body_len, server->form_fields_max, &purse, &payload);
        break;
    case CONTENT_RAW: verdict = raw_to_json(body, request->body_len, &purse, &payload); break;
    }
    if (verdict != PAYLOAD_OK)
        return refuse(verdict, answer);
    if (payload.bytes != NULL)
        replace(request, &purse, &payload);
    return true;
}

bool unpack_redact(struct intake *intake, const struct config_webhook *entry,
                   struct request *request)
{
    struct purse purse = purse_of(intake);
    struct payload payload = {.bytes = NULL};

    const struct redact *redact = &entry->redact;

    if (entry->content == CONTENT_RAW ||
        (redact->places.count + redact->keys_count == 0 && !redact->words))
        return true;
    if (redact_body(redact, request->body, request->body_len, &purse, &payload) != PAYLOAD_OK)
        return false;
    if (payload.bytes != NULL)
        replace(request, &purse, &payload);
    return true;
}
