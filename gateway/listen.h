/* SPDX-License-Identifier: MIT */
/* Listening sockets, from an address as people write it. */
#ifndef GATEWAY_LISTEN_H
#define GATEWAY_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#define LISTEN_BACKLOG 1024

struct listen_socket {
    int fd;
    unsigned port; /* that was really bound; 0 for a Unix socket */
    char *path;    /* of a Unix socket, else NULL */
    dev_t device;  /* of the file at path, as it was made */
    ino_t inode;
};

/*
 * "host:port", "[v6]:port" or "unix:/path"; see door_listen. 0, or a negative errno with a
 * sentence in message, and nothing to close.
 */
int listen_open(struct listen_socket *socket, const char *address, bool reuse_port, char *message,
                size_t message_len);

/* Close; remove the file of a Unix socket, unless somebody has replaced it. */
void listen_close(struct listen_socket *socket);

#endif
