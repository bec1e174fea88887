/* SPDX-License-Identifier: MIT */
/*
 * Owns: weir's own paths: health, readiness, metrics, status, reload, orders to one connection.
 * Never does: wait; a reload is answered when it is done. Lock: none; the loop's thread.
 */
#include "admin.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "loop.h"
#include "metrics.h"
#include "operate.h"
#include "reload.h"
#include "sha256.h"
#include "status.h"

/* Digests are compared whole, so that time tells nothing about either token. */
static bool same_secret(const char *a, const char *b)
{
    uint8_t da[SHA256_LEN], db[SHA256_LEN];
    unsigned difference = 0;

    sha256_of(a, strlen(a), da);
    sha256_of(b, strlen(b), db);
    for (size_t i = 0; i < SHA256_LEN; i++)
        difference |= (unsigned)(da[i] ^ db[i]);
    return difference == 0;
}

bool admin_allows(const char *token, const struct request *request, struct answer *answer)
{
    const char *header = request_header(request, "authorization");
    bool bearer = header != NULL && strncasecmp(header, "Bearer ", 7) == 0;

    if (token == NULL || token[0] == '\0') {
        answer_problem(answer, ANSWER_ADMIN_DISABLED, NULL);
        return false;
    }
    const char *offered = bearer ? header + 7 + strspn(header + 7, " ") : "";
    if (same_secret(token, offered) && bearer)
        return true;
    answer_problem(answer, ANSWER_UNAUTHORIZED, NULL);
    return false;
}

/* ---- Reload ---------------------------------------------------------------------------------- */

static void reloaded(struct mail *mail)
{
    struct reload_reply *reply = list_entry(mail, struct reload_reply, mail);
    struct loop *loop = reply->context;
    struct answer answer = {.status = 0};

    if (reply->status == 503) {
        answer_problem(&answer, reply->refused, NULL);
        free(reply->text);
    } else if (reply->text == NULL) {
        answer_problem(&answer, ANSWER_INTERNAL, NULL);
    } else {
        answer_body(&answer, reply->status,
                    reply->status == 200 ? "application/json" : "application/problem+json",
                    reply->text, reply->len);
    }
    door_answer(loop->door, reply->request_id, &answer);
    free(reply);
}

/*
 * An empty body, or {"strict": true|false} and nothing else; but for what is true of every reload,
 * which is said by those who know it as /admin/reload-config.
 */
static bool read_strict(const struct request *request, bool *strict)
{
    static const char *const always[] = {"reload_webhooks", "reload_connections"};
    json_t *root, *value;

    *strict = false;
    if (request->body_len == 0)
        return true;
    root = json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, NULL);
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
        if (json_is_true(json_object_get(root, always[i])))
            json_object_del(root, always[i]);
    value = json_object_get(root, "strict");
    bool good = json_is_object(root) && json_object_size(root) == (value != NULL) &&
                (value == NULL || json_is_boolean(value));
    *strict = json_is_true(value);
    json_decref(root);
    return good;
}

static void ask_reload(struct loop *loop, const struct request *request)
{
    struct reload_reply *reply = calloc(1, sizeof(*reply));
    struct answer answer = {.status = 0};
    bool strict;

    if (reply == NULL || !read_strict(request, &strict)) {
        answer_problem(&answer, reply == NULL ? ANSWER_INTERNAL : ANSWER_MALFORMED, NULL);
        free(reply);
        door_answer(loop->door, request->id, &answer);
        return;
    }
    reply->mail.open = reloaded;
    list_init(&reply->mail.link);
    reply->mailbox = loop->mailbox;
    reply->context = loop;
    reply->request_id = request->id;
    reply->strict = strict;
    reload_ask(loop->gateway->reload, reply);
}

/* ---- Looking --------------------------------------------------------------------------------- */

static char *health_text(size_t *len)
{
    char *text = strdup("{\"status\":\"ok\"}\n");

    *len = text == NULL ? 0 : strlen(text);
    return text;
}

static char *text_of(struct loop *loop, enum route_kind kind, size_t *len, bool *ready)
{
    *ready = true;
    switch (kind) {
    case ROUTE_HEALTH: return health_text(len);
    case ROUTE_READY: return status_ready(loop->gateway, ready, len);
    case ROUTE_METRICS: return metrics_text(loop->gateway, len);
    default: return status_text(loop->gateway, loop->config, len);
    }
}

void admin_serve(struct intake *intake, enum route_kind kind, struct request *request)
{
    struct loop *loop = intake->loop;
    struct answer answer = {.status = 0};
    size_t len;
    bool ready;

    if (kind == ROUTE_RELOAD) {
        ask_reload(loop, request);
        return;
    }
    if (kind == ROUTE_POOL) {
        operate_serve(loop, request);
        return;
    }
    char *text = text_of(loop, kind, &len, &ready);
    if (text == NULL)
        answer_problem(&answer, ANSWER_INTERNAL, NULL);
    else
        answer_body(&answer, ready ? 200 : 503,
                    kind == ROUTE_METRICS ? "text/plain; version=0.0.4; charset=utf-8"
                                          : "application/json",
                    text, len);
    door_answer(loop->door, request->id, &answer);
}
