/* SPDX-License-Identifier: MIT */
/*
 * Owns: the body of a request while it arrives, and what it takes from the budget.
 * Never does: hold more than was taken from the budget, or more than body_max.
 * Lock: none; the loop's thread.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client.h"
#include "crowd.h"

#define BODY_FIRST 16384              /* bytes of a body's buffer to begin with, at most */
#define RATE_GRACE (5 * CLOCK_SECOND) /* before a body's rate counts */

void body_drop(struct client *client)
{
    struct request *request = &client->request;

    free(request->body);
    body_give_share(client);
    door_budget_give(client->clients->budget, request->budget);
    request->body = NULL;
    request->body_len = request->budget = client->body_room = 0;
}

/* ---- Room ------------------------------------------------------------------------------------ */

static size_t beyond_first(size_t room)
{
    return room > BODY_FIRST ? room - BODY_FIRST : 0;
}

/* What its address may hold of bodies that are not whole is beyond the first bytes of each. */
static bool take_share(struct client *client, size_t room)
{
    size_t limit = client->limits.bytes_per_address_max;
    size_t more = beyond_first(room) - client->share;

    if (!client->counted || more == 0)
        return true;
    if (!crowd_take(client->clients->budget->crowd, &client->peer, more,
                    limit == 0 ? SIZE_MAX : limit))
        return false;
    client->share += more;
    return true;
}

void body_give_share(struct client *client)
{
    if (client->share > 0)
        crowd_give(client->clients->budget->crowd, &client->peer, client->share);
    client->share = 0;
}

/* Have room for so many bytes; the name of the limit that stands against it, or NULL. */
static const char *resize(struct client *client, size_t room)
{
    struct request *request = &client->request;
    size_t more = room - client->body_room;

    if (!take_share(client, room))
        return "limits.inflight_bytes_per_address";
    if (!door_budget_take(client->clients->budget, more))
        return "limits.inflight_bytes";
    char *body = realloc(request->body, room);
    if (body == NULL) {
        door_budget_give(client->clients->budget, more);
        return "out of memory";
    }
    request->body = body;
    request->budget += more;
    client->body_room = room;
    return NULL;
}

/*
 * Have room for `len` further bytes, which the body may have; false if it was refused. The buffer
 * grows with what has come: what was merely announced takes nothing from anybody.
 */
static bool make_room(struct client *client, size_t len)
{
    size_t most =
        client->head.chunked ? client->limits.body_max : (size_t)client->head.content_length;
    size_t room = client->body_room, used = client->request.body_len;

    while (room - used < len)
        room = room == 0 ? BODY_FIRST : room * 2;
    if (room > most)
        room = most;
    const char *why = room <= client->body_room ? NULL : resize(client, room);
    if (why != NULL)
        client_refuse_with(client, ANSWER_OVERLOADED, why, true);
    return why == NULL;
}

/* ---- Time ------------------------------------------------------------------------------------ */

static int64_t latest_end(const struct client *client)
{
    return clock_add(client->request.started_at, client->limits.body_timeout);
}

/* When it will have been too slow, unless more of it comes. */
static int64_t rate_end(const struct client *client)
{
    size_t rate = client->limits.body_rate;

    if (rate == 0)
        return CLOCK_NEVER;
    double earned = (double)client->request.body_len / (double)rate;
    return clock_add(clock_add(client->body_begun, RATE_GRACE), clock_from_seconds(earned));
}

static void set_deadline(struct client *client)
{
    client->deadline = clock_min(latest_end(client), rate_end(client));
}

const char *body_late(const struct client *client)
{
    return rate_end(client) < latest_end(client) ? "limits.body_rate" : "limits.body_timeout";
}

/* ---- Taking it in ---------------------------------------------------------------------------- */

void body_begin(struct client *client)
{
    if (!door_budget_has(client->clients->budget, (size_t)client->head.content_length)) {
        client_refuse_with(client, ANSWER_OVERLOADED, "limits.inflight_bytes", false);
        return;
    }
    client->chunk = (struct chunk){0};
    client->state = CLIENT_BODY;
    client->body_begun = clock_now();
    set_deadline(client);
    bool waits = client->head.expects_continue && client->inbox.len == client->spent;
    if (waits && !send_continue(client))
        client_close(client);
}

ssize_t body_read(struct client *client)
{
    struct request *request = &client->request;
    struct inbox *inbox = &client->inbox;

    /* There is room: behind the head by receive_head, in the body by take_counted. */
    bool chunked = client->head.chunked;
    char *at = chunked ? inbox->bytes + inbox->len : request->body + request->body_len;
    size_t room = chunked ? inbox->size - inbox->len : client->body_room - request->body_len;
    ssize_t n = wire_read(&client->wire, at, room);
    if (n > 0)
        *(chunked ? &inbox->len : &request->body_len) += (size_t)n;
    return n;
}

static bool take_counted(struct client *client)
{
    struct request *request = &client->request;
    size_t here = client->inbox.len - client->spent;
    size_t left = (size_t)client->head.content_length - request->body_len;

    if (here > left)
        here = left;
    /* And for a byte that is to be read next. */
    if (left > 0 && !make_room(client, here < left ? here + 1 : here))
        return true;
    if (here > 0)
        memcpy(request->body + request->body_len, client->inbox.bytes + client->spent, here);
    request->body_len += here;
    client->spent += here;
    if (here < left)
        return false;
    client_hand_over(client);
    return true;
}

/* False if the body was refused. */
static bool append(struct client *client, const char *data, size_t len)
{
    struct request *request = &client->request;

    if (len > client->limits.body_max - request->body_len) {
        client_refuse_with(client, ANSWER_TOO_LARGE, "limits.body", true);
        return false;
    }
    if (!make_room(client, len))
        return false;
    memcpy(request->body + request->body_len, data, len);
    request->body_len += len;
    return true;
}

/* The end of a chunked body: hold no more than it needs. */
static void trim(struct client *client)
{
    struct request *request = &client->request;
    size_t spare = client->body_room - request->body_len;

    if (request->body_len == 0) {
        body_drop(client);
        return;
    }
    char *body = realloc(request->body, request->body_len);
    if (body == NULL)
        return;
    request->body = body;
    request->budget -= spare;
    client->body_room -= spare;
    door_budget_give(client->clients->budget, spare);
}

/* What was decoded makes room behind the head; what follows the last chunk stays. */
static bool take_chunks(struct client *client)
{
    struct inbox *inbox = &client->inbox;
    const char *at = inbox->bytes + client->spent, *end = inbox->bytes + inbox->len, *data;
    size_t len;
    enum chunk_verdict verdict;

    while ((verdict = chunk_read(&client->chunk, &at, end, &data, &len)) == CHUNK_DATA)
        if (!append(client, data, len))
            return true;
    if (verdict == CHUNK_MORE) {
        inbox->len = client->spent;
        return false;
    }
    if (verdict == CHUNK_BAD) {
        client_refuse_with(client, ANSWER_MALFORMED, "a chunk is not well-formed", true);
        return true;
    }
    client->spent = (size_t)(at - inbox->bytes);
    trim(client);
    client_hand_over(client);
    return true;
}

bool body_take(struct client *client)
{
    bool moved = client->head.chunked ? take_chunks(client) : take_counted(client);

    if (!moved)
        set_deadline(client);
    return moved;
}
