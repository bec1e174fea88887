/* SPDX-License-Identifier: MIT */
/*
 * Owns: the listeners and clients of one loop, their number, and finding them by request id.
 * Never does: know a path or a header (the handler does). Lock: none; the loop's thread, and
 * atomic counters for whoever looks.
 */
#include "door.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

#define SWEEP_MS      100 /* how exactly clients' deadlines are kept */
#define BACKLOG       1024
#define ACCEPTS_MAX   64 /* at one go, so that clients get their turn */
#define ADMIN_CLIENTS 64 /* of a listener of its own, beside limits.connections */
#define SLOT_BITS     24
#define SLOTS_MAX     ((1u << SLOT_BITS) - 1)

struct listener {
    struct list link;
    struct door *door;
    int fd;
    bool admin;
    struct event *event;
    char *path; /* of a Unix socket, to be removed at the end */
};

/* ---- The budget ------------------------------------------------------------------------------ */

bool door_budget_take(struct door_budget *budget, size_t bytes)
{
    size_t held = atomic_load_explicit(&budget->held, memory_order_relaxed);
    size_t max = atomic_load_explicit(&budget->max, memory_order_relaxed);

    do {
        if (bytes > max || held > max - bytes)
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

/* Unique in this process: a count, with the slot below it. */
uint64_t door_request_id(uint32_t slot)
{
    static atomic_uint_least64_t count;

    return (atomic_fetch_add_explicit(&count, 1, memory_order_relaxed) + 1) << SLOT_BITS | slot;
}

static struct client *client_of(const struct door *door, uint64_t id)
{
    size_t slot = id & SLOTS_MAX;
    struct client *client = slot < door->slots_count ? door->slots[slot] : NULL;

    return client != NULL && client->request.id == id ? client : NULL;
}

void door_answer(struct door *door, uint64_t id, struct answer *answer)
{
    struct client *client = client_of(door, id);

    if (client != NULL)
        client_answer(client, answer);
    else
        answer_fini(answer);
}

/* ---- Slots ----------------------------------------------------------------------------------- */

static bool grow_slots(struct door *door)
{
    size_t room = door->slots_room == 0 ? 64 : 2 * door->slots_room;

    if (room > SLOTS_MAX)
        return false;
    struct client **slots = reallocarray(door->slots, room, sizeof(*slots));
    if (slots != NULL)
        door->slots = slots;
    uint32_t *free_slots = reallocarray(door->free_slots, room, sizeof(*free_slots));
    if (free_slots != NULL)
        door->free_slots = free_slots;
    if (slots == NULL || free_slots == NULL)
        return false;
    door->slots_room = room;
    return true;
}

uint32_t door_take_slot(struct door *door, struct client *client)
{
    uint32_t slot;

    if (door->free_count > 0)
        slot = door->free_slots[--door->free_count];
    else if (door->slots_count < door->slots_room || grow_slots(door))
        slot = (uint32_t)door->slots_count++;
    else
        return UINT32_MAX;
    door->slots[slot] = client;
    return slot;
}

void door_give_slot(struct door *door, uint32_t slot)
{
    door->slots[slot] = NULL;
    door->free_slots[door->free_count++] = slot;
}

/* ---- Accepting ------------------------------------------------------------------------------- */

static bool is_full(const struct door *door, bool admin)
{
    return door->counts[admin] >= (admin ? ADMIN_CLIENTS : door->limits.connections_max);
}

/* One that is too much is told so; whether it listens is its own affair. */
static void turn_away(struct door *door, int fd)
{
    static const char text[] =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"
        "Retry-After: 1\r\nConnection: close\r\n\r\n"
        "{\"type\":\"urn:weir:error:overloaded\",\"title\":\"Too much is waiting already.\","
        "\"status\":503}\n";

    atomic_fetch_add_explicit(&door->refused, 1, memory_order_relaxed);
    if (send(fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        shutdown(fd, SHUT_WR);
    close(fd);
}

static void pause_accepting(struct door *door)
{
    door->paused = true;
    list_each(link, &door->listeners)
        event_del(list_entry(link, struct listener, link)->event);
}

static void resume_accepting(struct door *door)
{
    door->paused = false;
    list_each(link, &door->listeners)
        event_add(list_entry(link, struct listener, link)->event, NULL);
}

static void welcome(struct door *door, int fd, bool admin)
{
    int one = 1;

    atomic_fetch_add_explicit(&door->accepted, 1, memory_order_relaxed);
    if (is_full(door, admin)) {
        turn_away(door, fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* a Unix socket has none */
    client_new(door, fd, admin);
}

static void on_accept(evutil_socket_t fd, short what, void *context)
{
    struct listener *listener = context;

    (void)what;
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client >= 0) {
            welcome(listener->door, client, listener->admin);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_accepting(listener->door);
        if (errno != ECONNABORTED && errno != EINTR)
            return;
    }
}

/* ---- Listening ------------------------------------------------------------------------------- */

static int fail(char *message, size_t len, const char *address, int error)
{
    snprintf(message, len, "%s: %s%s", address, strerror(error),
             error == EADDRINUSE ? "; stop what listens there, or choose another address" : "");
    return -error;
}

static int bind_tcp(const struct addrinfo *info, bool reuse_port)
{
    int one = 1;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (reuse_port)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
    if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    return -error;
}

static int open_tcp(const char *address, bool reuse_port, char *message, size_t message_len)
{
    char host[256];
    const char *colon = strrchr(address, ':');
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *info;
    size_t len = colon == NULL ? 0 : (size_t)(colon - address);

    if (len == 0 || len >= sizeof(host))
        return fail(message, message_len, address, EINVAL);
    memcpy(host, address, len);
    host[len] = '\0';
    if (host[0] == '[' && host[len - 1] == ']') {
        host[len - 1] = '\0';
        memmove(host, host + 1, len - 1);
    }
    int error = getaddrinfo(host, colon + 1, &hints, &info);
    if (error != 0) {
        snprintf(message, message_len, "%s: %s", address, gai_strerror(error));
        return -EINVAL;
    }
    int fd = bind_tcp(info, reuse_port);
    freeaddrinfo(info);
    return fd < 0 ? fail(message, message_len, address, -fd) : fd;
}

/* A socket file that nobody listens on is a left-over. */
static bool is_stale(const struct sockaddr_un *name)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool stale = fd >= 0 && connect(fd, (const struct sockaddr *)name, sizeof(*name)) != 0 &&
                 errno == ECONNREFUSED;

    if (fd >= 0)
        close(fd);
    return stale;
}

static int open_unix(const char *path, char *message, size_t message_len)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    size_t len = strlen(path);

    if (len >= sizeof(name.sun_path))
        return fail(message, message_len, path, ENAMETOOLONG);
    memcpy(name.sun_path, path, len);
    if (is_stale(&name))
        unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(message, message_len, path, errno);
    if (bind(fd, (const struct sockaddr *)&name, sizeof(name)) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    return fail(message, message_len, path, error);
}

static unsigned port_of(int fd)
{
    struct sockaddr_storage name;
    socklen_t len = sizeof(name);

    if (getsockname(fd, (struct sockaddr *)&name, &len) != 0)
        return 0;
    if (name.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)(const void *)&name)->sin_port);
    return name.ss_family == AF_INET6
               ? ntohs(((const struct sockaddr_in6 *)(const void *)&name)->sin6_port)
               : 0;
}

static void listener_free(struct listener *listener)
{
    if (listener->event != NULL)
        event_free(listener->event);
    close(listener->fd);
    if (listener->path != NULL)
        unlink(listener->path);
    free(listener->path);
    free(listener);
}

int door_listen(struct door *door, const char *address, bool admin, bool reuse_port, char *message,
                size_t message_len, unsigned *bound_port)
{
    bool local = strncmp(address, "unix:", 5) == 0;
    int fd = local ? open_unix(address + 5, message, message_len)
                   : open_tcp(address, reuse_port, message, message_len);

    if (fd < 0)
        return fd;
    struct listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL) {
        close(fd);
        return fail(message, message_len, address, ENOMEM);
    }
    *listener = (struct listener){.door = door, .fd = fd, .admin = admin};
    listener->path = local ? strdup(address + 5) : NULL;
    listener->event = event_new(door->base, fd, EV_READ | EV_PERSIST, on_accept, listener);
    if (listener->event == NULL || event_add(listener->event, NULL) != 0) {
        listener_free(listener);
        return fail(message, message_len, address, ENOMEM);
    }
    list_push_back(&door->listeners, &listener->link);
    if (bound_port != NULL)
        *bound_port = port_of(fd);
    return 0;
}

/* ---- Time ------------------------------------------------------------------------------------ */

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
    struct door *door = context;
    int64_t now = clock_now();

    (void)fd, (void)what;
    list_each_safe(link, &door->clients) {
        struct client *client = list_entry(link, struct client, link);
        if (now >= client->deadline)
            client_expire(client);
    }
    if (door->paused && !door->stopping)
        resume_accepting(door);
}

/* RFC 9110, 5.6.7; the second it was made for is remembered. */
const char *door_date(struct door *door)
{
    time_t now = time(NULL);
    struct tm parts;

    if (now != door->date_second) {
        gmtime_r(&now, &parts);
        strftime(door->date, sizeof(door->date), "%a, %d %b %Y %H:%M:%S GMT", &parts);
        door->date_second = now;
    }
    return door->date;
}

/* ---- Life ------------------------------------------------------------------------------------ */

int door_new(struct door **out, struct event_base *base, const struct door_limits *limits,
             struct door_budget *budget, const struct door_handler *handler, void *context)
{
    static const struct timeval interval = {.tv_usec = SWEEP_MS * 1000};
    struct door *door = calloc(1, sizeof(*door));

    *out = NULL;
    if (door == NULL)
        return -ENOMEM;
    door->base = base;
    door->limits = *limits;
    door->budget = budget;
    door->handler = handler;
    door->context = context;
    list_init(&door->clients);
    list_init(&door->listeners);
    door->sweep = event_new(base, -1, EV_PERSIST, on_sweep, door);
    if (door->sweep == NULL || event_add(door->sweep, &interval) != 0) {
        door_free(&door);
        return -ENOMEM;
    }
    *out = door;
    return 0;
}

void door_set_limits(struct door *door, const struct door_limits *limits)
{
    door->limits = *limits;
}

void door_stop(struct door *door)
{
    door->stopping = true;
    list_each_safe(link, &door->listeners) {
        list_remove(link);
        listener_free(list_entry(link, struct listener, link));
    }
    list_each_safe(client, &door->clients)
        client_stop(list_entry(client, struct client, link));
}

bool door_empty(const struct door *door)
{
    return list_empty(&door->clients);
}

void door_get_stats(struct door *door, struct door_stats *stats)
{
    stats->accepted = atomic_load_explicit(&door->accepted, memory_order_relaxed);
    stats->refused = atomic_load_explicit(&door->refused, memory_order_relaxed);
    stats->requests = atomic_load_explicit(&door->requests, memory_order_relaxed);
    stats->answers = atomic_load_explicit(&door->answers, memory_order_relaxed);
    for (size_t i = 0; i < 6; i++)
        stats->by_status[i] = atomic_load_explicit(&door->by_status[i], memory_order_relaxed);
    stats->clients = atomic_load_explicit(&door->clients_now, memory_order_relaxed);
}

void door_free(struct door **at)
{
    struct door *door = *at;

    *at = NULL;
    if (door == NULL)
        return;
    door_stop(door);
    list_each_safe(link, &door->clients)
        client_close(list_entry(link, struct client, link));
    if (door->sweep != NULL)
        event_free(door->sweep);
    free(door->slots);
    free(door->free_slots);
    free(door);
}
