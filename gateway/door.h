/* SPDX-License-Identifier: MIT */
/*
 * The door: the HTTP/1.1 server of one event loop. It accepts clients, parses strictly, enforces
 * the limits of the request itself, and hands over whole requests. Answers come back by request
 * id, at once or later; an answer for a client that has gone is dropped.
 *
 * A door belongs to one thread, that of its loop; only door_stats may be called from another.
 */
#ifndef GATEWAY_DOOR_H
#define GATEWAY_DOOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "answer.h"
#include "request.h"

struct event_base;
struct door;
struct crowd;
struct tls;

/*
 * May change at a reload (door_set_limits); a client under way keeps what it started with.
 * connections_max is for all doors of one budget together.
 */
struct door_limits {
    size_t body_max, head_max;
    unsigned headers_max, connections_max;
    size_t bytes_per_address_max; /* of bodies that are still arriving, beyond the first 16 KiB of
                                     each, but for proxies; 0: as many as there are */
    unsigned per_address_max; /* clients of one address, but for proxies; 0: as many as there are */
    size_t body_rate;         /* bytes in a second that a body must bring on average; 0: any */
    int64_t head_timeout, body_timeout, idle_timeout; /* nanoseconds */

    /*
     * Who connects for others, and whether they begin with a PROXY protocol header; NULL: nobody.
     * Borrowed until the next door_set_limits, or the door's end.
     */
    const struct networks *proxies;
    bool proxy_protocol;
    const struct tls
        *tls; /* what all but the admin side speak; NULL: in the clear; borrowed, too */
};

/* What all doors hold together: bytes of bodies (webhooks', too), clients. Zero-initialise it. */
struct door_budget {
    atomic_size_t held;
    atomic_size_t max;
    atomic_uint clients; /* but for those of the admin side, and those that are turned away */
    struct crowd *crowd; /* clients by address; NULL: they are not counted */
};

/* Are `bytes` left of the budget? Nothing is taken, and they may be gone the next moment. */
bool door_budget_has(const struct door_budget *budget, size_t bytes);

/* Take `bytes` from the budget; false, and nothing taken, if there is not enough left. */
bool door_budget_take(struct door_budget *budget, size_t bytes);
void door_budget_give(struct door_budget *budget, size_t bytes);

/* One request; borrowed from the door for the duration of each call, and valid until answered. */
struct request {
    uint64_t id;
    const char *method; /* "POST" */
    const char *path;   /* without the query, not decoded; NUL-terminated */
    size_t path_len;
    const char *query; /* after '?', or NULL */
    const struct request_header *headers;
    size_t headers_count;
    uint64_t content_length; /* declared; 0 if none or chunked */
    bool chunked;
    bool admin;          /* came in by a listener of the admin side */
    struct address peer; /* of the connection, or what its PROXY header says */
    uint64_t judged;     /* the handler's own */
    bool paced;          /* likewise */
    int64_t started_at;  /* monotonic; when its first byte came */
    int64_t received_at; /* microseconds since 1970; when its last byte came */
    char *body;          /* NULL before it is whole */
    size_t body_len;
    size_t budget; /* bytes taken from the budget for the body */
};

/* The value of the first header of that (lower-case) name; NULL if there is none. */
const char *request_header(const struct request *request, const char *name);

/*
 * Make the body the caller's own (malloc'd, may be NULL if empty), with the budget taken for it,
 * which the caller gives back when it frees the body.
 */
char *request_take_body(struct request *request, size_t *len, size_t *budget);

struct door_handler {
    /*
     * The head is whole; checks of path, method, credentials. Fill the answer and return false to
     * refuse before the body is read. The door itself sees to 431, 408, 413 (declared, while
     * streaming, and by the budget: overloaded), a strict head (400) and Expect: 100-continue.
     * The declared 413 comes after this call allowed 404 and 405 (see `routed`).
     */
    bool (*routed)(void *context, const struct request *request, struct answer *answer);
    /* After the declared length was found acceptable: 401, 403, 429, 415. The same contract. */
    bool (*admitted)(void *context, struct request *request, struct answer *answer);
    /* The body is whole. Must lead to exactly one door_answer, now or later. */
    void (*complete)(void *context, struct request *request);
    /* The door itself has refused a client or a request; `why` (static, may be NULL) is for the
     * log. */
    void (*refused)(void *context, const struct address *peer, enum answer_problem problem,
                    const char *why);
};

/*
 * Priorities that a door's event base should have (event_base_priority_init): the last is for
 * requests that came before the one in front of them was answered, the one before it for all else.
 */
#define DOOR_PRIORITIES 3

struct door_stats {
    uint64_t accepted, refused, evicted, requests, answers;
    uint64_t by_status[6]; /* answers by hundreds: [2] is 2xx */
    unsigned clients;
};

int door_new(struct door **out, struct event_base *base, const struct door_limits *limits,
             struct door_budget *budget, const struct door_handler *handler, void *context);

/*
 * Listen on "host:port", "[v6]:port" or "unix:/path" (a stale socket file is replaced; a live one
 * is refused). With reuse_port several doors share a port. 0, or a negative errno with a sentence
 * in message. bound_port (may be NULL) gets the port really bound.
 */
int door_listen(struct door *door, const char *address, bool admin, bool reuse_port, char *message,
                size_t message_len, unsigned *bound_port);

void door_set_limits(struct door *door, const struct door_limits *limits);

/*
 * Will an answer to this request be heard, as far as can be told? Not if its client has gone, or
 * has said that it will send no more, which is how most of them go.
 */
bool door_hears(const struct door *door, uint64_t id);

/* Answer the request and clear *answer. An id whose client has gone is ignored. */
void door_answer(struct door *door, uint64_t id, struct answer *answer);

/*
 * Stop accepting: close the listeners and idle clients; requests under way may finish (their
 * answers say Connection: close); a head that arrives afterwards is refused with shutting-down.
 */
void door_stop(struct door *door);

/* After door_stop: has every client gone? */
bool door_empty(const struct door *door);

/* Any thread. */
void door_get_stats(struct door *door, struct door_stats *stats);

/* Closes every client at once. *door becomes NULL. */
void door_free(struct door **door);

#endif
