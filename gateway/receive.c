/* SPDX-License-Identifier: MIT */
/*
 * Owns: the way from a head's bytes to a request that is let in: limits, form, and the order in
 * which a request can be refused.
 * Never does: read a body, or know what a path means (the handler does).
 * Lock: none; the loop's thread.
 */
#include <stdlib.h>

#include "client.h"
#include "parse.h"
#include "proxy.h"

#define BODY_ROOM 1024 /* bytes behind the head that a chunked body is read through, at least */

static const char bad_head[] = "the head is not well-formed";

void receive_begin(struct client *client)
{
    client->limits = client->clients->limits;
    client->request.started_at = clock_now();
    client->state = CLIENT_HEAD;
    client->deadline = clock_add(client->request.started_at, client->limits.head_timeout);
}

/* Path and method, declared length, sender and media type, in this order. */
static void admit(struct client *client)
{
    struct clients *clients = client->clients;
    struct request *request = &client->request;
    struct answer answer = {.status = 0};

    if (clients->stopping)
        client_refuse_with(client, ANSWER_SHUTTING_DOWN, NULL, true);
    else if (!clients->handler->routed(clients->context, request, &answer))
        client_refuse(client, &answer, false);
    else if (request->content_length > client->limits.body_max)
        client_refuse_with(client, ANSWER_TOO_LARGE, "limits.body", false);
    else if (!clients->handler->admitted(clients->context, request, &answer))
        client_refuse(client, &answer, false);
    else if (client->head.chunked || request->content_length > 0)
        body_begin(client);
    else
        client_hand_over(client);
}

static void describe(struct client *client, const struct parse *parse)
{
    client->keep_alive = parse->keep_alive;
    client->announce = client->head.minor == 0;
    client->request = (struct request){.method = parse->method,
                                       .path = parse->path,
                                       .path_len = parse->path_len,
                                       .query = parse->query,
                                       .headers = client->headers,
                                       .headers_count = parse->headers_count,
                                       .content_length = client->head.content_length,
                                       .chunked = client->head.chunked,
                                       .admin = client->kind == CLIENT_ADMIN,
                                       .peer = client->peer,
                                       .started_at = client->request.started_at};
    atomic_fetch_add_explicit(&client->clients->requests, 1, memory_order_relaxed);
}

static bool make_headers(struct client *client, size_t count)
{
    if (count <= client->headers_room)
        return true;
    struct request_header *headers = reallocarray(client->headers, count, sizeof(*headers));
    if (headers == NULL)
        return false;
    client->headers = headers;
    client->headers_room = count;
    return true;
}

static void take_head(struct client *client)
{
    size_t start = client->scan.start, len = client->scan.seen - start;
    size_t count = client->scan.lines - 1;
    struct inbox *inbox = &client->inbox;
    struct parse parse;

    if (len > client->limits.head_max || count > client->limits.headers_max) {
        client_refuse_with(client, ANSWER_HEADERS_TOO_LARGE,
                           len > client->limits.head_max ? "limits.head" : "limits.headers", true);
        return;
    }
    if (!head_check(inbox->bytes + start, len, &client->head)) {
        client_refuse_with(client, ANSWER_MALFORMED, bad_head, true);
        return;
    }
    /* From here on the buffer must stay where it is: the request's strings are in it. */
    size_t room = client->head.chunked ? BODY_ROOM : 0;
    if (!make_headers(client, count) || !inbox_room(inbox, &client->clients->spare, room)) {
        client_refuse_with(client, ANSWER_OVERLOADED, "out of memory", true);
        return;
    }
    if (!parse_head(&parse, inbox->bytes + start, len, &client->head, client->headers, count)) {
        client_refuse_with(client, parse.method_unknown ? ANSWER_UNKNOWN_METHOD : ANSWER_MALFORMED,
                           bad_head, true);
        return;
    }
    client->spent = client->scan.seen;
    describe(client, &parse);
    admit(client);
}

/* From here on the connection is as if its client had made it. */
bool receive_proxy(struct client *client)
{
    struct clients *clients = client->clients;
    struct inbox *inbox = &client->inbox;
    size_t taken;

    if (inbox->len == 0)
        return false;
    switch (proxy_parse(inbox->bytes, inbox->len, &taken, &client->peer)) {
    case PROXY_MORE: return false;
    case PROXY_BAD:
        clients->handler->refused(clients->context, &client->peer, ANSWER_MALFORMED,
                                  "a proxy's connection without a PROXY header");
        client_close(client);
        return false;
    case PROXY_DONE: break;
    }
    inbox_drop(inbox, taken);
    client->state = CLIENT_IDLE;
    client->deadline = clock_add(clock_now(), clients->limits.head_timeout);
    if (!client_enter_crowd(clients, &client->peer, &client->counted)) {
        clients->handler->refused(clients->context, &client->peer, ANSWER_OVERLOADED,
                                  "limits.connections_per_address");
        client_close(client);
        return false;
    }
    if (client->secure) {
        receive_secure(client, inbox->bytes, inbox->len);
        inbox_drop(inbox, inbox->len);
    }
    if (clients->stopping && inbox->len == 0) /* or the door's end waits for what may never come */
        client_stop(client);
    return true;
}

/* ---- TLS ------------------------------------------------------------------------------------- */

void receive_secure(struct client *client, const char *early, size_t len)
{
    const struct tls *tls = client->clients->limits.tls;
    bool good = tls != NULL && wire_secure(&client->wire, tls, early, len);

    client->state = good ? CLIENT_SHAKING : CLIENT_GONE;
}

bool receive_handshake(struct client *client)
{
    const struct clients *clients = client->clients;
    const char *why = "";
    enum wire_progress progress = wire_shake(&client->wire, &why);

    event_del(&client->writable);
    switch (progress) {
    case WIRE_READY: client->state = CLIENT_IDLE; return true;
    case WIRE_READS: return false;
    case WIRE_WRITES:
        if (event_add(&client->writable, NULL) != 0)
            client->state = CLIENT_GONE;
        return false;
    case WIRE_PLAIN: client_refuse_with(client, ANSWER_MALFORMED, "HTTP without TLS", true); break;
    case WIRE_FAILED:
        clients->handler->refused(clients->context, &client->peer, ANSWER_MALFORMED, why);
        client_close(client);
        break;
    case WIRE_LEFT: client_close(client); break;
    }
    return false;
}

bool receive_head(struct client *client)
{
    struct inbox *inbox = &client->inbox;

    if (inbox->len == 0)
        return false;
    if (client->state == CLIENT_IDLE)
        receive_begin(client);
    switch (head_scan(&client->scan, inbox->bytes, inbox->len)) {
    case HEAD_BAD: client_refuse_with(client, ANSWER_MALFORMED, bad_head, true); return true;
    case HEAD_WHOLE: take_head(client); return true;
    case HEAD_MORE: break;
    }
    if (inbox->len - client->scan.start <= client->limits.head_max)
        return false;
    client_refuse_with(client, ANSWER_HEADERS_TOO_LARGE, "limits.head", true);
    return true;
}
