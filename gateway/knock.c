/* SPDX-License-Identifier: MIT */
/*
 * Owns: the conversation with a webhook's guard.
 * Never does: tell a sender why it was turned away, or the log what it sent.
 * Lock: none; the loop's thread. Metrics are atomic.
 */
#include "knock.h"

#include "clock.h"
#include "forwarded.h"
#include "guard.h"
#include "intake.h"
#include "log.h"
#include "loop.h"

struct guard_request knock_describe(const struct intake *intake, const struct config_webhook *entry,
                                    const struct request *request)
{
    const struct config_server *server = &intake->loop->config->server;
    struct guard_request seen = {.method = request->method,
                                 .path = request->path,
                                 .query = request->query,
                                 .headers = request->headers,
                                 .headers_count = request->headers_count,
                                 .body = (const unsigned char *)request->body,
                                 .body_len = request->body_len,
                                 .public_url = entry->public_url != NULL ? entry->public_url
                                                                         : server->public_url,
                                 .now = clock_wall_us()};

    forwarded_client(&seen.client, &request->peer, &server->trusted_proxies,
                     server->forwarded_header, request->headers, request->headers_count);
    return seen;
}

/* ---- Turning away ---------------------------------------------------------------------------- */

static void tell(struct intake *intake, const struct config_webhook *entry,
                 const struct guard_request *seen, const char *code, const char *why)
{
    const struct storm_case one = {
        .webhook = entry->id, .code = code, .client = &seen->client, .detail = why};

    storms_add(&intake->storms, &one, clock_now());
}

static bool pass(struct intake *intake, const struct config_webhook *entry,
                 const struct guard_request *seen, enum guard_verdict verdict,
                 const struct weir_error *reason, struct answer *answer)
{
    if (verdict == GUARD_PASS)
        return true;
    if (verdict == GUARD_UNABLE) {
        answer_problem(answer, ANSWER_OVERLOADED, NULL);
        tell(intake, entry, seen, answer_problem_code(ANSWER_OVERLOADED), reason->detail);
        return false;
    }
    if (verdict == GUARD_FORBIDDEN) {
        knock_forbid(intake, entry, seen, reason->detail, answer);
        return false;
    }
    atomic_fetch_add(&intake->loop->gateway->metrics.unauthorized, 1);
    answer_problem(answer, ANSWER_UNAUTHORIZED, NULL);
    answer->authenticate = guard_challenge(entry->guard);
    tell(intake, entry, seen, answer_problem_code(ANSWER_UNAUTHORIZED), reason->detail);
    return false;
}

void knock_forbid(struct intake *intake, const struct config_webhook *entry,
                  const struct guard_request *seen, const char *why, struct answer *answer)
{
    atomic_fetch_add(&intake->loop->gateway->metrics.forbidden, 1);
    answer_problem(answer, ANSWER_FORBIDDEN, NULL);
    tell(intake, entry, seen, answer_problem_code(ANSWER_FORBIDDEN), why);
}

/* ---- Asking ---------------------------------------------------------------------------------- */

bool knock_waits(const struct config_webhook *entry)
{
    return guard_needs_body(entry->guard);
}

bool knock_delivery_id(const struct intake *intake, const struct config_webhook *entry,
                       const struct request *request, char id[GUARD_ID_MAX])
{
    if (entry->guard == NULL || entry->delivery_header != NULL)
        return false;
    struct guard_request seen = knock_describe(intake, entry, request);
    return guard_delivery_id(entry->guard, &seen, id);
}

bool knock_head(struct intake *intake, const struct config_webhook *entry, struct request *request,
                struct answer *answer)
{
    struct config *config = intake->loop->config;
    struct weir_error reason = {.status = 0};

    request->judged = config->generation;
    if (entry->guard == NULL)
        return true;
    struct guard_request seen = knock_describe(intake, entry, request);
    enum guard_verdict verdict = guard_judge_head(entry->guard, &seen, &reason);
    return pass(intake, entry, &seen, verdict, &reason, answer);
}

bool knock_body(struct intake *intake, const struct config_webhook *entry, struct request *request,
                struct answer *answer)
{
    struct config *config = intake->loop->config;
    struct weir_error reason = {.status = 0};

    if (request->judged != config->generation && !knock_head(intake, entry, request, answer))
        return false;
    if (!knock_waits(entry))
        return true;
    struct guard_request seen = knock_describe(intake, entry, request);
    enum guard_verdict verdict = guard_judge_body(entry->guard, &seen, &reason);
    return pass(intake, entry, &seen, verdict, &reason, answer);
}
