/* SPDX-License-Identifier: MIT */
/*
 * Owns: the conversation with one client: head, body, answer, one request at a time.
 * Never does: parse (head.c, parse.c, chunk.c), or read on while a request is under way.
 * Lock: none; the loop's thread.
 */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_TEXT_MAX 512 /* bytes of an answer's own head */

static void proceed(struct client *client);

/* ---- Life ------------------------------------------------------------------------------------ */

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    proceed(context);
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    proceed(context);
}

struct client *client_new(struct door *door, int fd, bool admin)
{
    struct client *client = calloc(1, sizeof(*client));

    if (client == NULL) {
        close(fd);
        return NULL;
    }
    client->door = door;
    client->fd = fd;
    client->admin = admin;
    client->deadline = clock_add(clock_now(), door->limits.idle_timeout);
    client->slot = door_take_slot(door, client);
    event_assign(&client->readable, door->base, fd, EV_READ | EV_PERSIST, on_readable, client);
    event_assign(&client->writable, door->base, fd, EV_WRITE | EV_PERSIST, on_writable, client);
    if (client->slot == UINT32_MAX || event_add(&client->readable, NULL) != 0) {
        if (client->slot != UINT32_MAX)
            door_give_slot(door, client->slot);
        close(fd);
        free(client);
        return NULL;
    }
    list_push_back(&door->clients, &client->link);
    door->counts[admin]++;
    atomic_fetch_add(&door->clients_now, 1);
    return client;
}

static void drop_body(struct client *client)
{
    struct request *request = &client->request;

    free(request->body);
    request->body = NULL;
    door_budget_give(client->door->budget, request->budget);
    request->budget = 0;
    request->body_len = client->body_room = 0;
}

static void destroy(struct client *client)
{
    struct door *door = client->door;

    event_del(&client->readable);
    event_del(&client->writable);
    close(client->fd);
    drop_body(client);
    door_give_slot(door, client->slot);
    list_remove(&client->link);
    door->counts[client->admin]--;
    atomic_fetch_sub(&door->clients_now, 1);
    free(client->headers);
    free(client->in);
    free(client->out);
    free(client);
}

void client_close(struct client *client)
{
    client->state = CLIENT_DEAD;
    if (!client->inside)
        destroy(client);
}

/* ---- Buffers --------------------------------------------------------------------------------- */

/* Throw away the first `len` bytes of what came in. */
static void consume(struct client *client, size_t len)
{
    client->in_len -= len;
    memmove(client->in, client->in + len, client->in_len);
}

static bool make_room(struct client *client, size_t room)
{
    if (room <= client->in_room)
        return true;
    char *in = realloc(client->in, room);
    if (in == NULL)
        return false;
    client->in = in;
    client->in_room = room;
    return true;
}

/* >0: bytes; 0: nothing now; <0: the client has gone. */
static ssize_t receive(struct client *client, char *at, size_t len)
{
    ssize_t n = recv(client->fd, at, len, MSG_DONTWAIT);

    if (n > 0)
        return n;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return 0;
    return -1;
}

/* ---- Answering ------------------------------------------------------------------------------- */

static const char *reason_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *reason;
    } reasons[] = {{200, "OK"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {408, "Request Timeout"},
                   {413, "Content Too Large"},
                   {415, "Unsupported Media Type"},
                   {422, "Unprocessable Content"},
                   {429, "Too Many Requests"},
                   {431, "Request Header Fields Too Large"},
                   {500, "Internal Server Error"},
                   {503, "Service Unavailable"}};

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

static size_t write_head(const struct client *client, const struct answer *answer, char *text)
{
    char retry[48] = "", allow[64] = "", authenticate[64] = "";

    if (answer->retry_after > 0)
        snprintf(retry, sizeof(retry), "Retry-After: %u\r\n", answer->retry_after);
    if (answer->allow != NULL)
        snprintf(allow, sizeof(allow), "Allow: %s\r\n", answer->allow);
    if (answer->authenticate != NULL)
        snprintf(authenticate, sizeof(authenticate), "WWW-Authenticate: %s\r\n",
                 answer->authenticate);
    return (size_t)snprintf(text, HEAD_TEXT_MAX,
                            "HTTP/1.1 %u %s\r\nDate: %s\r\nContent-Type: %s\r\n"
                            "Content-Length: %zu\r\n%s%s%s%s\r\n",
                            answer->status, reason_of(answer->status), door_date(client->door),
                            answer->content_type, answer->body_len, retry, allow, authenticate,
                            client->keep_alive ? "" : "Connection: close\r\n");
}

static bool fill_out(struct client *client, const struct answer *answer)
{
    char text[HEAD_TEXT_MAX];
    size_t len = write_head(client, answer, text);
    /* A HEAD request is answered without the body it would have had. */
    bool bare = client->request.method != NULL && strcmp(client->request.method, "HEAD") == 0;
    size_t body_len = bare ? 0 : answer->body_len;

    if (client->out_room < len + body_len) {
        free(client->out);
        client->out = malloc(len + body_len);
        client->out_room = client->out == NULL ? 0 : len + body_len;
    }
    if (client->out == NULL)
        return false;
    memcpy(client->out, text, len);
    if (body_len > 0)
        memcpy(client->out + len, answer->body, body_len);
    client->out_len = len + body_len;
    client->out_sent = 0;
    return true;
}

static void count_answer(struct door *door, unsigned status)
{
    atomic_fetch_add_explicit(&door->answers, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&door->by_status[status / 100 % 6], 1, memory_order_relaxed);
}

void client_answer(struct client *client, struct answer *answer)
{
    client->keep_alive =
        client->keep_alive && !answer->close && !client->unread && !client->door->stopping;
    count_answer(client->door, answer->status);
    drop_body(client);
    client->request.id = 0;
    bool filled = fill_out(client, answer);
    answer_fini(answer);
    if (!filled) {
        client_close(client);
        return;
    }
    client->state = CLIENT_WRITING;
    client->deadline = clock_add(clock_now(), CLIENT_WRITE_TIMEOUT);
    if (!client->inside)
        proceed(client);
}

/* Refused before or while its body was read: there may be more on its way that nobody reads. */
static void refuse(struct client *client, struct answer *answer)
{
    const struct head *head = &client->head;

    client->unread = client->unread || head->chunked || (head->has_length && head->content_length);
    if (client->unread)
        client->keep_alive = false;
    atomic_fetch_add_explicit(&client->door->refused, 1, memory_order_relaxed);
    client_answer(client, answer);
}

static void refuse_with(struct client *client, enum answer_problem problem, bool close)
{
    struct answer answer = {.status = 0};

    answer_problem(&answer, problem, NULL);
    client->keep_alive = client->keep_alive && !close;
    client->unread = client->unread || close;
    refuse(client, &answer);
}

static void next_request(struct client *client)
{
    client->state = CLIENT_HEAD;
    memset(&client->scan, 0, sizeof(client->scan));
    memset(&client->head, 0, sizeof(client->head));
    memset(&client->request, 0, sizeof(client->request));
    client->deadline = clock_add(clock_now(), client->door->limits.idle_timeout);
}

/* True if the conversation goes on at once. */
static bool written(struct client *client)
{
    event_del(&client->writable);
    if (client->keep_alive) {
        next_request(client);
        return true;
    }
    if (!client->unread) {
        client_close(client);
        return false;
    }
    shutdown(client->fd, SHUT_WR);
    client->state = CLIENT_LINGERING;
    client->in_len = client->lingered = 0;
    client->deadline = clock_add(clock_now(), CLIENT_LINGER);
    return true;
}

static bool do_write(struct client *client)
{
    ssize_t n = send(client->fd, client->out + client->out_sent, client->out_len - client->out_sent,
                     MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        client_close(client);
        return false;
    }
    client->out_sent += n > 0 ? (size_t)n : 0;
    if (client->out_sent == client->out_len)
        return written(client);
    event_add(&client->writable, NULL);
    return false;
}

static bool do_linger(struct client *client)
{
    ssize_t n =
        make_room(client, CLIENT_READ_SIZE) ? receive(client, client->in, client->in_room) : -1;

    client->lingered += n > 0 ? (size_t)n : 0;
    if (n < 0 || client->lingered > CLIENT_LINGER_BYTES)
        client_close(client);
    return n > 0 && client->state == CLIENT_LINGERING;
}

/* ---- Bodies ---------------------------------------------------------------------------------- */

/* The whole request is here. What follows it in the buffer waits for its turn. */
static void complete(struct client *client)
{
    client->state = CLIENT_WAITING;
    client->deadline = CLOCK_NEVER;
    client->request.received_at = clock_wall_us();
    client->request.id = door_request_id(client->slot);
    client->door->handler->complete(client->door->context, &client->request);
}

static bool grow_body(struct client *client, size_t len)
{
    struct request *request = &client->request;
    size_t room = client->body_room < 4096 ? 4096 : client->body_room;

    while (room < request->body_len + len)
        room *= 2;
    if (room > client->door->limits.body_max)
        room = client->door->limits.body_max;
    if (room <= client->body_room)
        return true;
    if (!door_budget_take(client->door->budget, room - client->body_room))
        return false;
    request->budget += room - client->body_room;
    char *body = realloc(request->body, room);
    if (body == NULL)
        return false;
    request->body = body;
    client->body_room = room;
    return true;
}

/* False if the body was refused. */
static bool append(struct client *client, const char *data, size_t len)
{
    struct request *request = &client->request;

    if (request->body_len + len > client->door->limits.body_max) {
        refuse_with(client, ANSWER_TOO_LARGE, true);
        return false;
    }
    if (!grow_body(client, len)) {
        refuse_with(client, ANSWER_OVERLOADED, true);
        return false;
    }
    memcpy(request->body + request->body_len, data, len);
    request->body_len += len;
    return true;
}

/* Decode what is in the buffer; true if the state has changed. */
static bool decode_chunks(struct client *client)
{
    const char *at = client->in, *end = client->in + client->in_len, *data;
    size_t len;
    enum chunk_verdict verdict;

    while ((verdict = chunk_read(&client->chunk, &at, end, &data, &len)) == CHUNK_DATA)
        if (!append(client, data, len))
            return true;
    consume(client, (size_t)(at - client->in));
    if (verdict == CHUNK_BAD)
        refuse_with(client, ANSWER_MALFORMED, true);
    else if (verdict == CHUNK_END)
        complete(client);
    return verdict != CHUNK_MORE;
}

static bool read_chunks(struct client *client)
{
    if (client->in_len > 0 && decode_chunks(client))
        return true;
    if (!make_room(client, client->in_len + CLIENT_READ_SIZE)) {
        client_close(client);
        return false;
    }
    ssize_t n = receive(client, client->in + client->in_len, CLIENT_READ_SIZE);
    if (n < 0)
        client_close(client);
    client->in_len += n > 0 ? (size_t)n : 0;
    return n > 0;
}

/* A body of known length goes where it is kept. */
static bool read_counted(struct client *client)
{
    struct request *request = &client->request;
    size_t left = (size_t)request->content_length - request->body_len;
    size_t have = client->in_len < left ? client->in_len : left;

    if (have > 0) {
        memcpy(request->body + request->body_len, client->in, have);
        consume(client, have);
    } else if (left > 0) {
        ssize_t n = receive(client, request->body + request->body_len, left);
        if (n < 0)
            client_close(client);
        if (n <= 0)
            return false;
        have = (size_t)n;
    }
    request->body_len += have;
    if (request->body_len == request->content_length)
        complete(client);
    return true;
}

static bool do_body(struct client *client)
{
    return client->head.chunked ? read_chunks(client) : read_counted(client);
}

/* ---- Heads ----------------------------------------------------------------------------------- */

static bool has_body(const struct client *client)
{
    return client->head.chunked || client->head.content_length > 0;
}

static void send_continue(struct client *client)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

    if (client->head.expects_continue && client->in_len == 0 &&
        send(client->fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return; /* then it will send without being asked, or not at all */
}

static void begin_body(struct client *client)
{
    struct request *request = &client->request;
    size_t len = (size_t)request->content_length;

    if (!client->head.chunked) {
        if (!door_budget_take(client->door->budget, len)) {
            refuse_with(client, ANSWER_OVERLOADED, true);
            return;
        }
        request->budget = len;
        request->body = malloc(len);
        if (request->body == NULL) {
            refuse_with(client, ANSWER_OVERLOADED, true);
            return;
        }
        client->body_room = len;
    }
    memset(&client->chunk, 0, sizeof(client->chunk));
    client->state = CLIENT_BODY;
    client->deadline = clock_add(request->started_at, client->door->limits.body_timeout);
    send_continue(client);
}

/* Path and method, declared length, sender and media type, in this order. */
static void admit(struct client *client)
{
    const struct door_handler *handler = client->door->handler;
    struct request *request = &client->request;
    struct answer answer = {.status = 0};

    if (!handler->routed(client->door->context, request, &answer)) {
        refuse(client, &answer);
    } else if (request->content_length > client->door->limits.body_max) {
        refuse_with(client, ANSWER_TOO_LARGE, true);
    } else if (!handler->admitted(client->door->context, request, &answer)) {
        refuse(client, &answer);
    } else if (client->door->stopping) {
        refuse_with(client, ANSWER_SHUTTING_DOWN, true);
    } else if (has_body(client)) {
        begin_body(client);
    } else {
        complete(client);
    }
}

static void describe(struct client *client, const struct parse *parse)
{
    client->keep_alive = parse->keep_alive;
    client->request = (struct request){.method = parse->method,
                                       .path = parse->path,
                                       .path_len = parse->path_len,
                                       .query = parse->query,
                                       .headers = client->headers,
                                       .headers_count = parse->headers_count,
                                       .content_length = client->head.content_length,
                                       .chunked = client->head.chunked,
                                       .admin = client->admin,
                                       .started_at = client->request.started_at};
    atomic_fetch_add_explicit(&client->door->requests, 1, memory_order_relaxed);
}

static bool make_headers(struct client *client)
{
    size_t most = client->door->limits.headers_max;

    if (client->headers_room >= most)
        return true;
    free(client->headers);
    client->headers = calloc(most, sizeof(*client->headers));
    client->headers_room = client->headers == NULL ? 0 : most;
    return client->headers != NULL;
}

/*
 * The head's own copy of its bytes: the request's strings point into it until it is answered,
 * while the buffer goes on to take what follows. The answer's buffer is free until then.
 */
static char *keep_head(struct client *client, size_t start, size_t len)
{
    if (client->out_room < len + 1) {
        free(client->out);
        client->out = malloc(len + 1);
        client->out_room = client->out == NULL ? 0 : len + 1;
    }
    if (client->out != NULL)
        memcpy(client->out, client->in + start, len);
    return client->out;
}

static void take_head(struct client *client)
{
    size_t start = client->scan.start, len = client->scan.seen - start;
    struct parse parse;

    client->keep_alive = false;
    if (len > client->door->limits.head_max ||
        client->scan.lines > client->door->limits.headers_max + 1) {
        refuse_with(client, ANSWER_HEADERS_TOO_LARGE, true);
        return;
    }
    if (!head_check(client->in + start, len, &client->head)) {
        refuse_with(client, ANSWER_MALFORMED, true);
        return;
    }
    char *bytes = make_headers(client) ? keep_head(client, start, len) : NULL;
    consume(client, client->scan.seen);
    if (bytes == NULL)
        refuse_with(client, ANSWER_OVERLOADED, true);
    else if (!parse_head(&parse, bytes, len, &client->head, client->headers,
                         client->door->limits.headers_max))
        refuse_with(client, ANSWER_MALFORMED, true);
    else {
        describe(client, &parse);
        admit(client);
    }
}

static void first_byte(struct client *client)
{
    int64_t now = clock_now();

    client->request.started_at = now;
    client->deadline = clock_add(now, client->door->limits.head_timeout);
}

static bool read_more_head(struct client *client)
{
    size_t most = client->door->limits.head_max + CLIENT_READ_SIZE;
    size_t room = client->in_len < 1024 ? 2048 : 2 * client->in_len;

    if (client->in_len - client->scan.start > client->door->limits.head_max) {
        refuse_with(client, ANSWER_HEADERS_TOO_LARGE, true);
        return true;
    }
    if (!make_room(client, room < most ? room : most)) {
        client_close(client);
        return false;
    }
    ssize_t n = receive(client, client->in + client->in_len, client->in_room - client->in_len);
    if (n < 0)
        client_close(client);
    client->in_len += n > 0 ? (size_t)n : 0;
    return n > 0;
}

static bool do_head(struct client *client)
{
    if (client->in_len == 0)
        return read_more_head(client);
    if (client->request.started_at == 0)
        first_byte(client);
    switch (head_scan(&client->scan, client->in, client->in_len)) {
    case HEAD_MORE: return read_more_head(client);
    case HEAD_BAD: refuse_with(client, ANSWER_MALFORMED, true); return true;
    case HEAD_WHOLE: take_head(client); return true;
    }
    return false;
}

/* ---- The conversation ------------------------------------------------------------------------ */

static bool do_step(struct client *client)
{
    switch (client->state) {
    case CLIENT_HEAD: return do_head(client);
    case CLIENT_BODY: return do_body(client);
    case CLIENT_WRITING: return do_write(client);
    case CLIENT_LINGERING: return do_linger(client);
    default: return false;
    }
}

/* Nothing is read while a request is under way: its sender waits, and so do our buffers. */
static void listen_or_not(struct client *client)
{
    bool reads = client->state == CLIENT_HEAD || client->state == CLIENT_BODY ||
                 client->state == CLIENT_LINGERING;
    bool pending = event_pending(&client->readable, EV_READ, NULL) != 0;

    if (reads && !pending && event_add(&client->readable, NULL) != 0)
        client_close(client);
    if (!reads && pending)
        event_del(&client->readable);
}

static void proceed(struct client *client)
{
    client->inside = true;
    while (do_step(client))
        continue;
    if (client->state != CLIENT_DEAD)
        listen_or_not(client);
    client->inside = false;
    if (client->state == CLIENT_DEAD)
        destroy(client);
}

void client_expire(struct client *client)
{
    bool slow = client->state == CLIENT_BODY ||
                (client->state == CLIENT_HEAD && client->request.started_at != 0);

    if (!slow) {
        client_close(client);
        return;
    }
    client->inside = true;
    refuse_with(client, ANSWER_SLOW_CLIENT, true);
    client->inside = false;
    if (client->state == CLIENT_DEAD)
        destroy(client);
    else
        proceed(client);
}

void client_stop(struct client *client)
{
    client->keep_alive = false;
    if (client->state == CLIENT_HEAD && client->in_len == 0)
        client_close(client);
}
