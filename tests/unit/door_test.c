/* SPDX-License-Identifier: MIT */
/*
 * The door: a real one on a loopback port, in this thread, and peers that say exactly what a case
 * wants them to say. The loop is turned by whoever waits.
 */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "clock.h"
#include "crowd.h"
#include "door.h"
#include "slots.h"

#define PATIENCE (20 * CLOCK_SECOND) /* before a case is given up */

static struct event_base *base;
static struct door *door;
static struct door_budget budget;
static unsigned port;
static uint64_t held[16]; /* requests to /hold that wait for their answer */
static size_t held_count;
static unsigned completed, refusals;
static enum answer_problem refused_for;
static const char *refused_why;

/* ---- The handler: says what it was given ------------------------------------------------------
 */

static bool test_routed(void *context, const struct request *request, struct answer *answer)
{
    (void)context;
    if (strcmp(request->path, "/nothing") == 0)
        answer_problem(answer, ANSWER_UNKNOWN_PATH, NULL);
    else if (strcmp(request->method, "DELETE") == 0 || strcmp(request->method, "HEAD") == 0)
        answer_problem(answer, ANSWER_METHOD, NULL);
    else
        return true;
    return false;
}

static bool test_admitted(void *context, struct request *request, struct answer *answer)
{
    (void)context;
    if (strcmp(request->path, "/secret") != 0)
        return true;
    answer_problem(answer, ANSWER_UNAUTHORIZED, NULL);
    return false;
}

static void echo(struct request *request, struct answer *answer)
{
    const char *header = request_header(request, "x-test");
    size_t len, taken, room = request->body_len + 512;
    char *text = malloc(room), *body = request_take_body(request, &len, &taken);

    int n = snprintf(text, room, "[%s %s ? %s | %s | %zu:%.*s]", request->method, request->path,
                     request->query == NULL ? "-" : request->query, header == NULL ? "-" : header,
                     len, len > 100 ? 0 : (int)len, body == NULL ? "" : body);
    free(body);
    door_budget_give(&budget, taken);
    answer_body(answer, 200, "text/plain", text, (size_t)n);
}

static void test_complete(void *context, struct request *request)
{
    struct answer answer = {.status = 0};
    uint64_t id = request->id;

    (void)context;
    completed++;
    if (strcmp(request->path, "/hold") == 0) {
        held[held_count++ % 16] = id;
        return;
    }
    if (strcmp(request->path, "/large") == 0)
        answer_body(&answer, 200, "text/plain", calloc(1, 16u << 20), 16u << 20);
    else
        echo(request, &answer);
    answer.close = strcmp(request->path, "/close") == 0;
    door_answer(door, id, &answer);
}

static void test_refused(void *context, const struct address *peer, enum answer_problem problem,
                         const char *why)
{
    (void)context, (void)peer;
    refusals++;
    refused_for = problem;
    refused_why = why;
}

static const struct door_handler handler = {test_routed, test_admitted, test_complete,
                                            test_refused};

static const struct door_limits usual = {.body_max = 100000,
                                         .head_max = 8192,
                                         .headers_max = 20,
                                         .connections_max = 100,
                                         .head_timeout = 5 * CLOCK_SECOND,
                                         .body_timeout = 5 * CLOCK_SECOND,
                                         .idle_timeout = 5 * CLOCK_SECOND};

static void open_door(const struct door_limits *limits)
{
    char message[200] = "";

    if (base == NULL) {
        base = event_base_new();
        CHECK_INT(event_base_priority_init(base, DOOR_PRIORITIES), 0);
    }
    door_free(&door); /* of a case that failed */
    atomic_store(&budget.held, 0);
    atomic_store(&budget.max, 1u << 20);
    held_count = completed = refusals = 0;
    CHECK_INT(door_new(&door, base, limits, &budget, &handler, NULL), 0);
    CHECK_INT(door_listen(door, "127.0.0.1:0", false, false, message, sizeof(message), &port), 0);
    CHECK(port > 0);
}

static void close_door(void)
{
    door_free(&door);
    CHECK_INT((long long)atomic_load(&budget.held), 0);
}

/* ---- Peers ------------------------------------------------------------------------------------
 */

struct peer {
    int fd;
    bool eof, reset;
    size_t len;
    char got[65536];
};

static void turn(int fd)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};

    event_base_loop(base, EVLOOP_NONBLOCK);
    poll(&one, fd < 0 ? 0 : 1, 1);
}

static void hear(struct peer *peer)
{
    size_t room = sizeof(peer->got) - 1 - peer->len;
    ssize_t n = peer->eof ? -1 : recv(peer->fd, peer->got + peer->len, room, MSG_DONTWAIT);

    if (n == 0 || (n < 0 && !peer->eof && errno == ECONNRESET)) {
        peer->eof = true;
        peer->reset = n < 0;
    }
    peer->len += n > 0 ? (size_t)n : 0;
    peer->got[peer->len] = '\0';
}

static void come(struct peer *peer)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer->eof = peer->reset = false;
    peer->len = 0;
    peer->got[0] = '\0';
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(connect(peer->fd, (const struct sockaddr *)&name, sizeof(name)), 0);
    turn(-1);
}

static void say_bytes(struct peer *peer, const char *bytes, size_t len)
{
    int64_t give_up = clock_now() + PATIENCE;

    while (len > 0 && clock_now() < give_up) {
        ssize_t n = send(peer->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return; /* cut off; what was heard tells why */
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
        turn(-1);
        hear(peer);
    }
    CHECK(len == 0);
}

static void say(struct peer *peer, const char *text)
{
    say_bytes(peer, text, strlen(text));
}

/* Send without turning the loop, and wait until it is in the door's socket. */
static void put(struct peer *peer, const char *bytes, size_t len)
{
    int64_t give_up = clock_now() + PATIENCE;
    int left = 1;

    CHECK_INT(send(peer->fd, bytes, len, MSG_DONTWAIT), (long long)len);
    while (ioctl(peer->fd, SIOCOUTQ, &left) == 0 && left > 0 && clock_now() < give_up)
        poll(NULL, 0, 1);
    CHECK_INT(left, 0);
}

static size_t count_of(const char *text, const char *word)
{
    size_t count = 0;

    while ((text = strstr(text, word)) != NULL) {
        text += strlen(word);
        count++;
    }
    return count;
}

/* Wait until `word` was heard so many times; what was heard stays. */
static void wait_for(struct peer *peer, const char *word, size_t times)
{
    int64_t give_up = clock_now() + PATIENCE;

    while (count_of(peer->got, word) < times && !peer->eof && clock_now() < give_up) {
        turn(peer->fd);
        hear(peer);
    }
    if (count_of(peer->got, word) < times)
        printf("# heard: %s\n", peer->got);
    CHECK(count_of(peer->got, word) >= times);
}

static void wait_for_end(struct peer *peer)
{
    int64_t give_up = clock_now() + PATIENCE;

    while (!peer->eof && clock_now() < give_up) {
        turn(peer->fd);
        hear(peer);
    }
    CHECK(peer->eof);
}

static void turn_for(int64_t span)
{
    int64_t until = clock_now() + span;

    while (clock_now() < until)
        turn(-1);
}

static void wait_for_held(size_t count)
{
    int64_t give_up = clock_now() + PATIENCE;

    while (held_count < count && clock_now() < give_up)
        turn(-1);
    CHECK_INT((long long)held_count, (long long)count);
}

static void leave(struct peer *peer)
{
    close(peer->fd);
    turn(-1);
}

static void answer_held(size_t which)
{
    struct answer answer = {.status = 0};

    answer_stored(&answer, "an-id", -1);
    door_answer(door, held[which], &answer);
}

/* ---- Whole requests ---------------------------------------------------------------------------
 */

static struct peer peer;

static void echoes_a_request(void)
{
    open_door(&usual);
    come(&peer);
    say(&peer, "POST /a/b?q=1&r HTTP/1.1\r\nHost: h\r\nX-TEST: \t some value \t\r\n"
               "Content-Length: 5\r\n\r\nhello");
    wait_for(&peer, "[POST /a/b ? q=1&r | some value | 5:hello]", 1);
    CHECK(strncmp(peer.got, "HTTP/1.1 200 OK\r\nDate: ", 23) == 0);
    CHECK(strstr(peer.got, "\r\nContent-Type: text/plain\r\n") != NULL);
    CHECK(strstr(peer.got, "Connection:") == NULL);
    CHECK(strstr(peer.got, "Server:") == NULL);
    say(&peer, "GET /c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    wait_for(&peer, "[GET /c ? - | - | 0:]", 1);
    wait_for(&peer, "Connection: close\r\n", 1);
    wait_for_end(&peer);
    CHECK(!peer.reset);
    leave(&peer);
    struct door_stats stats;
    door_get_stats(door, &stats);
    CHECK_INT((long long)stats.accepted, 1);
    CHECK_INT((long long)stats.requests, 2);
    CHECK_INT((long long)stats.by_status[2], 2);
    CHECK_INT(stats.clients, 0);
    close_door();
}

static void knows_every_form_of_target(void)
{
    open_door(&usual);
    come(&peer);
    say(&peer, "GET http://h:8000/abs?x HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&peer, "[GET /abs ? x | - | 0:]", 1);
    say(&peer, "GET https://h HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&peer, "[GET / ? - | - | 0:]", 1);
    say(&peer, "GET http://h?only HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&peer, "[GET / ? only | - | 0:]", 1);
    say(&peer, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&peer, "[OPTIONS * ? - | - | 0:]", 1);
    say(&peer, "GET /? HTTP/1.1\r\nHost:\r\n\r\n");
    wait_for(&peer, "[GET / ?  | - | 0:]", 1);
    leave(&peer);
    close_door();
}

static const char chunked[] =
    "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5;ext=\"v\"\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nTrailer: x\r\n\r\n";

static void decodes_chunks(void)
{
    open_door(&usual);
    come(&peer);
    say(&peer, chunked);
    wait_for(&peer, "[POST /c ? - | - | 11:hello world]", 1);
    /* What follows the last chunk is the next request. */
    say(&peer, "POST /e HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
               "GET /f HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&peer, "[POST /e ? - | - | 0:]", 1);
    wait_for(&peer, "[GET /f ? - | - | 0:]", 1);
    leave(&peer);
    close_door();
}

/* Wherever the network cuts them, the same requests are seen. */
static void survives_any_split(void)
{
    static const char two[] = "\r\nPOST /one HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
                              "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "3\r\nxyz\r\n0\r\n\r\n";

    open_door(&usual);
    for (size_t cut = 1; cut < sizeof(two) - 1; cut++) {
        come(&peer);
        say_bytes(&peer, two, cut);
        say_bytes(&peer, two + cut, sizeof(two) - 1 - cut);
        wait_for(&peer, "3:abc]", 1);
        wait_for(&peer, "3:xyz]", 1);
        leave(&peer);
    }
    come(&peer);
    for (size_t i = 0; i < sizeof(two) - 1; i++)
        say_bytes(&peer, two + i, 1);
    wait_for(&peer, "3:xyz]", 1);
    CHECK_INT((long long)count_of(peer.got, "HTTP/1.1 200"), 2);
    leave(&peer);
    close_door();
}

static void answers_a_pipeline_in_order(void)
{
    char all[8192], want[64];
    size_t len = 0;

    open_door(&usual);
    come(&peer);
    for (int i = 0; i < 40; i++)
        len += (size_t)snprintf(all + len, sizeof(all) - len,
                                "POST /%d HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab", i);
    say_bytes(&peer, all, len);
    wait_for(&peer, "HTTP/1.1 200", 40);
    wait_for(&peer, "[POST /39 ", 1);
    const char *at = peer.got;
    for (int i = 0; i < 40; i++) {
        snprintf(want, sizeof(want), "[POST /%d ", i);
        at = strstr(at, want);
        CHECK(at != NULL);
    }
    leave(&peer);
    close_door();
}

/* As many requests as fit into one read were served before anybody else's. */
static void a_pipeline_does_not_go_before_others(void)
{
    static struct peer greedy, modest[5];
    static const char one[] = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    static const char hold[] = "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n";
    char many[100 * (sizeof(one) - 1)];

    for (size_t i = 0; i < 100; i++)
        memcpy(many + i * (sizeof(one) - 1), one, sizeof(one) - 1);
    open_door(&usual);
    come(&greedy);
    for (int i = 0; i < 5; i++)
        come(&modest[i]);
    put(&greedy, many, sizeof(many));
    for (size_t i = 0; i < 5; i++) {
        unsigned before = completed;
        put(&modest[i], hold, sizeof(hold) - 1);
        while (held_count <= i && completed < 100)
            event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        CHECK(completed - before <= 3);
    }
    wait_for(&greedy, "[GET /a ", 100);
    CHECK_INT(completed, 105);
    for (size_t i = 0; i < 5; i++) {
        answer_held(i);
        wait_for(&modest[i], "stored", 1);
        leave(&modest[i]);
    }
    leave(&greedy);
    close_door();
}

/* Gone, or told to go, while it still had requests that nobody had looked at. */
static void a_pipeline_ends_with_its_client(void)
{
    static const char three[] = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
                                "GET /b HTTP/1.1\r\nHost: h\r\n\r\n"
                                "GET /c HTTP/1.1\r\nHost: h\r\n\r\n";
    struct linger rude = {1, 0};

    open_door(&usual);
    come(&peer);
    put(&peer, three, sizeof(three) - 1);
    while (completed < 1)
        event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    CHECK_INT(completed, 1);
    setsockopt(peer.fd, SOL_SOCKET, SO_LINGER, &rude, sizeof(rude));
    leave(&peer);
    turn_for(20 * CLOCK_MS);
    close_door();
    open_door(&usual);
    come(&peer);
    put(&peer, three, sizeof(three) - 1);
    while (completed < 1)
        event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    door_stop(door);
    wait_for(&peer, "urn:weir:error:shutting-down", 1);
    wait_for_end(&peer);
    CHECK(!peer.reset);
    CHECK_INT(completed, 1);
    leave(&peer);
    close_door();
}

/* One request at a time: the second is not even looked at before the first is answered. */
static void waits_with_the_next_request(void)
{
    open_door(&usual);
    come(&peer);
    say(&peer, "POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"
               "GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for_held(1);
    say(&peer, "GET /third HTTP/1.1\r\nHost: h\r\n\r\n");
    turn_for(20 * CLOCK_MS);
    CHECK_INT(completed, 1);
    CHECK_INT((long long)peer.len, 0);
    CHECK_INT((long long)atomic_load(&budget.held), 2);
    answer_held(0);
    CHECK_INT((long long)atomic_load(&budget.held), 0);
    wait_for(&peer, "{\"id\":\"an-id\",\"status\":\"stored\"}", 1);
    wait_for(&peer, "[GET /next ", 1);
    wait_for(&peer, "[GET /third ", 1);
    leave(&peer);
    close_door();
}

/* Someone who pipelines without end is not read: the socket fills, nothing here grows. */
static void does_not_read_ahead(void)
{
    static char flood[1u << 16];
    size_t sent = 0;

    open_door(&usual);
    come(&peer);
    memset(flood, 'G', sizeof(flood));
    say(&peer, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for_held(1);
    for (int i = 0; i < 2000; i++) {
        ssize_t n = send(peer.fd, flood, sizeof(flood), MSG_DONTWAIT | MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
    CHECK(sent < sizeof(flood) * 2000 / 2);
    answer_held(0);
    wait_for(&peer, "HTTP/1.1 431", 1);
    leave(&peer);
    close_door();
}

/* ---- HTTP/1.0, HEAD, Expect -------------------------------------------------------------------
 */

static void speaks_http_1_0(void)
{
    open_door(&usual);
    come(&peer);
    say(&peer, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    wait_for(&peer, "[GET /a ", 1);
    wait_for(&peer, "Connection: keep-alive\r\n", 1);
    say(&peer, "GET /b HTTP/1.0\r\n\r\n");
    wait_for(&peer, "[GET /b ", 1);
    wait_for_end(&peer);
    leave(&peer);
    close_door();
}

static void answers_head_without_a_body(void)
{
    open_door(&usual);
    come(&peer);
    say(&peer, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&peer, "\r\n\r\n", 1);
    CHECK(strncmp(peer.got, "HTTP/1.1 405", 12) == 0);
    CHECK(strstr(peer.got, "Content-Length: 0\r\n") == NULL);
    CHECK(strcmp(strstr(peer.got, "\r\n\r\n"), "\r\n\r\n") == 0);
    say(&peer, "GET /after HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&peer, "[GET /after ", 1);
    leave(&peer);
    close_door();
}

static void honours_expect(void)
{
    open_door(&usual);
    come(&peer);
    say(&peer, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    wait_for(&peer, "HTTP/1.1 100 Continue\r\n\r\n", 1);
    say(&peer, "ok");
    wait_for(&peer, "2:ok]", 1);
    /* Refused: no 100, and the body is not waited for. */
    say(&peer, "POST /secret HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n"
               "Expect: 100-continue\r\n\r\n");
    wait_for(&peer, "HTTP/1.1 401", 1);
    wait_for(&peer, "WWW-Authenticate: Bearer", 1);
    wait_for_end(&peer);
    CHECK_INT((long long)count_of(peer.got, "100 Continue"), 1);
    leave(&peer);
    close_door();
}

/* HTTP/1.0 knows no interim answers: it would be taken for the answer (RFC 9110, 10.1.1). */
static void expects_nothing_of_http_1_0(void)
{
    open_door(&usual);
    come(&peer);
    say(&peer, "POST / HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    turn_for(20 * CLOCK_MS);
    say(&peer, "ok");
    wait_for(&peer, "2:ok]", 1);
    CHECK(strncmp(peer.got, "HTTP/1.1 200 ", 13) == 0);
    leave(&peer);
    close_door();
}

/* ---- Refusals ---------------------------------------------------------------------------------
 */

static void refused_as(const char *request, size_t len, const char *status)
{
    come(&peer);
    say_bytes(&peer, request, len);
    wait_for(&peer, status, 1);
    CHECK(strncmp(peer.got, status, strlen(status)) == 0);
    wait_for(&peer, "application/problem+json", 1);
    wait_for(&peer, "Connection: close\r\n", 1);
    wait_for_end(&peer);
    CHECK(!peer.reset);
    leave(&peer);
}

#define TE "Transfer-Encoding: chunked\r\n"
#define P  "POST / HTTP/1.1\r\nHost: h\r\n"

static void refuses_what_is_malformed(void)
{
    static const char *const bad[] = {
        "GET / HTTP/1.1\nHost: h\n\n",                      /* bare LF */
        "GET / HTTP/1.1\r\nHost: h\n\r\n",                  /* only once */
        "GET / HTTP/1.1\r\nHost: h\r\nA: b\rc\r\n\r\n",     /* bare CR */
        "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n",  /* folded */
        "GET / HTTP/1.1\r\n Host: h\r\n\r\n",               /* folded at once */
        P "Content-Length : 2\r\n\r\nab",                   /* space before the colon */
        P "Content-Length: 2\r\nContent-Length: 2\r\n\r\n", /* twice */
        P "Content-Length: 2, 2\r\n\r\n",                   /* a list */
        P "Content-Length: +2\r\n\r\n",
        P "Content-Length: -2\r\n\r\n",
        P "Content-Length: 0x2\r\n\r\n",
        P "Content-Length: \r\n\r\n",
        P "Content-Length: 99999999999999999999\r\n\r\n",
        P "Content-Length: 18446744073709551618\r\n\r\n", /* 2, if one looks at 64 bits */
        P "Content-Length: 2\r\n" TE "\r\n",
        P TE "Content-Length: 2\r\n\r\n",
        P TE TE "\r\n",
        P "Transfer-Encoding: gzip, chunked\r\n\r\n",
        P "Transfer-Encoding: chunked, identity\r\n\r\n",
        P "Transfer-Encoding: identity\r\n\r\n",
        P "Transfer-Encoding: xchunked\r\n\r\n",
        P "Transfer-Encoding:\r\n\r\n",
        "POST / HTTP/1.0\r\nHost: h\r\n" TE "\r\n",
        "GET / HTTP/1.1\r\n\r\n",                       /* no Host */
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", /* two */
        "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nA b: c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nA\xc3\xa4: c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\n: c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nnothing\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nA: b\x01\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nA: b\x7f\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /  HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: h\r\n\r\n",
        " GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET a HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET http://u@h/a HTTP/1.1\r\nHost: h\r\n\r\n",
        "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.2\r\nHost: h\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: h\r\n\r\n",
        "GET / HTTP/0.9\r\nHost: h\r\n\r\n",
        "GET / http/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/11\r\nHost: h\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/1.1 x\r\nHost: h\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", /* two empty lines */
        "\x16\x03\x01\x02",                          /* TLS */
    };
    static const char nul[] = "GET / HTTP/1.1\r\nHost: h\r\nA: b\0c\r\n\r\n";
    static const char nul_in_target[] = "GET /a\0b HTTP/1.1\r\nHost: h\r\n\r\n";

    open_door(&usual);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        printf("# %zu\n", i);
        refused_as(bad[i], strlen(bad[i]), "HTTP/1.1 400 ");
    }
    refused_as(nul, sizeof(nul) - 1, "HTTP/1.1 400 ");
    refused_as(nul_in_target, sizeof(nul_in_target) - 1, "HTTP/1.1 400 ");
    CHECK_INT(completed, 0);
    close_door();
}

/* Well-formed, and their names are case-sensitive (RFC 9110, section 9.1). */
static void does_not_know_every_method(void)
{
    static const char lower[] = "get / HTTP/1.1\r\nHost: h\r\n\r\n";
    static const char made_up[] = "WEIRD / HTTP/1.1\r\nHost: h\r\n\r\n";

    open_door(&usual);
    refused_as(lower, sizeof(lower) - 1, "HTTP/1.1 501 Not Implemented\r\n");
    refused_as(made_up, sizeof(made_up) - 1, "HTTP/1.1 501 Not Implemented\r\n");
    CHECK_INT(completed, 0);
    close_door();
}

static void refuses_malformed_chunks(void)
{
    static const char *const bad[] = {"\r\nab\r\n0\r\n\r\n",
                                      "-1\r\n",
                                      "+2\r\nab\r\n0\r\n\r\n",
                                      "0x2\r\nab\r\n0\r\n\r\n",
                                      " 2\r\nab\r\n0\r\n\r\n",
                                      "2 \r\nab\r\n0\r\n\r\n",
                                      "2\nab\r\n0\r\n\r\n",
                                      "2\r\nabc\r\n0\r\n\r\n",
                                      "2\r\nab\n0\r\n\r\n",
                                      "2\r\nab\r0\r\n\r\n",
                                      "2;a\nb\r\nab\r\n0\r\n\r\n",
                                      "2;\x01\r\nab\r\n0\r\n\r\n",
                                      "2\r\nab\r\n0\r\n a: b\r\n",
                                      "2\r\nab\r\n0\r\na: b\n\r\n",
                                      "2\r\nab\r\n0\r\n\n",
                                      "2\r\nab\r\n0\r\n\rx",
                                      "10000000000000002\r\nab",
                                      "ffffffffffffffff\r\nab",
                                      "g\r\n"};
    static char long_one[8192];

    open_door(&usual);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char request[512];
        int len = snprintf(request, sizeof(request), P TE "\r\n%s", bad[i]);
        printf("# %zu\n", i);
        refused_as(request, (size_t)len, "HTTP/1.1 400 ");
    }
    int len = snprintf(long_one, sizeof(long_one), P TE "\r\n2;");
    memset(long_one + len, 'x', 6000);
    refused_as(long_one, (size_t)len + 6000, "HTTP/1.1 400 ");
    len = snprintf(long_one, sizeof(long_one), P TE "\r\n0\r\nTrailer: ");
    memset(long_one + len, 'x', 6000);
    refused_as(long_one, (size_t)len + 6000, "HTTP/1.1 400 ");
    CHECK_INT(completed, 0);
    close_door();
}

static void keeps_the_limits_of_a_head(void)
{
    static char request[20000];
    size_t len = (size_t)snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: h\r\nA: ");

    open_door(&usual);
    /* Exactly head_max bytes are let through, one more is not. */
    memset(request + len, 'x', sizeof(request) - len);
    memcpy(request + usual.head_max - 4, "\r\n\r\n", 4);
    come(&peer);
    say_bytes(&peer, request, usual.head_max);
    wait_for(&peer, "HTTP/1.1 200", 1);
    leave(&peer);
    memset(request + len, 'x', sizeof(request) - len);
    memcpy(request + usual.head_max - 3, "\r\n\r\n", 4);
    refused_as(request, usual.head_max + 1, "HTTP/1.1 431 ");
    memset(request + len, 'x', sizeof(request) - len);
    refused_as(request, sizeof(request), "HTTP/1.1 431 ");
    len = (size_t)snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: h\r\n");
    for (int i = 0; i < 19; i++)
        len += (size_t)snprintf(request + len, sizeof(request) - len, "X-Test: %d\r\n", i);
    memcpy(request + len, "\r\n", 2);
    come(&peer);
    say_bytes(&peer, request, len + 2);
    wait_for(&peer, "[GET / ? - | 0 | 0:]", 1);
    leave(&peer);
    memcpy(request + len, "A: b\r\n\r\n", 8);
    refused_as(request, len + 8, "HTTP/1.1 431 ");
    close_door();
}

/* A refusal of a request that is here as a whole does not cost the connection. */
static void goes_on_after_a_refusal(void)
{
    open_door(&usual);
    come(&peer);
    say(&peer, "POST /nothing HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
               "DELETE / HTTP/1.1\r\nHost: h\r\n\r\n"
               "POST /secret HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"
               "GET /fine HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&peer, "[GET /fine ", 1);
    CHECK(strncmp(peer.got, "HTTP/1.1 404", 12) == 0);
    wait_for(&peer, "HTTP/1.1 405", 1);
    wait_for(&peer, "HTTP/1.1 401", 1);
    leave(&peer);
    close_door();
}

/* Path and method, then the declared length, then the sender. */
static void refuses_in_order(void)
{
#define LONG " HTTP/1.1\r\nHost: h\r\nContent-Length: 100001\r\n\r\n"
    static const char *const cases[][2] = {{"POST /nothing" LONG, "HTTP/1.1 404 "},
                                           {"DELETE /" LONG, "HTTP/1.1 405 "},
                                           {"POST /secret" LONG, "HTTP/1.1 413 "}};

    open_door(&usual);
    for (size_t i = 0; i < 3; i++)
        refused_as(cases[i][0], strlen(cases[i][0]), cases[i][1]);
    CHECK_INT(completed, 0);
    close_door();
}

/* The answer is heard although the body goes on and on, and none of it is kept. */
static void answers_over_an_unread_body(void)
{
    static char body[4u << 20];

    open_door(&usual);
    come(&peer);
    say(&peer, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4194304\r\n\r\n");
    say_bytes(&peer, body, sizeof(body));
    wait_for(&peer, "HTTP/1.1 413", 1);
    wait_for_end(&peer);
    CHECK(!peer.reset);
    CHECK_INT((long long)atomic_load(&budget.held), 0);
    leave(&peer);
    close_door();
}

static void refuses_a_streamed_body(void)
{
    static char chunk[30000];

    open_door(&usual);
    come(&peer);
    say(&peer, P TE "\r\n");
    for (int i = 0; i < 4; i++) {
        say(&peer, "7530\r\n");
        say_bytes(&peer, chunk, sizeof(chunk));
        say(&peer, "\r\n");
        CHECK(atomic_load(&budget.held) <= usual.body_max);
    }
    wait_for(&peer, "HTTP/1.1 413", 1);
    wait_for_end(&peer);
    CHECK(!peer.reset);
    CHECK_INT((long long)atomic_load(&budget.held), 0);
    leave(&peer);
    close_door();
}

/* Of exactly body_max bytes both kinds of body are let through. */
static void takes_the_largest_body(void)
{
    static char body[100000];

    open_door(&usual);
    come(&peer);
    say(&peer, P "Content-Length: 100000\r\n\r\n");
    say_bytes(&peer, body, sizeof(body));
    wait_for(&peer, "| 100000:]", 1);
    say(&peer, P TE "\r\n186a0\r\n");
    say_bytes(&peer, body, sizeof(body));
    say(&peer, "\r\n0\r\n\r\n");
    wait_for(&peer, "| 100000:]", 2);
    leave(&peer);
    close_door();
}

static void keeps_to_the_budget(void)
{
    static char body[60000];

    open_door(&usual);
    atomic_store(&budget.max, 50000);
    refused_as("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n", 52, "HTTP/1.1 503 ");
    CHECK(strstr(peer.got, "urn:weir:error:overloaded") != NULL);
    CHECK(strstr(peer.got, "Retry-After: ") != NULL);
    come(&peer);
    say(&peer, P TE "\r\nea60\r\n");
    say_bytes(&peer, body, sizeof(body));
    wait_for(&peer, "HTTP/1.1 503", 1);
    leave(&peer);
    /* What is held is held: the next one has less, and gets it back. */
    come(&peer);
    say(&peer, "POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 40000\r\n\r\n");
    say_bytes(&peer, body, 40000);
    wait_for_held(1);
    CHECK_INT((long long)atomic_load(&budget.held), 40000);
    static struct peer other;
    come(&other);
    say(&other, P "Content-Length: 20000\r\n\r\n");
    wait_for(&other, "HTTP/1.1 503", 1);
    leave(&other);
    answer_held(0);
    CHECK_INT((long long)atomic_load(&budget.held), 0);
    leave(&peer);
    close_door();
}

/* ---- Time -------------------------------------------------------------------------------------
 */

static struct door_limits hasty(void)
{
    struct door_limits limits = usual;

    limits.head_timeout = limits.body_timeout = 80 * CLOCK_MS;
    limits.idle_timeout = 80 * CLOCK_MS;
    return limits;
}

/* A few that said how much they would send, and did not, left no room for anybody else. */
static void what_does_not_come_takes_no_room(void)
{
    static struct peer talkers[3];
    static char body[20000];

    open_door(&usual);
    atomic_store(&budget.max, 100000);
    for (int i = 0; i < 3; i++) {
        come(&talkers[i]);
        say(&talkers[i], P "Content-Length: 60000\r\n\r\n");
        say_bytes(&talkers[i], body, 100);
    }
    come(&peer);
    say(&peer, "POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 20000\r\n\r\n");
    say_bytes(&peer, body, sizeof(body));
    wait_for_held(1);
    /* One of them goes on after all, as far as there is room, in one piece and in small ones. */
    say_bytes(&talkers[0], body, 19900);
    for (int i = 0; i < 200; i++)
        say_bytes(&talkers[0], body, 200);
    wait_for(&talkers[0], "HTTP/1.1 503", 1);
    CHECK_INT(refused_for, ANSWER_OVERLOADED);
    for (int i = 0; i < 3; i++)
        leave(&talkers[i]);
    answer_held(0);
    leave(&peer);
    turn_for(20 * CLOCK_MS);
    come(&peer);
    say(&peer, P "Content-Length: 90000\r\n\r\n");
    for (int i = 0; i < 9; i++)
        say_bytes(&peer, body, 10000);
    wait_for(&peer, "| 90000:]", 1);
    leave(&peer);
    close_door();
}

static void has_no_patience_with_slow_clients(void)
{
    struct door_limits limits = hasty();
    static const char slow[] = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n";

    open_door(&limits);
    refused_as(slow, 20, "HTTP/1.1 408 ");
    refused_as(slow, sizeof(slow) - 1, "HTTP/1.1 408 ");
    CHECK_INT((long long)atomic_load(&budget.held), 0);
    /* A byte now and then does not help: the deadline is of the request. */
    come(&peer);
    int64_t began = clock_now();
    for (size_t i = 0; i < sizeof(slow) - 1 && !peer.eof && peer.len == 0; i++) {
        say_bytes(&peer, slow + i, 1);
        turn_for(10 * CLOCK_MS);
        hear(&peer);
    }
    wait_for(&peer, "HTTP/1.1 408", 1);
    CHECK(clock_now() - began < 2 * CLOCK_SECOND);
    leave(&peer);
    close_door();
}

static void closes_idle_clients_in_silence(void)
{
    struct door_limits limits = hasty();

    open_door(&limits);
    come(&peer); /* never says anything */
    wait_for_end(&peer);
    CHECK_INT((long long)peer.len, 0);
    leave(&peer);
    come(&peer);
    say(&peer, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&peer, "[GET /a ", 1);
    size_t len = peer.len;
    wait_for_end(&peer);
    CHECK(peer.len == len && !peer.reset);
    leave(&peer);
    /* A request under way has no such deadline. */
    come(&peer);
    say(&peer, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for_held(1);
    turn_for(300 * CLOCK_MS);
    answer_held(0);
    wait_for(&peer, "stored", 1);
    leave(&peer);
    close_door();
}

static void cuts_off_who_does_not_listen(void)
{
    struct door_limits limits = hasty();
    struct door_stats stats;
    int64_t give_up = clock_now() + PATIENCE;

    open_door(&limits);
    come(&peer);
    CHECK(send(peer.fd, "GET /large HTTP/1.1\r\nHost: h\r\n\r\n", 32, 0) == 32);
    do {
        turn(-1);
        door_get_stats(door, &stats);
    } while ((stats.answers == 0 || stats.clients > 0) && clock_now() < give_up);
    CHECK_INT(stats.clients, 0);
    leave(&peer);
    close_door();
}

static void writes_a_large_answer_in_pieces(void)
{
    size_t total = 0;
    static char away[1u << 20];
    int64_t give_up = clock_now() + PATIENCE;

    open_door(&usual);
    come(&peer);
    CHECK(send(peer.fd, "GET /large HTTP/1.1\r\nHost: h\r\n\r\n", 32, 0) == 32);
    while (total < (16u << 20) && clock_now() < give_up) {
        ssize_t n = recv(peer.fd, away, sizeof(away), MSG_DONTWAIT);
        total += n > 0 ? (size_t)n : 0;
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
    CHECK(total > (16u << 20));
    say(&peer, "GET /after HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&peer, "[GET /after ", 1);
    leave(&peer);
    close_door();
}

/* ---- Clients that go --------------------------------------------------------------------------
 */

static void answers_a_client_that_said_all(void)
{
    open_door(&usual);
    come(&peer);
    say(&peer, "POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"
               "GET /more HTTP/1.1\r\nHost: h\r\n\r\n");
    shutdown(peer.fd, SHUT_WR);
    wait_for_held(1);
    turn_for(20 * CLOCK_MS);
    answer_held(0);
    wait_for(&peer, "stored", 1);
    wait_for(&peer, "[GET /more ", 1);
    wait_for_end(&peer);
    CHECK(!peer.reset);
    leave(&peer);
    close_door();
}

/* Some end a body with a line of their own: closing over it would take the answer back. */
static void a_last_answer_is_not_reset_by_what_follows_the_body(void)
{
    static const char *const more[] = {"ab\r\n", "abGET /never HTTP/1.1\r\nHost: h\r\n\r\n"};

    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        open_door(&usual);
        come(&peer);
        say(&peer, "POST /hold HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                   "Content-Length: 2\r\n\r\n");
        turn_for(20 * CLOCK_MS);
        say(&peer, more[i]);
        wait_for_held(1);
        answer_held(0);
        wait_for(&peer, "stored", 1);
        wait_for_end(&peer);
        CHECK(!peer.reset);
        CHECK_INT(completed, 1);
        leave(&peer);
        close_door();
    }
}

static void forgets_who_has_gone(void)
{
    struct linger rude = {1, 0};
    struct door_stats stats;

    open_door(&usual);
    for (int i = 0; i < 2; i++) {
        come(&peer);
        say(&peer, "POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab");
        wait_for_held((size_t)i + 1);
        if (i == 1)
            setsockopt(peer.fd, SOL_SOCKET, SO_LINGER, &rude, sizeof(rude));
        leave(&peer);
        turn_for(20 * CLOCK_MS);
        answer_held((size_t)i);
        turn_for(20 * CLOCK_MS);
        answer_held((size_t)i); /* nobody is there any more */
    }
    door_get_stats(door, &stats);
    CHECK_INT(stats.clients, 0);
    CHECK(held[0] != held[1]);
    /* A part of a head, a part of a body. */
    come(&peer);
    say(&peer, "POST / HT");
    leave(&peer);
    come(&peer);
    say(&peer, P "Content-Length: 100\r\n\r\nab");
    CHECK_INT((long long)atomic_load(&budget.held), 100);
    leave(&peer);
    turn_for(20 * CLOCK_MS);
    door_get_stats(door, &stats);
    CHECK_INT(stats.clients, 0);
    CHECK_INT((long long)atomic_load(&budget.held), 0);
    close_door();
}

static void knows_who_has_gone_before_the_answer(void)
{
    struct linger rude = {1, 0};

    for (int i = 0; i < 4; i++) {
        open_door(&usual);
        come(&peer);
        say(&peer, "POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab");
        wait_for_held(1);
        CHECK(door_hears(door, held[0]));
        CHECK(!door_hears(door, held[0] + SLOTS_MAX));
        if (i == 0)
            say(&peer, "GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
        if (i == 1)
            shutdown(peer.fd, SHUT_WR);
        if (i == 2)
            setsockopt(peer.fd, SOL_SOCKET, SO_LINGER, &rude, sizeof(rude));
        if (i > 1)
            leave(&peer);
        turn_for(20 * CLOCK_MS);
        CHECK(door_hears(door, held[0]) == (i == 0));
        answer_held(0);
        CHECK(!door_hears(door, held[0]));
        if (i < 2)
            leave(&peer);
        close_door();
    }
}

static void closes_when_the_answer_says_so(void)
{
    open_door(&usual);
    come(&peer);
    say(&peer, "GET /close HTTP/1.1\r\nHost: h\r\n\r\nGET /never HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for_end(&peer);
    CHECK(strstr(peer.got, "Connection: close\r\n") != NULL);
    CHECK_INT(completed, 1);
    CHECK(!peer.reset);
    leave(&peer);
    close_door();
}

/* ---- Many clients -----------------------------------------------------------------------------
 */

static void turns_away_whom_there_is_no_room_for(void)
{
    struct door_limits limits = usual;
    static struct peer first, second, admin;
    struct door_stats stats;
    char message[200];
    unsigned usual_port, admin_port;

    limits.connections_max = 1;
    open_door(&limits);
    usual_port = port;
    CHECK_INT(door_listen(door, "[::1]:0", true, false, message, sizeof(message), &admin_port), 0);
    CHECK(admin_port > 0);
    CHECK_INT(door_listen(door, "127.0.0.1:0", true, false, message, sizeof(message), &admin_port),
              0);
    come(&first);
    say(&first, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for_held(1);
    come(&second);
    say(&second, "GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&second, "HTTP/1.1 503", 1);
    wait_for(&second, "urn:weir:error:overloaded", 1);
    wait_for_end(&second);
    CHECK(!second.reset);
    leave(&second);
    port = admin_port;
    come(&admin);
    say(&admin, "GET /c HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&admin, "[GET /c ", 1);
    leave(&admin);
    port = usual_port;
    answer_held(0);
    leave(&first);
    turn_for(20 * CLOCK_MS);
    come(&second);
    say(&second, "GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&second, "[GET /b ", 1);
    leave(&second);
    door_get_stats(door, &stats);
    CHECK_INT((long long)stats.refused, 1);
    close_door();
}

/* Out of descriptors, the door waits a little instead of spinning, and goes on by itself. */
static void survives_without_descriptors(void)
{
    struct rlimit before, few;
    unsigned rounds = 0;

    open_door(&usual);
    peer.fd = socket(AF_INET, SOCK_STREAM, 0); /* while there still is one */
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    few.rlim_cur = (rlim_t)peer.fd + 1;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &few), 0);
    int connected = connect(peer.fd, (const struct sockaddr *)&name, sizeof(name));
    int64_t until = clock_now() + 60 * CLOCK_MS;
    while (clock_now() < until) {
        event_base_loop(base, EVLOOP_ONCE);
        rounds++;
    }
    setrlimit(RLIMIT_NOFILE, &before);
    CHECK_INT(connected, 0);
    CHECK(rounds < 10);
    peer.len = 0;
    peer.eof = peer.reset = false;
    say(&peer, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&peer, "[GET /a ", 1);
    leave(&peer);
    close_door();
}

/* ---- Stopping, limits, addresses --------------------------------------------------------------
 */

static void stops_without_dropping_anybody(void)
{
    static struct peer idle, under_way, half, late;

    open_door(&usual);
    come(&idle);
    come(&under_way);
    say(&under_way, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for_held(1);
    come(&half);
    say(&half, "POST /half HTTP/1.1\r\nHo");
    come(&late); /* its request has arrived, but was not read before the stop */
    put(&late, "GET /late HTTP/1.1\r\nHost: h\r\n\r\n", 31);
    door_stop(door);
    CHECK(!door_empty(door));
    wait_for_end(&idle);
    CHECK_INT((long long)idle.len, 0);
    wait_for(&late, "urn:weir:error:shutting-down", 1);
    wait_for_end(&late);
    say(&half, "st: h\r\nContent-Length: 0\r\n\r\n");
    wait_for(&half, "HTTP/1.1 503", 1);
    wait_for(&half, "urn:weir:error:shutting-down", 1);
    wait_for_end(&half);
    leave(&idle);
    leave(&half);
    leave(&late);
    CHECK(!door_empty(door));
    answer_held(0);
    wait_for(&under_way, "stored", 1);
    wait_for(&under_way, "Connection: close\r\n", 1);
    wait_for_end(&under_way);
    leave(&under_way);
    turn_for(20 * CLOCK_MS);
    CHECK(door_empty(door));
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(fd, (const struct sockaddr *)&name, sizeof(name)) != 0);
    close(fd);
    close_door();
}

/* For clients of 127.0.0.1, which is a proxy that says for whom it comes. */
static void open_proxied_door(struct networks *proxies, int64_t head_timeout)
{
    struct door_limits limits = usual;
    struct weir_error error;

    CHECK_INT(networks_add(proxies, "127.0.0.1", &error), 0);
    limits.proxies = proxies;
    limits.proxy_protocol = true;
    limits.head_timeout = head_timeout;
    open_door(&limits);
}

/* What comes by a proxy that says for whom: it has arrived as well as any other. */
static void stops_without_dropping_whom_a_proxy_brings(void)
{
    static struct peer silent, late, early;
    static const char said[] =
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    struct networks proxies = {.count = 0};

    open_proxied_door(&proxies, usual.head_timeout);
    come(&silent);
    come(&early);
    put(&early, said, sizeof(said) - 1);
    come(&late);
    put(&late, said, sizeof(said) - 1);
    door_stop(door);
    wait_for_end(&silent);
    wait_for(&late, "urn:weir:error:shutting-down", 1);
    wait_for_end(&late);
    CHECK(!late.reset);
    leave(&silent);
    leave(&early);
    leave(&late);
    close_door();
    networks_fini(&proxies);
}

/* Of a header alone nothing follows but its time: the stop does not wait for that. */
static void stops_without_waiting_for_whom_a_proxy_announces(void)
{
    static struct peer announced;
    static const char said[] = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n";
    struct networks proxies = {.count = 0};

    open_proxied_door(&proxies, 2 * PATIENCE);
    come(&announced);
    put(&announced, said, sizeof(said) - 1);
    door_stop(door);
    wait_for_end(&announced);
    turn(-1);
    CHECK(door_empty(door));
    leave(&announced);
    close_door();
    networks_fini(&proxies);
}

/* Closed, but not without a word in the log: nothing gets through such a proxy. */
static void tells_of_a_proxy_that_does_not_say_for_whom(void)
{
    struct networks proxies = {.count = 0};

    open_proxied_door(&proxies, usual.head_timeout);
    come(&peer);
    say(&peer, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for_end(&peer);
    CHECK_INT((long long)peer.len, 0);
    CHECK_INT(refusals, 1);
    CHECK_INT(refused_for, ANSWER_MALFORMED);
    CHECK_STRING(refused_why, "a proxy's connection without a PROXY header");
    leave(&peer);
    close_door();
    networks_fini(&proxies);
}

static void takes_new_limits(void)
{
    struct door_limits limits = usual;

    open_door(&usual);
    limits.body_max = 10;
    come(&peer);
    say(&peer, P TE "\r\n14\r\n"); /* under way with the old ones */
    door_set_limits(door, &limits);
    say(&peer, "01234567890123456789\r\n0\r\n\r\n");
    wait_for(&peer, "20:01234567890123456789]", 1);
    say(&peer, P "Content-Length: 11\r\n\r\n01234567890");
    wait_for(&peer, "HTTP/1.1 413", 1);
    leave(&peer);
    close_door();
}

static void listens_on_unix_sockets(void)
{
    char path[64], address[80], message[200];
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    struct door *second;
    struct stat file;

    snprintf(path, sizeof(path), "/tmp/weir-door-test-%d", (int)getpid());
    snprintf(address, sizeof(address), "unix:%s", path);
    memcpy(name.sun_path, path, strlen(path) + 1);
    open_door(&usual);
    /* A file that is no socket is not touched. */
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    CHECK_INT(door_listen(door, address, true, false, message, sizeof(message), NULL), -EADDRINUSE);
    CHECK(lstat(path, &file) == 0 && S_ISREG(file.st_mode));
    unlink(path);
    /* A socket that was left behind is replaced. */
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_INT(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
    close(fd);
    CHECK_INT(door_listen(door, address, true, false, message, sizeof(message), NULL), 0);
    /* A live one is refused. */
    CHECK_INT(door_new(&second, base, &usual, &budget, &handler, NULL), 0);
    CHECK_INT(door_listen(second, address, true, false, message, sizeof(message), NULL),
              -EADDRINUSE);
    CHECK(strstr(message, path) != NULL && strstr(message, "address already in use") != NULL);
    door_free(&second);
    peer.fd = socket(AF_UNIX, SOCK_STREAM, 0);
    peer.len = 0;
    peer.eof = peer.reset = false;
    CHECK_INT(connect(peer.fd, (const struct sockaddr *)&name, sizeof(name)), 0);
    say(&peer, "GET /u HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&peer, "[GET /u ", 1);
    leave(&peer);
    close_door();
    CHECK(lstat(path, &file) != 0);
}

/* ---- Places and paces -------------------------------------------------------------------------
 */

static void makes_room_by_closing_the_longest_idle(void)
{
    static struct peer first, second, third;
    struct door_limits limits = usual;
    struct door_stats stats;

    limits.connections_max = 2;
    open_door(&limits);
    come(&first);
    say(&first, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&first, "[GET /1 ", 1);
    come(&second);
    say(&second, "POST /hold HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for_held(1);
    come(&third);
    say(&third, "GET /3 HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&third, "[GET /3 ", 1);
    wait_for_end(&first);
    CHECK(!first.reset);
    answer_held(0); /* it was not idle */
    wait_for(&second, "stored", 1);
    door_get_stats(door, &stats);
    CHECK_INT((long long)stats.evicted, 1);
    CHECK_INT(refusals, 0);
    leave(&first);
    leave(&second);
    leave(&third);
    close_door();
}

/* Not who has come first: a request that is answered at once counts as well. */
static void who_was_served_last_is_not_the_longest_idle(void)
{
    static struct peer first, second, third;
    struct door_limits limits = usual;

    limits.connections_max = 2;
    open_door(&limits);
    come(&first);
    say(&first, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&first, "[GET /1 ", 1);
    come(&second);
    say(&second, "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&second, "[GET /2 ", 1);
    say(&first, "GET /3 HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&first, "[GET /3 ", 1);
    come(&third);
    wait_for_end(&second);
    say(&first, "GET /4 HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&first, "[GET /4 ", 1);
    leave(&first);
    leave(&second);
    leave(&third);
    close_door();
}

/* A request that is on its way would be lost with its connection. */
static void does_not_close_who_has_just_spoken(void)
{
    static struct peer first, second;
    static const char request[] = "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n";
    struct door_limits limits = usual;

    limits.connections_max = 1;
    open_door(&limits);
    come(&first);
    put(&first, request, sizeof(request) - 1);
    come(&second); /* both are seen in one turn of the loop, in whichever order */
    wait_for(&first, "[GET /1 ", 1);
    leave(&first);
    leave(&second);
    close_door();
}

static void one_address_does_not_get_all_places(void)
{
    static struct peer peers[4];
    struct door_limits limits = usual;

    limits.per_address_max = 2;
    budget.crowd = crowd_new();
    open_door(&limits);
    for (int i = 0; i < 3; i++)
        come(&peers[i]);
    wait_for(&peers[2], "HTTP/1.1 503 ", 1);
    CHECK_INT(refused_for, ANSWER_OVERLOADED);
    CHECK_STRING(refused_why, "limits.connections_per_address");
    leave(&peers[0]);
    turn_for(CLOCK_SECOND / 50);
    come(&peers[3]);
    say(&peers[3], "GET /4 HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(&peers[3], "[GET /4 ", 1);
    for (int i = 1; i < 4; i++)
        leave(&peers[i]);
    close_door();
    crowd_free(&budget.crowd);
}

static void one_address_does_not_get_all_bytes(void)
{
    static struct peer peers[2], silent;
    static char body[60000];
    struct door_limits limits = usual;

    limits.bytes_per_address_max = 70000;
    budget.crowd = crowd_new();
    open_door(&limits);
    come(&silent);                            /* while it is there, its address is not forgotten */
    for (int round = 0; round < 3; round++) { /* what a round has taken it has given back */
        for (int i = 0; i < 2; i++) {
            come(&peers[i]);
            say(&peers[i], P "Content-Length: 60001\r\n\r\n");
        }
        say_bytes(&peers[0], body, sizeof(body));
        say_bytes(&peers[1], body, 16000); /* so much everybody has */
        turn_for(20 * CLOCK_MS);
        CHECK_INT((long long)peers[1].len, 0);
        say_bytes(&peers[1], body, sizeof(body) - 16000);
        wait_for(&peers[1], "HTTP/1.1 503 ", 1);
        CHECK_INT(refused_for, ANSWER_OVERLOADED);
        CHECK_STRING(refused_why, "limits.inflight_bytes_per_address");
        leave(&peers[1]);
        if (round != 1)
            say_bytes(&peers[0], "x", 1); /* or it goes without its end */
        if (round != 1)
            wait_for(&peers[0], "| 60001:]", 1);
        leave(&peers[0]);
        turn_for(20 * CLOCK_MS);
    }
    leave(&silent);
    CHECK_INT((long long)atomic_load(&budget.held), 0);
    close_door();
    crowd_free(&budget.crowd);
}

static void a_body_that_trickles_is_late(void)
{
    struct door_limits limits = usual;
    int64_t began = clock_now();

    limits.body_timeout = 60 * CLOCK_SECOND;
    limits.body_rate = 1000;
    open_door(&limits);
    come(&peer);
    say(&peer, "POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 90000\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        say(&peer, "some bytes, but far too few of them");
        turn_for(CLOCK_SECOND / 50);
    }
    wait_for(&peer, "HTTP/1.1 408 ", 1);
    CHECK(clock_now() - began > 5 * CLOCK_SECOND && clock_now() - began < 9 * CLOCK_SECOND);
    CHECK_INT(refused_for, ANSWER_SLOW_CLIENT);
    CHECK_STRING(refused_why, "limits.body_rate");
    leave(&peer);
    close_door();
}

static void says_what_is_wrong_with_an_address(void)
{
    static const char *const bad[] = {"",         "8000",   "127.0.0.1",       "127.0.0.1:",
                                      ":8000",    "::1:80", "127.0.0.1:65536", "127.0.0.1:http",
                                      "[::1:80]", "unix:",  "127.0.0.1:-1"};
    char message[200], taken[40];
    struct door *second;
    unsigned same;

    open_door(&usual);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_INT(door_listen(door, bad[i], false, false, message, sizeof(message), NULL), -EINVAL);
    CHECK_STRING(message, "127.0.0.1:-1: not an address; write host:port, [v6]:port or unix:/path");
    snprintf(taken, sizeof(taken), "127.0.0.1:%u", port);
    CHECK_INT(door_listen(door, taken, false, false, message, sizeof(message), NULL), -EADDRINUSE);
    CHECK(strstr(message, ": address already in use; stop what listens there") != NULL);
    CHECK(door_listen(door, "192.0.2.1:80", false, false, message, sizeof(message), NULL) < 0);
    /* Two doors share a port if both say so. */
    CHECK_INT(door_new(&second, base, &usual, &budget, &handler, NULL), 0);
    CHECK_INT(door_listen(second, "127.0.0.1:0", false, true, message, sizeof(message), &same), 0);
    snprintf(taken, sizeof(taken), "127.0.0.1:%u", same);
    CHECK_INT(door_listen(door, taken, false, true, message, sizeof(message), NULL), 0);
    door_free(&second);
    close_door();
}

TEST_MAIN(TEST(echoes_a_request), TEST(knows_every_form_of_target), TEST(decodes_chunks),
          TEST(survives_any_split), TEST(answers_a_pipeline_in_order),
          TEST(a_pipeline_does_not_go_before_others), TEST(a_pipeline_ends_with_its_client),
          TEST(waits_with_the_next_request), TEST(does_not_read_ahead), TEST(speaks_http_1_0),
          TEST(answers_head_without_a_body), TEST(honours_expect),
          TEST(expects_nothing_of_http_1_0), TEST(refuses_what_is_malformed),
          TEST(does_not_know_every_method), TEST(refuses_malformed_chunks),
          TEST(keeps_the_limits_of_a_head), TEST(goes_on_after_a_refusal), TEST(refuses_in_order),
          TEST(answers_over_an_unread_body), TEST(refuses_a_streamed_body),
          TEST(takes_the_largest_body), TEST(keeps_to_the_budget),
          TEST(what_does_not_come_takes_no_room), TEST(has_no_patience_with_slow_clients),
          TEST(closes_idle_clients_in_silence), TEST(cuts_off_who_does_not_listen),
          TEST(writes_a_large_answer_in_pieces), TEST(answers_a_client_that_said_all),
          TEST(a_last_answer_is_not_reset_by_what_follows_the_body), TEST(forgets_who_has_gone),
          TEST(knows_who_has_gone_before_the_answer), TEST(closes_when_the_answer_says_so),
          TEST(turns_away_whom_there_is_no_room_for), TEST(survives_without_descriptors),
          TEST(stops_without_dropping_anybody), TEST(stops_without_dropping_whom_a_proxy_brings),
          TEST(stops_without_waiting_for_whom_a_proxy_announces),
          TEST(tells_of_a_proxy_that_does_not_say_for_whom), TEST(takes_new_limits),
          TEST(listens_on_unix_sockets), TEST(makes_room_by_closing_the_longest_idle),
          TEST(who_was_served_last_is_not_the_longest_idle),
          TEST(does_not_close_who_has_just_spoken), TEST(one_address_does_not_get_all_places),
          TEST(one_address_does_not_get_all_bytes), TEST(a_body_that_trickles_is_late),
          TEST(says_what_is_wrong_with_an_address))
