/* SPDX-License-Identifier: MIT */
/*
 * One client of a door: its socket, and the one request that is under way. The conversation is a
 * small machine of states (client.c); what happens in a state stands in receive.c (heads), body.c
 * and send.c.
 */
#ifndef GATEWAY_CLIENT_H
#define GATEWAY_CLIENT_H

#include <stdatomic.h>
#include <sys/types.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "chunk.h"
#include "clock.h"
#include "door.h"
#include "head.h"
#include "inbox.h"
#include "list.h"
#include "reply.h"
#include "slots.h"
#include "wheel.h"
#include "wire.h"

#define CLIENT_LINGER       (2 * CLOCK_SECOND) /* for one that was refused to read why */
#define CLIENT_LINGER_BYTES (32u << 20)        /* of its body, thrown away meanwhile */

enum client_state {
    CLIENT_IDLE,      /* no byte of a request yet */
    CLIENT_PROXIED,   /* before that: a PROXY header is to come */
    CLIENT_SHAKING,   /* before that: TLS is being agreed on */
    CLIENT_QUEUED,    /* after that: its next request has come already, but others go first */
    CLIENT_HEAD,      /* a part of a head has come */
    CLIENT_BODY,      /* the head was let through, the body is on its way */
    CLIENT_WAITING,   /* the request was handed over */
    CLIENT_WRITING,   /* its answer does not fit into the socket at once */
    CLIENT_LINGERING, /* answered for the last time; what still comes is thrown away */
    CLIENT_GONE       /* to be destroyed as soon as its machine stops */
};

enum client_kind { CLIENT_PLAIN, CLIENT_ADMIN, CLIENT_TURNED_AWAY };

/* What the clients of one door share. */
struct clients {
    struct event_base *base;
    const struct door_handler *handler;
    void *context;
    struct door_limits limits;
    struct door_budget *budget;
    bool stopping;
    struct list all;    /* struct client.link */
    struct list idle;   /* struct client.idle, the longest first: senders without a request */
    struct list queued; /* struct client.turn: those in CLIENT_QUEUED */
    struct event turns; /* one of them has its turn; after everything else, if it can be had */
    unsigned counts[3]; /* by kind */
    struct slots slots;
    struct wheel wheel;
    struct inbox_spare spare;
    struct reply_date date;
    atomic_uint_least64_t accepted, refused, evicted, requests, answers, by_status[6];
    atomic_uint present;
};

struct client {
    struct list link, idle, turn;
    struct clients *clients;
    struct wire wire;
    uint32_t slot;
    enum client_kind kind;
    enum client_state state;
    struct address peer;
    bool secure;     /* it speaks TLS, as soon as a PROXY header has come */
    bool counted;    /* in the crowd, by its peer's address */
    bool running;    /* its machine is on the stack: do not start it again, do not free */
    bool served;     /* a request has been answered in this turn */
    bool reading;    /* `readable` is added */
    bool keep_alive; /* another request may follow this one */
    bool announce;   /* an HTTP/1.0 client has to be told so */
    bool unread;     /* bytes are coming that nobody will read: linger */
    struct event readable, writable;
    struct wheel_entry timer;
    int64_t deadline; /* of the state */

    struct door_limits limits; /* of this request */
    struct inbox inbox;        /* begins with the head, while the request is under way */
    struct head_scan scan;
    struct head head;
    struct request request;
    struct request_header *headers;
    size_t headers_room;
    size_t body_room;
    size_t share; /* of that, what is counted for its address */
    int64_t body_begun;
    struct chunk chunk;
    size_t spent; /* bytes at the beginning of the inbox that belong to this request */

    char *rest; /* of an answer that is being written */
    size_t rest_len, rest_sent;
    size_t lingered;
};

/*
 * Count one more sender of this address, unless it is a proxy's, whose clients come in its name:
 * `counted` says which. False: there are enough of them.
 */
bool client_enter_crowd(const struct clients *clients, const struct address *peer, bool *counted);

/*
 * Takes fd and the place of one that was counted, also on failure; NULL without memory.
 */
struct client *client_new(struct clients *clients, int fd, enum client_kind kind,
                          const struct address *peer, bool counted);

/*
 * What comes first, by the deadline it has already: a PROXY header; TLS (`secure`), as the limits
 * have it. It may be gone afterwards.
 */
void client_expect(struct client *client, bool proxied, bool secure);

/* Send the answer, clear it, and go on with the next request, or part. */
void client_answer(struct client *client, struct answer *answer);

/*
 * Refuse the request. If its body is not here as a whole, or with `last`, it is the last one:
 * what follows could not be told from it.
 */
void client_refuse(struct client *client, struct answer *answer, bool last);
/* The same for a reason of the door's own, which the handler is told, too. */
void client_refuse_with(struct client *client, enum answer_problem problem, const char *why,
                        bool last);

/* The request is whole: hand it over. */
void client_hand_over(struct client *client);

/* The door stops: leave, if no request is under way or has just arrived. */
void client_stop(struct client *client);

/* Whoever has been queued for the longest has its turn. */
void client_take_turn(struct clients *clients);

/* Close and free it, at once or when its machine stops. */
void client_close(struct client *client);

/* The client that waits for the answer to this request; NULL if it has gone. */
struct client *client_find(const struct clients *clients, uint64_t id);

/* For wheel_turn. */
void client_expire(struct wheel_entry *timer);

/* ---- receive.c: from bytes to a request that is let in; true if the state may have changed ----
 */
bool receive_head(struct client *client);
/* Something of a head has come, if only a part of what it is wrapped in: its time begins. */
void receive_begin(struct client *client);
bool receive_proxy(struct client *client);
/* Begin with TLS; `early` was read already. */
void receive_secure(struct client *client, const char *early, size_t len);
bool receive_handshake(struct client *client);

/* ---- body.c -----------------------------------------------------------------------------------
 */

/* The head was let through, and says that a body follows. */
void body_begin(struct client *client);

/* Take what is in the inbox; true if the state has changed. */
bool body_take(struct client *client);

/* Which of its deadlines has passed. */
const char *body_late(const struct client *client);

/* Read from the socket to where the body belongs, as recv(2). */
ssize_t body_read(struct client *client);

/* Free what the handler has not taken. */
void body_drop(struct client *client);

/* It is whole, or given up: its address may have further ones. */
void body_give_share(struct client *client);

/* ---- send.c -----------------------------------------------------------------------------------
 */

enum send_result { SEND_DONE, SEND_LATER, SEND_FAILED };

enum send_result send_answer(struct client *client, const struct answer *answer);

/* Go on after SEND_LATER. */
enum send_result send_rest(struct client *client);

/* 100 Continue; the socket is empty here, so that it fits or the client has gone. */
bool send_continue(struct client *client);

#endif
