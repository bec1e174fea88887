/* SPDX-License-Identifier: MIT */
/* One client of a door: its socket, its buffers, the request that is under way. */
#ifndef GATEWAY_CLIENT_H
#define GATEWAY_CLIENT_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "chunk.h"
#include "clock.h"
#include "door.h"
#include "head.h"
#include "list.h"
#include "parse.h"

#define CLIENT_READ_SIZE     (16u << 10)         /* bytes asked for at once */
#define CLIENT_WRITE_TIMEOUT (30 * CLOCK_SECOND) /* for a client to take its answer */
#define CLIENT_LINGER        (2 * CLOCK_SECOND)  /* for one that was refused to read why */
#define CLIENT_LINGER_BYTES  (4u << 20)          /* of its body, thrown away meanwhile */

enum client_state {
    CLIENT_HEAD,      /* reading a head, or idle between two requests */
    CLIENT_BODY,      /* reading a body */
    CLIENT_WAITING,   /* the request is under way */
    CLIENT_WRITING,   /* the answer is */
    CLIENT_LINGERING, /* answered, closed for writing; what still comes in is thrown away */
    CLIENT_DEAD       /* to be freed when its own call has returned */
};

struct client {
    struct list link; /* in door->clients */
    struct door *door;
    uint32_t slot;
    int fd;
    bool admin;
    bool inside;     /* a call of the client is on the stack: do not free, do not recurse */
    bool keep_alive; /* after the present request */
    bool unread;     /* a body was refused before it was read */
    enum client_state state;
    int64_t deadline; /* of the state; CLOCK_NEVER if it has none */
    struct event readable, writable;

    char *in; /* the head, then whatever came after it */
    size_t in_len, in_room;
    struct head_scan scan;
    struct head head;
    struct chunk chunk;
    struct request_header *headers;
    size_t headers_room;
    struct request request;
    size_t body_room;
    size_t lingered;

    char *out;
    size_t out_len, out_room, out_sent;
};

/* Takes fd, also on failure. */
struct client *client_new(struct door *door, int fd, bool admin);

/* Send the answer and clear it; then go on with the next request or close. */
void client_answer(struct client *client, struct answer *answer);

/* Its deadline has passed. */
void client_expire(struct client *client);

/* No further request after the present one; close it if there is none. */
void client_stop(struct client *client);

/* Close and free it, at once or when its own call has returned. */
void client_close(struct client *client);

/* What clients use of their door. */
struct door {
    struct event_base *base;
    struct door_limits limits;
    struct door_budget *budget;
    const struct door_handler *handler;
    void *context;
    struct list clients, listeners;
    struct event *sweep;
    struct client **slots;
    uint32_t *free_slots;
    size_t slots_count, slots_room, free_count;
    unsigned counts[2];    /* clients: [admin] */
    bool stopping, paused; /* paused: no descriptors were left to accept with */
    time_t date_second;
    char date[40];
    atomic_uint_least64_t accepted, refused, requests, answers, by_status[6];
    atomic_uint clients_now;
};

uint32_t door_take_slot(struct door *door, struct client *client);
void door_give_slot(struct door *door, uint32_t slot);
uint64_t door_request_id(uint32_t slot);
const char *door_date(struct door *door);

#endif
