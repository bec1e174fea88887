/* SPDX-License-Identifier: MIT */
/*
 * The bytes between a client's socket and its machine, in the clear or by TLS. Nothing here waits:
 * what would is -1 with errno EAGAIN. The loop's thread.
 */
#ifndef GATEWAY_WIRE_H
#define GATEWAY_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tls;
struct ssl_st;

struct wire {
    int fd;             /* owned */
    struct ssl_st *ssl; /* NULL: in the clear */
    bool early;         /* it first reads what was read of the socket before */
    bool broken;        /* nothing more may be said by TLS */
};

enum wire_progress {
    WIRE_READY,
    WIRE_READS,  /* go on when the socket can be read */
    WIRE_WRITES, /* when it can be written */
    WIRE_PLAIN,  /* it is no TLS but HTTP; from here on the wire is in the clear, without a word */
    WIRE_LEFT,   /* the client has gone */
    WIRE_FAILED
};

/*
 * Speak TLS as a server; `early` are bytes that came already. Then wire_shake until it is ready.
 * False without memory.
 */
bool wire_secure(struct wire *wire, const struct tls *tls, const char *early, size_t len);

/* Go on with the handshake. *why is static, for the log. */
enum wire_progress wire_shake(struct wire *wire, const char **why);

/* As recv(2) and send(2). What is written again after EAGAIN must begin with the same bytes. */
ssize_t wire_read(struct wire *wire, void *bytes, size_t len);
ssize_t wire_write(struct wire *wire, const void *bytes, size_t len);

/* Are there bytes to be read that the socket no longer tells of? */
bool wire_pending(const struct wire *wire);

/* Nothing could be read: has a part come all the same, of what can be read only as a whole? */
bool wire_has_part(const struct wire *wire);

/* Has something come since the last look? */
bool wire_has_news(const struct wire *wire);

/* Has the other side stopped sending, or gone? What it said before may not have been read yet. */
bool wire_has_ended(const struct wire *wire);

/* Nothing more will be written. */
void wire_end(struct wire *wire);

/* Say goodbye, if that does not wait, and close. */
void wire_close(struct wire *wire);

#endif
