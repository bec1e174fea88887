/* SPDX-License-Identifier: MIT */
/*
 * Owns: the listeners and the clients of one loop: how many there may be, and how they end.
 * Never does: look into a request (client.c and its neighbours do), know a path (the handler does).
 * Lock: none; the loop's thread. The counters and the budget are atomic.
 */
#include "door.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include <weir/error.h>

#include "client.h"
#include "crowd.h"
#include "listen.h"
#include "log.h"

#define ACCEPTS_MAX     64     /* at one go, so that clients get their turn */
#define ADMIN_MAX       64     /* clients of the admin side's own listener */
#define TURNED_AWAY_MAX 64     /* that are being told so, at a time */
#define EVICT_LOOKS     16     /* idle clients looked at for one that may go */
#define ACCEPT_PAUSE    100000 /* microseconds, without descriptors */
#define ACCEPT_QUIET    (10 * CLOCK_SECOND)

struct listener {
    struct list link;
    struct door *door;
    struct listen_socket socket;
    bool admin;
    struct event readable;
};

struct door {
    struct clients clients;
    struct list listeners; /* struct listener.link */
    struct event tick;     /* turns the wheel, while there are clients */
    struct event resume;   /* ends a pause in accepting */
    int64_t quiet_until;   /* no word about pauses before this */
};

/* ---- The budget ------------------------------------------------------------------------------ */

static bool fits(size_t held, size_t bytes, size_t max)
{
    return bytes <= max && held <= max - bytes;
}

bool door_budget_has(const struct door_budget *budget, size_t bytes)
{
    return fits(atomic_load_explicit(&budget->held, memory_order_relaxed), bytes,
                atomic_load_explicit(&budget->max, memory_order_relaxed));
}

bool door_budget_take(struct door_budget *budget, size_t bytes)
{
    size_t held = atomic_load_explicit(&budget->held, memory_order_relaxed);
    size_t max = atomic_load_explicit(&budget->max, memory_order_relaxed);

    do {
        if (!fits(held, bytes, max))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&budget->held, &held, held + bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

void door_budget_give(struct door_budget *budget, size_t bytes)
{
    if (bytes > 0)
        atomic_fetch_sub_explicit(&budget->held, bytes, memory_order_relaxed);
}

/* ---- Requests -------------------------------------------------------------------------------- */

const char *request_header(const struct request *request, const char *name)
{
    for (size_t i = 0; i < request->headers_count; i++)
        if (strcmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    return NULL;
}

char *request_take_body(struct request *request, size_t *len, size_t *budget)
{
    char *body = request->body;

    *len = request->body_len;
    *budget = request->budget;
    request->body = NULL;
    request->body_len = request->budget = 0;
    return body;
}

bool door_hears(const struct door *door, uint64_t id)
{
    const struct client *client = client_find(&door->clients, id);

    /* Nothing has come of one that is still listened to. That is nearly all of them. */
    return client != NULL && (client->reading || !wire_has_ended(&client->wire));
}

void door_answer(struct door *door, uint64_t id, struct answer *answer)
{
    struct client *client = client_find(&door->clients, id);

    if (client != NULL)
        client_answer(client, answer);
    else
        answer_fini(answer);
}

/* ---- Accepting ------------------------------------------------------------------------------- */

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    struct door *door = context;

    (void)fd;
    (void)what;
    wheel_turn(&door->clients.wheel, clock_now(), client_expire);
    client_take_turn(&door->clients); /* however busy the others are */
    if (list_empty(&door->clients.all))
        event_del(&door->tick);
}

static void on_turn(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    client_take_turn(context);
}

static void start_ticking(struct door *door)
{
    static const struct timeval interval = {.tv_usec = WHEEL_TICK / 1000};

    if (event_pending(&door->tick, EV_TIMEOUT, NULL))
        return;
    wheel_turn(&door->clients.wheel, clock_now(), client_expire);
    event_add(&door->tick, &interval);
}

/* What has come since the last look would be lost with the connection. */
static bool has_spoken(const struct client *client)
{
    return wire_has_news(&client->wire);
}

/* Close whoever has had nothing to say for the longest; false if there is none. */
static bool evict(struct clients *clients)
{
    int looked = 0;

    list_each(link, &clients->idle) {
        struct client *client = list_entry(link, struct client, idle);
        if (looked++ == EVICT_LOOKS)
            return false;
        if (has_spoken(client))
            continue;
        atomic_fetch_add_explicit(&clients->evicted, 1, memory_order_relaxed);
        client_close(client);
        return true;
    }
    return false;
}

static bool is_full(const struct clients *clients)
{
    return atomic_load_explicit(&clients->budget->clients, memory_order_relaxed) >=
           clients->limits.connections_max;
}

/*
 * What becomes of one who has just come. Its address is looked at before room is made: one who
 * has enough places already does not take those of others.
 */
static enum client_kind kind_of(struct clients *clients, const struct address *peer, bool admin,
                                bool *counted, const char **why)
{
    *why = NULL;
    *counted = false;
    if (admin)
        return clients->counts[CLIENT_ADMIN] < ADMIN_MAX ? CLIENT_ADMIN : CLIENT_TURNED_AWAY;
    *why = "limits.connections_per_address";
    if (!client_enter_crowd(clients, peer, counted))
        return CLIENT_TURNED_AWAY;
    *why = "limits.connections";
    if (!is_full(clients) || evict(clients))
        return CLIENT_PLAIN;
    if (*counted)
        crowd_leave(clients->budget->crowd, peer);
    *counted = false;
    return CLIENT_TURNED_AWAY;
}

/* With few descriptors, few are to be spent on saying no. */
static bool may_turn_away(const struct clients *clients)
{
    unsigned share = 1 + clients->limits.connections_max / 4;
    unsigned most = share < TURNED_AWAY_MAX ? share : TURNED_AWAY_MAX;

    return clients->counts[CLIENT_TURNED_AWAY] < most;
}

/* The admin side's own listener is not for proxies of senders. */
static bool is_proxied(const struct clients *clients, const struct address *peer, bool admin)
{
    return !admin && clients->limits.proxy_protocol && clients->limits.proxies != NULL &&
           networks_hold(clients->limits.proxies, peer);
}

static void welcome(struct door *door, int fd, const struct address *peer, bool admin)
{
    struct clients *clients = &door->clients;
    const char *why;
    bool counted, secure = !admin && clients->limits.tls != NULL;
    enum client_kind kind = kind_of(clients, peer, admin, &counted, &why);

    atomic_fetch_add_explicit(&clients->accepted, 1, memory_order_relaxed);
    if (kind == CLIENT_TURNED_AWAY) {
        atomic_fetch_add_explicit(&clients->refused, 1, memory_order_relaxed);
        if (secure || !may_turn_away(clients)) { /* a handshake to say no is dear */
            clients->handler->refused(clients->context, peer, ANSWER_OVERLOADED, why);
            close(fd);
            return;
        }
    }
    start_ticking(door);
    struct client *client = client_new(clients, fd, kind, peer, counted);
    if (client != NULL && kind == CLIENT_TURNED_AWAY)
        client_refuse_with(client, ANSWER_OVERLOADED, why, true);
    else if (client != NULL)
        client_expect(client, is_proxied(clients, peer, admin), secure);
}

/* Once in a while: a storm lasts for thousands of attempts. */
static void complain(struct door *door, int error)
{
    int64_t now = clock_now();

    if (now < door->quiet_until)
        return;
    door->quiet_until = clock_add(now, ACCEPT_QUIET);
    log_event(LOG_WARNING, "accept-paused", "detail", strerror(error), NULL);
}

/* Without a descriptor or memory, trying again at once would only burn the processor. */
static void pause_accepting(struct door *door, int error)
{
    static const struct timeval pause = {.tv_usec = ACCEPT_PAUSE};

    complain(door, error);
    if (event_add(&door->resume, &pause) != 0)
        return;
    list_each(link, &door->listeners)
        event_del(&list_entry(link, struct listener, link)->readable);
}

static void on_resume(evutil_socket_t fd, short what, void *context)
{
    struct door *door = context;

    (void)fd;
    (void)what;
    list_each(link, &door->listeners)
        event_add(&list_entry(link, struct listener, link)->readable, NULL);
}

static void accept_some(struct listener *listener, int most)
{
    for (int i = 0; i < most; i++) {
        struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
        struct sockaddr *name = (struct sockaddr *)(void *)&from;
        socklen_t len = sizeof(from);
        struct address peer;
        int client = accept4(listener->socket.fd, name, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client >= 0) {
            address_from_socket(&peer, name);
            welcome(listener->door, client, &peer, listener->admin);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_accepting(listener->door, errno);
        /* What else accept4 says is about one client, or that there is none. */
        return;
    }
}

static void on_accept(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    accept_some(context, ACCEPTS_MAX);
}

static void listener_free(struct listener *listener)
{
    list_remove(&listener->link);
    event_del(&listener->readable);
    listen_close(&listener->socket);
    free(listener);
}

int door_listen(struct door *door, const char *address, bool admin, bool reuse_port, char *message,
                size_t message_len, unsigned *bound_port)
{
    struct listener *listener = calloc(1, sizeof(*listener));

    if (listener == NULL) {
        snprintf(message, message_len, "%s: out of memory", address);
        return -ENOMEM;
    }
    int status = listen_open(&listener->socket, address, reuse_port, message, message_len);
    if (status != 0) {
        free(listener);
        return status;
    }
    listener->door = door;
    listener->admin = admin;
    event_assign(&listener->readable, door->clients.base, listener->socket.fd, EV_READ | EV_PERSIST,
                 on_accept, listener);
    list_push_back(&door->listeners, &listener->link);
    if (bound_port != NULL)
        *bound_port = listener->socket.port;
    if (event_add(&listener->readable, NULL) == 0)
        return 0;
    listener_free(listener);
    snprintf(message, message_len, "%s: out of memory", address);
    return -ENOMEM;
}

/* ---- Life ------------------------------------------------------------------------------------ */

int door_new(struct door **out, struct event_base *base, const struct door_limits *limits,
             struct door_budget *budget, const struct door_handler *handler, void *context)
{
    struct door *door = calloc(1, sizeof(*door));

    *out = door;
    if (door == NULL)
        return WEIR_ENOMEM;
    door->clients.base = base;
    door->clients.limits = *limits;
    door->clients.budget = budget;
    door->clients.handler = handler;
    door->clients.context = context;
    list_init(&door->clients.all);
    list_init(&door->clients.idle);
    list_init(&door->clients.queued);
    list_init(&door->listeners);
    wheel_init(&door->clients.wheel, clock_now());
    event_assign(&door->tick, base, -1, EV_PERSIST, on_tick, door);
    event_assign(&door->resume, base, -1, 0, on_resume, door);
    event_assign(&door->clients.turns, base, -1, 0, on_turn, &door->clients);
    event_priority_set(&door->clients.turns, DOOR_PRIORITIES - 1); /* if the base has so many */
    return 0;
}

void door_set_limits(struct door *door, const struct door_limits *limits)
{
    door->clients.limits = *limits;
}

void door_stop(struct door *door)
{
    door->clients.stopping = true;
    /* Whoever has connected already would be reset with the listener, rather than told. */
    list_each(link, &door->listeners)
        accept_some(list_entry(link, struct listener, link), SOMAXCONN);
    event_del(&door->resume);
    list_each_safe(link, &door->listeners)
        listener_free(list_entry(link, struct listener, link));
    list_each_safe(at, &door->clients.all)
        client_stop(list_entry(at, struct client, link));
}

bool door_empty(const struct door *door)
{
    return list_empty(&door->clients.all);
}

static uint64_t look(const atomic_uint_least64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void door_get_stats(struct door *door, struct door_stats *stats)
{
    const struct clients *clients = &door->clients;

    stats->accepted = look(&clients->accepted);
    stats->refused = look(&clients->refused);
    stats->evicted = look(&clients->evicted);
    stats->requests = look(&clients->requests);
    stats->answers = look(&clients->answers);
    for (size_t i = 0; i < sizeof(stats->by_status) / sizeof(stats->by_status[0]); i++)
        stats->by_status[i] = look(&clients->by_status[i]);
    stats->clients = atomic_load_explicit(&clients->present, memory_order_relaxed);
}

void door_free(struct door **at)
{
    struct door *door = *at;

    *at = NULL;
    if (door == NULL)
        return;
    door_stop(door);
    list_each_safe(link, &door->clients.all)
        client_close(list_entry(link, struct client, link));
    event_del(&door->tick);
    event_del(&door->clients.turns);
    inbox_spare_fini(&door->clients.spare);
    slots_fini(&door->clients.slots);
    free(door);
}
