/* SPDX-License-Identifier: MIT */
/*
 * Owns: the conversation with one client, one request at a time, and its deadlines.
 * Never does: read on while a request is under way, or wait for a client without a deadline.
 * Lock: none; the loop's thread.
 */
#include "client.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crowd.h"

#define LINGER_READ 16384 /* bytes thrown away at once */

static bool run(struct client *client);

/* ---- Life ------------------------------------------------------------------------------------ */

static void on_readable(evutil_socket_t fd, short what, void *context);

static void on_writable(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    run(context);
}

bool client_enter_crowd(const struct clients *clients, const struct address *peer, bool *counted)
{
    const struct door_limits *limits = &clients->limits;
    unsigned most = limits->per_address_max == 0 ? UINT_MAX : limits->per_address_max;
    bool proxy = limits->proxies != NULL && networks_hold(limits->proxies, peer);

    *counted = false;
    if (clients->budget->crowd == NULL || !peer->known || proxy)
        return true;
    *counted = crowd_enter(clients->budget->crowd, peer, most);
    return *counted;
}

static void count(struct clients *clients, enum client_kind kind)
{
    clients->counts[kind]++;
    if (kind == CLIENT_PLAIN)
        atomic_fetch_add_explicit(&clients->budget->clients, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&clients->present, 1, memory_order_relaxed);
}

struct client *client_new(struct clients *clients, int fd, enum client_kind kind,
                          const struct address *peer, bool counted)
{
    struct client *client = calloc(1, sizeof(*client));
    uint32_t slot = client == NULL ? SLOTS_NONE : slots_take(&clients->slots, client);

    if (slot == SLOTS_NONE) {
        if (counted)
            crowd_leave(clients->budget->crowd, peer);
        free(client);
        close(fd);
        return NULL;
    }
    client->clients = clients;
    client->wire.fd = fd;
    client->slot = slot;
    client->kind = kind;
    client->peer = *peer;
    client->counted = counted;
    event_assign(&client->readable, clients->base, fd, EV_READ | EV_PERSIST, on_readable, client);
    event_assign(&client->writable, clients->base, fd, EV_WRITE | EV_PERSIST, on_writable, client);
    list_push_back(&clients->all, &client->link);
    list_init(&client->idle);
    list_init(&client->turn);
    wheel_entry_init(&client->timer);
    count(clients, kind);
    /* One that never says anything has less time than one that has proved itself. */
    client->deadline = clock_add(clock_now(), clients->limits.head_timeout);
    return run(client) ? client : NULL;
}

void client_expect(struct client *client, bool proxied, bool secure)
{
    client->secure = secure;
    if (proxied)
        client->state = CLIENT_PROXIED;
    else if (secure)
        receive_secure(client, "", 0);
    if (client->state == CLIENT_GONE)
        client_close(client);
}

static void destroy(struct client *client)
{
    struct clients *clients = client->clients;

    event_del(&client->readable);
    event_del(&client->writable);
    wire_close(&client->wire);
    wheel_remove(&client->timer);
    list_remove(&client->link);
    list_remove(&client->idle);
    list_remove(&client->turn);
    body_drop(client);
    if (client->counted)
        crowd_leave(clients->budget->crowd, &client->peer);
    slots_give(&clients->slots, client->slot);
    clients->counts[client->kind]--;
    if (client->kind == CLIENT_PLAIN)
        atomic_fetch_sub_explicit(&clients->budget->clients, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&clients->present, 1, memory_order_relaxed);
    inbox_fini(&client->inbox, &clients->spare);
    free(client->headers);
    free(client->rest);
    free(client);
}

void client_close(struct client *client)
{
    client->state = CLIENT_GONE;
    if (!client->running)
        destroy(client);
}

struct client *client_find(const struct clients *clients, uint64_t id)
{
    struct client *client = slots_find(&clients->slots, id);

    return client != NULL && client->request.id == id ? client : NULL;
}

/* ---- Answering ------------------------------------------------------------------------------- */

/* Nothing more will be said; give the client time to hear the last answer before it is reset. */
static void linger(struct client *client)
{
    wire_end(&client->wire);
    inbox_fini(&client->inbox, &client->clients->spare);
    client->state = CLIENT_LINGERING;
    client->deadline = clock_add(clock_now(), CLIENT_LINGER);
}

/* The answer has been written. */
static void finish(struct client *client)
{
    if (!client->keep_alive) {
        /* What lies in a socket unread when it is closed takes the answer back, by a reset. */
        if (client->unread || client->inbox.len > client->spent || wire_has_news(&client->wire))
            linger(client);
        else
            client_close(client);
        return;
    }
    inbox_drop(&client->inbox, client->spent);
    client->spent = 0;
    client->scan = (struct head_scan){0};
    client->head = (struct head){0};
    client->request = (struct request){0};
    client->served = true;
    list_remove(&client->idle); /* idle anew; note_idle sees only what it is at the end */
    client->state = CLIENT_IDLE;
    client->deadline = clock_add(clock_now(), client->clients->limits.idle_timeout);
}

static void go_on(struct client *client, enum send_result result)
{
    switch (result) {
    case SEND_DONE:
        event_del(&client->writable);
        finish(client);
        break;
    case SEND_LATER:
        if (client->state != CLIENT_WRITING) {
            client->state = CLIENT_WRITING;
            client->deadline = clock_add(clock_now(), client->clients->limits.body_timeout);
            if (event_add(&client->writable, NULL) != 0)
                client->state = CLIENT_GONE;
        }
        break;
    case SEND_FAILED: client->state = CLIENT_GONE; break;
    }
}

void client_answer(struct client *client, struct answer *answer)
{
    struct clients *clients = client->clients;
    bool was_running = client->running;

    if (client->keep_alive && (answer->close || clients->stopping)) {
        client->keep_alive = false;
        client->unread = true; /* it may be sending the next request already */
    }
    atomic_fetch_add_explicit(&clients->answers, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&clients->by_status[answer->status / 100 % 6], 1,
                              memory_order_relaxed);
    body_drop(client);
    client->request.id = 0;
    client->running = true;
    go_on(client, send_answer(client, answer));
    client->running = was_running;
    answer_fini(answer);
    if (!was_running)
        run(client);
}

/* Is the body here as a whole, or is there none? Then it is skipped. */
static bool skip_body(struct client *client)
{
    uint64_t len = client->head.content_length;

    if (client->head.chunked || client->state == CLIENT_BODY ||
        client->inbox.len - client->spent < len)
        return false;
    client->spent += (size_t)len;
    return true;
}

void client_refuse(struct client *client, struct answer *answer, bool last)
{
    if (last || !skip_body(client)) {
        client->keep_alive = false;
        client->unread = true;
    }
    client_answer(client, answer);
}

void client_refuse_with(struct client *client, enum answer_problem problem, const char *why,
                        bool last)
{
    const struct clients *clients = client->clients;
    struct answer answer = {.status = 0};

    clients->handler->refused(clients->context, &client->peer, problem, why);
    answer_problem(&answer, problem, NULL);
    client_refuse(client, &answer, last);
}

void client_hand_over(struct client *client)
{
    struct clients *clients = client->clients;

    client->state = CLIENT_WAITING;
    client->deadline = CLOCK_NEVER;
    client->request.received_at = clock_wall_us();
    client->request.id = slots_id(client->slot);
    body_give_share(client);
    clients->handler->complete(clients->context, &client->request);
}

/* ---- The machine ----------------------------------------------------------------------------- */

static void ask_for_turn(struct clients *clients)
{
    static const struct timeval soon = {0};

    if (!list_empty(&clients->queued))
        event_add(&clients->turns, &soon); /* the tick's turns are left without memory */
}

/*
 * One request in a turn: whoever has sent many at once would else have them all served before
 * anybody else's.
 */
static bool receive_next(struct client *client)
{
    if (!client->served || client->inbox.len == 0)
        return receive_head(client);
    client->state = CLIENT_QUEUED;
    list_push_back(&client->clients->queued, &client->turn);
    ask_for_turn(client->clients);
    return false;
}

/* True if there may be more to do at once. */
static bool step(struct client *client)
{
    switch (client->state) {
    case CLIENT_PROXIED: return receive_proxy(client);
    case CLIENT_SHAKING: return receive_handshake(client);
    case CLIENT_IDLE: return receive_next(client);
    case CLIENT_HEAD: return receive_head(client);
    case CLIENT_BODY: return body_take(client);
    default: return false;
    }
}

static bool wants_bytes(const struct client *client)
{
    return client->state != CLIENT_WAITING && client->state != CLIENT_WRITING &&
           client->state != CLIENT_QUEUED;
}

/* The oldest stay in front. */
static void note_idle(struct client *client)
{
    bool idle = client->state == CLIENT_IDLE || client->state == CLIENT_PROXIED ||
                client->state == CLIENT_SHAKING;

    if (!idle || client->kind != CLIENT_PLAIN)
        list_remove(&client->idle);
    else if (list_empty(&client->idle))
        list_push_back(&client->clients->idle, &client->idle);
}

/* False: it has gone. */
static bool run(struct client *client)
{
    client->running = true;
    if (client->state == CLIENT_WRITING)
        go_on(client, send_rest(client));
    client->served = false;
    while (step(client))
        continue;
    if (client->state != CLIENT_GONE && wants_bytes(client) && !client->reading) {
        client->reading = event_add(&client->readable, NULL) == 0;
        if (!client->reading)
            client->state = CLIENT_GONE;
    }
    client->running = false;
    if (client->state == CLIENT_GONE) {
        destroy(client);
        return false;
    }
    if (client->state == CLIENT_IDLE)
        inbox_fini(&client->inbox, &client->clients->spare);
    /* The socket tells of what it holds, not of what TLS has taken from it. */
    if (client->reading && wants_bytes(client) && wire_pending(&client->wire))
        event_active(&client->readable, EV_READ, 0);
    note_idle(client);
    wheel_set(&client->clients->wheel, &client->timer, client->deadline);
    return true;
}

void client_take_turn(struct clients *clients)
{
    struct list *turn = list_pop_front(&clients->queued);

    if (turn == NULL)
        return;
    struct client *client = list_entry(turn, struct client, turn);
    client->state = CLIENT_IDLE;
    run(client);
    ask_for_turn(clients);
}

static ssize_t read_inbox(struct client *client)
{
    struct inbox *inbox = &client->inbox;

    if (!inbox_room(inbox, &client->clients->spare, 1))
        return 0;
    ssize_t n = wire_read(&client->wire, inbox->bytes + inbox->len, inbox->size - inbox->len);
    inbox->len += n > 0 ? (size_t)n : 0;
    return n;
}

static ssize_t read_away(struct client *client)
{
    char bytes[LINGER_READ];

    ssize_t n = wire_read(&client->wire, bytes, sizeof(bytes));
    client->lingered += n > 0 ? (size_t)n : 0;
    return client->lingered > CLIENT_LINGER_BYTES ? 0 : n;
}

static ssize_t read_some(struct client *client)
{
    switch (client->state) {
    case CLIENT_BODY: return body_read(client);
    case CLIENT_LINGERING: return read_away(client);
    default: return read_inbox(client);
    }
}

/* One read for each call, so that every client gets its turn. */
static void on_readable(evutil_socket_t fd, short what, void *context)
{
    struct client *client = context;

    (void)fd;
    (void)what;
    /* Most clients say nothing before they are answered, so that looking away usually costs
     * nothing; one that does waits, and so does the end of its stream. */
    if (!wants_bytes(client)) {
        event_del(&client->readable);
        client->reading = false;
        return;
    }
    if (client->state == CLIENT_SHAKING) {
        run(client);
        return;
    }
    ssize_t n = read_some(client);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
        client_close(client);
        return;
    }
    if (n < 0 && client->state == CLIENT_IDLE && wire_has_part(&client->wire))
        receive_begin(client);
    if (n > 0 || client->state == CLIENT_HEAD)
        run(client);
}

/* ---- Ends ------------------------------------------------------------------------------------ */

void client_expire(struct wheel_entry *timer)
{
    struct client *client = list_entry(timer, struct client, timer);

    if (client->state == CLIENT_HEAD || client->state == CLIENT_BODY)
        client_refuse_with(client, ANSWER_SLOW_CLIENT,
                           client->state == CLIENT_HEAD ? "limits.head_timeout" : body_late(client),
                           true);
    else
        client_close(client);
}

void client_stop(struct client *client)
{
    bool silent = client->state == CLIENT_PROXIED || client->state == CLIENT_IDLE;

    /* A request that has arrived, but was not read yet, is told that we are going. */
    if (client->state == CLIENT_SHAKING || (silent && !wire_has_news(&client->wire)))
        client_close(client);
}
