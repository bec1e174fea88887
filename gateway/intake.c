/* SPDX-License-Identifier: MIT */
/*
 * Owns: webhooks from their request to their answer: admitting, freezing, handing over, answering.
 * Never does: wait for a backend. Lock: none; the loop's thread.
 */
#include "intake.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "clock.h"
#include "greet.h"
#include "headers.h"
#include "log.h"
#include "loop.h"
#include "pace.h"
#include "repeats.h"
#include "route.h"
#include "unpack.h"

static struct route route_of(const struct intake *intake, const struct request *request)
{
    return route_find(intake->loop->config, intake->loop->gateway->split, request);
}

/* ---- What the door asks before the body is read ---------------------------------------------- */

static bool routed(void *context, const struct request *request, struct answer *answer)
{
    struct route route = route_of(context, request);

    if (route.kind == ROUTE_NONE) {
        answer_problem(answer, ANSWER_UNKNOWN_PATH, NULL);
        return false;
    }
    if (strcmp(route.allow, request->method) == 0 ||
        (strcmp(route.allow, "GET") == 0 && strcmp(request->method, "HEAD") == 0) ||
        greet_takes(route.entry, request->method))
        return true;
    answer_problem(answer, ANSWER_METHOD, NULL);
    answer->allow = strcmp(route.allow, "GET") == 0   ? "GET, HEAD"
                    : greet_takes(route.entry, "GET") ? "POST, GET, HEAD"
                                                      : route.allow;
    return false;
}

static void refused(void *context, const struct address *peer, enum answer_problem problem,
                    const char *why)
{
    struct intake *intake = context;
    const struct storm_case one = {
        .code = answer_problem_code(problem), .client = peer, .detail = why};

    atomic_fetch_add(&intake->loop->gateway->metrics.refused[problem], 1);
    storms_add(&intake->storms, &one, clock_now());
}

/* Who would be refused with its body need not send it. */
static bool has_room(struct intake *intake, const struct request *request, struct answer *answer)
{
    const struct loop *loop = intake->loop;

    if (atomic_load(&loop->gateway->pending) < loop->config->server.requests_max)
        return true;
    answer_problem(answer, ANSWER_OVERLOADED, NULL);
    refused(intake, &request->peer, ANSWER_OVERLOADED, "limits.inflight_requests");
    return false;
}

/* A guard that must see the body comes before the media type all the same: 401 before 415. */
static bool admitted(void *context, struct request *request, struct answer *answer)
{
    struct intake *intake = context;
    struct route route = route_of(intake, request);

    if (route.admin)
        return admin_allows(intake->loop->config->server.admin_token, request, answer);
    if (route.kind != ROUTE_WEBHOOK)
        return true;
    if (greet_asked(intake, route.entry, request))
        return true;
    if (!knock_head(intake, route.entry, request, answer))
        return false;
    if (knock_waits(route.entry))
        return has_room(intake, request, answer);
    return pace_allows(intake, route.entry, request, answer) &&
           unpack_takes(route.entry, request, answer) && has_room(intake, request, answer);
}

/* ---- Answering ------------------------------------------------------------------------------- */

static void fill_answer(struct answer *answer, enum outcome outcome, const struct webhook *webhook)
{
    static const enum answer_problem problems[] = {
        [OUTCOME_REJECTED] = ANSWER_REJECTED,       [OUTCOME_SHUTTING_DOWN] = ANSWER_SHUTTING_DOWN,
        [OUTCOME_OVERLOADED] = ANSWER_OVERLOADED,   [OUTCOME_EXHAUSTED] = ANSWER_POOL_EXHAUSTED,
        [OUTCOME_UNAVAILABLE] = ANSWER_UNAVAILABLE, [OUTCOME_INTERNAL] = ANSWER_INTERNAL};

    if (outcome == OUTCOME_STORED)
        answer_stored(answer, webhook->id, webhook_receivers(webhook));
    else if (outcome == OUTCOME_REJECTED)
        answer_rejected(answer, webhook->id, webhook_field(webhook));
    else
        answer_problem(answer, problems[outcome], webhook->id);
}

/* It is active no more before its answer is written. */
static void answer(struct intake *intake, struct webhook *webhook, enum outcome outcome)
{
    struct metrics *metrics = &intake->loop->gateway->metrics;
    struct answer reply = {.status = 0};

    list_remove(&webhook->link);
    atomic_fetch_sub(&metrics->active, 1);
    atomic_fetch_add(&metrics->outcomes[outcome], 1);
    metrics_answered(metrics, clock_now() - webhook->accepted_at);
    fill_answer(&reply, outcome, webhook);
    door_answer(intake->loop->door, webhook->request_id, &reply);
}

/* Every delivery has been settled. */
static void settled(struct mail *mail)
{
    struct webhook *webhook = list_entry(mail, struct webhook, mail);
    struct intake *intake = webhook->origin_context;

    repeats_note(intake->loop->gateway->repeats, webhook,
                 door_hears(intake->loop->door, webhook->request_id));
    if (!atomic_load(&webhook->abandoned))
        answer(intake, webhook, (enum outcome)atomic_load(&webhook->outcome));
    door_budget_give(&intake->loop->gateway->budget, webhook->budget);
    atomic_fetch_sub(&intake->loop->gateway->pending, 1);
    webhook_unref(&webhook);
}

/* ---- Taking in ------------------------------------------------------------------------------- */

static void refuse(struct intake *intake, const struct request *request,
                   enum answer_problem problem)
{
    struct answer reply = {.status = 0};

    answer_problem(&reply, problem, NULL);
    door_answer(intake->loop->door, request->id, &reply);
}

static void sweep_soon(struct intake *intake)
{
    static const struct timeval interval = {.tv_usec = INTAKE_SWEEP_MS * 1000};

    if (!intake->sweeping)
        intake->sweeping = event_add(intake->sweep, &interval) == 0;
}

static void hand_over(struct intake *intake, struct webhook *webhook, uint64_t request_id,
                      size_t budget)
{
    struct gateway *gateway = intake->loop->gateway;

    webhook->mail.open = settled;
    webhook->origin = intake->loop->mailbox;
    webhook->origin_context = intake;
    webhook->request_id = request_id;
    webhook->budget = budget;
    list_push_back(&intake->unanswered, &webhook->link);
    atomic_fetch_add(&gateway->metrics.active, 1);
    atomic_fetch_add(&gateway->pending, 1);
    sweep_soon(intake);
    dispatch_post(gateway->dispatch, webhook);
    loop_hurry(intake->loop);
}

/* Most headers are told apart by their first byte, without a call. */
static bool is_named(const struct request_header *header, const char *name)
{
    return header->name[0] == name[0] && strcmp(header->name, name) == 0;
}

/* The headers by which senders name a delivery, so that a retry can be told from a new one. */
static const char *delivery_id_of(const struct config_webhook *entry, const struct request *request)
{
    static const char *const usual[] = {"webhook-id",
                                        "x-github-delivery",
                                        "idempotency-key",
                                        "svix-id",
                                        "x-gitea-delivery",
                                        "x-gitlab-event-uuid",
                                        "x-shopify-webhook-id",
                                        "x-request-uuid",
                                        NULL};
    const char *own[] = {entry->delivery_header, NULL};
    const char *const *names = own[0] != NULL ? own : usual;

    for (size_t i = 0; i < request->headers_count; i++)
        for (const char *const *name = names; *name != NULL; name++)
            if (is_named(&request->headers[i], *name) && request->headers[i].value[0] != '\0')
                return request->headers[i].value;
    return NULL;
}

static void take_in(struct intake *intake, const struct config_webhook *entry,
                    struct request *request)
{
    struct config *config = intake->loop->config;
    size_t headers_len, body_len, budget;
    char *headers = headers_json(request->headers, request->headers_count, entry->guard,
                                 &entry->redact, &headers_len);
    int64_t received_at = request->received_at;
    uint64_t id = request->id;
    char place[GUARD_ID_MAX];
    const char *name =
        knock_delivery_id(intake, entry, request, place) ? place : delivery_id_of(entry, request);
    char *delivery_id = name == NULL ? NULL : strdup(name);

    if (headers == NULL || (name != NULL && delivery_id == NULL)) {
        free(headers);
        free(delivery_id);
        refuse(intake, request, ANSWER_OVERLOADED);
        return;
    }
    if (!unpack_redact(intake, entry, request)) {
        free(headers);
        free(delivery_id);
        refuse(intake, request, ANSWER_OVERLOADED);
        return;
    }
    char *body = request_take_body(request, &body_len, &budget);
    struct webhook *webhook =
        webhook_new(config, entry, body, body_len, headers, headers_len, received_at, clock_now());
    if (webhook == NULL) {
        free(delivery_id);
        door_budget_give(&intake->loop->gateway->budget, budget);
        refuse(intake, request, ANSWER_OVERLOADED);
        return;
    }
    webhook->delivery_id = delivery_id;
    repeats_recall(intake->loop->gateway->repeats, webhook);
    hand_over(intake, webhook, id, budget);
}

static bool is_wanted(const struct config_webhook *entry, const struct request *request)
{
    return entry->match == NULL || match_holds(entry->match, request->body, request->body_len,
                                               request->headers, request->headers_count);
}

static void pass_over(struct intake *intake, const struct config_webhook *entry,
                      const struct request *request)
{
    struct answer answer = {.status = 0};

    atomic_fetch_add(&intake->loop->gateway->metrics.filtered, 1);
    log_event(LOG_DEBUG, "webhook-filtered", "webhook", entry->id, NULL);
    answer_filtered(&answer);
    door_answer(intake->loop->door, request->id, &answer);
}

static void check(struct intake *intake, const struct config_webhook *entry,
                  struct request *request)
{
    struct answer answer = {.status = 0};
    bool unseen = knock_waits(entry) || request->judged != intake->loop->config->generation;

    if (greet_asked(intake, entry, request)) {
        greet_echo(intake, entry, request, &answer);
        door_answer(intake->loop->door, request->id, &answer);
        return;
    }
    if (!knock_body(intake, entry, request, &answer) ||
        !pace_allows(intake, entry, request, &answer) || !has_room(intake, request, &answer) ||
        !unpack_coding(intake, entry, request, &answer) ||
        greet_reply(intake, entry, request, &answer) ||
        (unseen && !unpack_takes(entry, request, &answer)) ||
        !unpack_content(intake, entry, request, &answer))
        door_answer(intake->loop->door, request->id, &answer);
    else if (!is_wanted(entry, request))
        pass_over(intake, entry, request);
    else
        take_in(intake, entry, request);
}

static void complete(void *context, struct request *request)
{
    struct intake *intake = context;
    struct route route = route_of(intake, request);
    struct answer answer = {.status = 0};

    /* A reload may have come between the head and the end of the body. */
    if (!routed(context, request, &answer))
        door_answer(intake->loop->door, request->id, &answer);
    else if (route.kind != ROUTE_WEBHOOK)
        admin_serve(intake, route.kind, request);
    else
        check(intake, route.entry, request);
}

const struct door_handler intake_handler = {
    .routed = routed, .admitted = admitted, .complete = complete, .refused = refused};

/* ---- Time ------------------------------------------------------------------------------------ */

void intake_expire(struct intake *intake, int64_t now)
{
    list_each_safe(link, &intake->unanswered) {
        struct webhook *webhook = list_entry(link, struct webhook, link);
        if (now < webhook->expires_at)
            continue;
        atomic_store(&webhook->abandoned, true);
        atomic_fetch_add(&intake->loop->gateway->metrics.timed_out, 1);
        log_event(LOG_WARNING, "request-timed-out", "id", webhook->id, "webhook",
                  webhook->entry->id, NULL);
        answer(intake, webhook, OUTCOME_UNAVAILABLE);
    }
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
    struct intake *intake = context;

    (void)fd, (void)what;
    intake->sweeping = false;
    intake_expire(intake, clock_now());
    if (!list_empty(&intake->unanswered))
        sweep_soon(intake);
}

/* ---- Life ------------------------------------------------------------------------------------ */

int intake_init(struct intake *intake, struct loop *loop)
{
    intake->loop = loop;
    list_init(&intake->unanswered);
    intake->sweep = event_new(loop->base, -1, 0, on_sweep, intake);
    return intake->sweep == NULL ? WEIR_ENOMEM : storms_init(&intake->storms, loop->base);
}

void intake_fini(struct intake *intake)
{
    storms_fini(&intake->storms);
    if (intake->sweep != NULL)
        event_free(intake->sweep);
    intake->sweep = NULL;
}
