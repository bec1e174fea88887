/* SPDX-License-Identifier: MIT */
/*
 * Owns: orders to one connection: who is meant, what is ordered, how the connection stands then.
 * Never does: wait for an order to have its effect. Lock: none; the loop's thread.
 */
#include "operate.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "config.h"
#include "dispatch.h"
#include "gateway.h"
#include "log.h"
#include "loop.h"

#define PREFIX "/admin/pools/"

/* What is ordered, of whom. */
struct command {
    struct loop *loop;
    char name[WEIR_NAME_MAX + 1];
    unsigned min, max; /* resize */
};

static int pause_it(const struct command *command);
static int resume_it(const struct command *command);
static int recycle_it(const struct command *command);
static int resize_it(const struct command *command);

static const struct order {
    const char *name;
    int (*give)(const struct command *command);
    bool sized; /* the body has sizes; else there is none */
} orders[] = {{"pause", pause_it, false},
              {"resume", resume_it, false},
              {"recycle", recycle_it, false},
              {"resize", resize_it, true}};

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

/* {"min": 0, "max": 4} and nothing else; whether they can be is not looked at. */
static bool read_sizes(const struct request *request, struct command *command)
{
    json_t *root = json_loadb(request->body == NULL ? "" : request->body, request->body_len,
                              JSON_REJECT_DUPLICATES, NULL);
    json_t *min = json_object_get(root, "min"), *max = json_object_get(root, "max");
    bool good = json_object_size(root) == 2 && json_is_integer(min) && json_is_integer(max) &&
                json_integer_value(min) >= 0 && json_integer_value(min) <= INT_MAX &&
                json_integer_value(max) >= 0 && json_integer_value(max) <= INT_MAX;

    command->min = good ? (unsigned)json_integer_value(min) : 0;
    command->max = good ? (unsigned)json_integer_value(max) : 0;
    json_decref(root);
    return good;
}

/* ---- Orders ---------------------------------------------------------------------------------- */

static int pause_it(const struct command *command)
{
    return weir_pool_pause(command->loop->gateway->registry, command->name, NULL);
}

static int resume_it(const struct command *command)
{
    return weir_pool_resume(command->loop->gateway->registry, command->name, NULL);
}

static int recycle_it(const struct command *command)
{
    return weir_pool_recycle(command->loop->gateway->registry, command->name, NULL);
}

/* The lanes follow the pool; the next configuration has the last word on both. */
static int resize_it(const struct command *command)
{
    const struct gateway *gateway = command->loop->gateway;
    const struct config *config = command->loop->config;
    const struct config_connection *connection = config_connection_find(config, command->name);

    if (connection == NULL)
        return WEIR_EUNKNOWN;
    int status =
        weir_pool_resize(gateway->registry, command->name, command->min, command->max, NULL);
    if (status != 0)
        return status;
    return dispatch_resize(gateway->dispatch, command->name, connection->driver, config->generation,
                           command->max);
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
    case WEIR_EBUSY: return ANSWER_BUSY;
    case WEIR_EINVAL: return ANSWER_SIZES_REJECTED;
    default: return ANSWER_INTERNAL;
    }
}

static int give(const struct order *order, const struct command *command)
{
    int status = order->give(command);

    if (status == 0)
        log_event(LOG_INFO, "pool-ordered", "connection", command->name, "order", order->name,
                  NULL);
    return status;
}

static void carry_out(const struct order *order, const struct command *command,
                      struct answer *answer)
{
    size_t len = 0;
    int status = give(order, command);
    char *text =
        status == 0 ? stand_text(command->loop->gateway->registry, command->name, &len) : NULL;

    if (text == NULL)
        answer_problem(answer, problem_of(status), NULL);
    else
        answer_body(answer, 200, "application/json", text, len);
}

void operate_serve(struct loop *loop, const struct request *request)
{
    struct answer answer = {.status = 0};
    struct command command = {.loop = loop};
    size_t len = 0;
    const struct order *order = order_of(request->path, &len);

    if (order == NULL || !decode(request->path + strlen(PREFIX), len, command.name))
        answer_problem(&answer, ANSWER_UNKNOWN_CONNECTION, NULL);
    else if (order->sized ? !read_sizes(request, &command) : request->body_len > 0)
        answer_problem(&answer, ANSWER_MALFORMED, NULL);
    else
        carry_out(order, &command, &answer);
    door_answer(loop->door, request->id, &answer);
}
