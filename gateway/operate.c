/* SPDX-License-Identifier: MIT */
/*
 * Owns: orders to one connection: who is meant, what is ordered, how the connection stands then.
 * Never does: wait for an order to have its effect. Lock: none; the loop's thread.
 */
#include "operate.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "gateway.h"
#include "log.h"
#include "loop.h"

#define PREFIX "/admin/pools/"

static const struct order {
    const char *name;
    int (*give)(struct weir_registry *registry, const char *connection, struct weir_error *error);
} orders[] = {
    {"pause", weir_pool_pause}, {"resume", weir_pool_resume}, {"recycle", weir_pool_recycle}};

/* ---- Paths ----------------------------------------------------------------------------------- */

/* The order at the end of the path, and how long the name before it is; NULL if there is none. */
static const struct order *order_of(const char *path, size_t *name_len)
{
    size_t prefix = strlen(PREFIX);
    const char *end = strrchr(path, '/');

    if (strncmp(path, PREFIX, prefix) != 0 || end <= path + prefix)
        return NULL;
    *name_len = (size_t)(end - path) - prefix;
    if (memchr(path + prefix, '/', *name_len) != NULL)
        return NULL;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
        if (strcmp(orders[i].name, end + 1) == 0)
            return &orders[i];
    return NULL;
}

bool operate_is_order(const char *path)
{
    size_t name_len;

    return order_of(path, &name_len) != NULL;
}

static int digit_of(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c == '\0' ? NULL : strchr(digits, c);

    return at == NULL ? -1 : (int)(at - digits) % 16;
}

/* False if it is no percent-encoding (RFC 3986), is too long, or holds a NUL. */
static bool decode(const char *text, size_t len, char name[WEIR_NAME_MAX + 1])
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++, n++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < len ? digit_of(text[i + 1]) : -1;
            int low = high < 0 ? -1 : digit_of(text[i + 2]);
            if (low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (n == WEIR_NAME_MAX || c == '\0')
            return false;
        name[n] = c;
    }
    name[n] = '\0';
    return n > 0;
}

/* ---- Answers --------------------------------------------------------------------------------- */

static json_t *stand_of(const struct weir_connection_view *view)
{
    unsigned leased = 0, idle = 0;

    for (size_t i = 0; i < view->versions_count; i++) {
        leased += view->versions[i].counts.leased;
        idle += view->versions[i].counts.idle;
    }
    return json_pack("{s:s,s:b,s:b,s:i,s:i,s:i}", "connection", view->name, "paused", view->paused,
                     "recycling", view->recycling, "leased", leased, "idle", idle, "waiting",
                     view->waiting);
}

/* How the one that is configured stands; NULL without memory, or if it has just gone. */
static char *stand_text(struct weir_registry *registry, const char *name, size_t *len)
{
    struct weir_snapshot *snapshot;
    json_t *stand = NULL;

    if (weir_snapshot_take(registry, &snapshot, NULL) != 0)
        return NULL;
    for (size_t i = 0; i < snapshot->connections_count && stand == NULL; i++) {
        const struct weir_connection_view *view = &snapshot->connections[i];
        if (!view->removed && strcmp(view->name, name) == 0)
            stand = stand_of(view);
    }
    char *text = stand == NULL ? NULL : json_dumps(stand, JSON_COMPACT);
    json_decref(stand);
    weir_snapshot_free(&snapshot);
    *len = text == NULL ? 0 : strlen(text);
    return text;
}

static enum answer_problem problem_of(int status)
{
    switch (status) {
    case WEIR_EUNKNOWN: return ANSWER_UNKNOWN_CONNECTION;
    case WEIR_ECLOSED: return ANSWER_SHUTTING_DOWN;
    default: return ANSWER_INTERNAL;
    }
}

static int give(struct gateway *gateway, const struct order *order, const char *name)
{
    int status = order->give(gateway->registry, name, NULL);

    if (status == 0)
        log_event(LOG_INFO, "pool-ordered", "connection", name, "order", order->name, NULL);
    return status;
}

void operate_serve(struct loop *loop, const struct request *request)
{
    struct answer answer = {.status = 0};
    char name[WEIR_NAME_MAX + 1];
    size_t len = 0;
    const struct order *order = order_of(request->path, &len);

    if (request->body_len > 0) {
        answer_problem(&answer, ANSWER_MALFORMED, NULL);
    } else if (order == NULL || !decode(request->path + strlen(PREFIX), len, name)) {
        answer_problem(&answer, ANSWER_UNKNOWN_CONNECTION, NULL);
    } else {
        int status = give(loop->gateway, order, name);
        char *text = status == 0 ? stand_text(loop->gateway->registry, name, &len) : NULL;
        if (text == NULL)
            answer_problem(&answer, problem_of(status), NULL);
        else
            answer_body(&answer, 200, "application/json", text, len);
    }
    door_answer(loop->door, request->id, &answer);
}
