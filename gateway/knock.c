/* SPDX-License-Identifier: MIT */
/*
 * Owns: the conversation with a webhook's guard.
 * Never does: tell a sender why it was turned away, or the log what it sent.
 * Lock: none; the loop's thread. Metrics are atomic.
 */
#include "knock.h"

#include <inttypes.h>
#include <stdio.h>

#include "clock.h"
#include "forwarded.h"
#include "guard.h"
#include "intake.h"
#include "log.h"
#include "loop.h"

#define STORM_QUIET (10 * CLOCK_SECOND) /* between two words about one webhook */

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

/* FNV-1a, after Fowler, Noll and Vo. */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return hash;
}

/* How many there were since the last word about this webhook; 0: not yet time for another. */
static uint64_t count_of(struct intake *intake, const struct config_webhook *entry)
{
    uint64_t hash = hash_of(entry->id);
    struct knock_storm *storm = &intake->storms[hash % KNOCK_STORMS];
    int64_t now = clock_now();

    if (storm->webhook != hash)
        *storm = (struct knock_storm){.webhook = hash};
    storm->untold++;
    if (now < storm->quiet_until)
        return 0;
    uint64_t count = storm->untold;
    storm->untold = 0;
    storm->quiet_until = clock_add(now, STORM_QUIET);
    return count;
}

static void tell(struct intake *intake, const struct config_webhook *entry,
                 const struct guard_request *seen, const char *code,
                 const struct weir_error *reason)
{
    char client[ADDRESS_TEXT_MAX], count[24];
    uint64_t storm = count_of(intake, entry);

    if (storm == 0)
        return;
    address_text(&seen->client, client);
    snprintf(count, sizeof(count), "%" PRIu64, storm);
    log_event(LOG_WARNING, "request-refused", "webhook", entry->id, "code", code, "client", client,
              "count", count, "detail", reason->detail, NULL);
}

static bool pass(struct intake *intake, const struct config_webhook *entry,
                 const struct guard_request *seen, enum guard_verdict verdict,
                 const struct weir_error *reason, struct answer *answer)
{
    struct metrics *metrics = &intake->loop->gateway->metrics;

    if (verdict == GUARD_PASS)
        return true;
    bool unauthorized = verdict == GUARD_UNAUTHORIZED;
    atomic_fetch_add(unauthorized ? &metrics->unauthorized : &metrics->forbidden, 1);
    answer_problem(answer, unauthorized ? ANSWER_UNAUTHORIZED : ANSWER_FORBIDDEN, NULL);
    if (unauthorized)
        answer->authenticate = guard_challenge(entry->guard);
    tell(intake, entry, seen, unauthorized ? "unauthorized" : "forbidden", reason);
    return false;
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
