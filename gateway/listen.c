/* SPDX-License-Identifier: MIT */
/*
 * Owns: listening sockets and the files of Unix ones.
 * Never does: accept; remove a file that is no socket, or that somebody listens on.
 * Lock: none.
 */
#include "listen.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HOST_MAX 256

/* "127.0.0.1:80: permission denied" */
static int fail(char *message, size_t len, const char *address, int error)
{
    const char *text = strerror(error), *more = "";

    if (error == EADDRINUSE)
        more = "; stop what listens there, or choose another address";
    if (error == EINVAL)
        text = "not an address; write host:port, [v6]:port or unix:/path";
    snprintf(message, len, "%s: %c%s%s", address, tolower((unsigned char)text[0]), text + 1, more);
    return -error;
}

static bool set_option(int fd, int level, int option)
{
    const int one = 1;

    return setsockopt(fd, level, option, &one, sizeof(one)) == 0;
}

/* Bind and listen; takes fd if it fails. */
static int start(int fd, const struct sockaddr *name, socklen_t len)
{
    if (bind(fd, name, len) == 0 && listen(fd, LISTEN_BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    return -error;
}

static int open_tcp(const struct addrinfo *info, bool reuse_port)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    /* Accepted sockets inherit TCP_NODELAY. */
    bool ok = set_option(fd, SOL_SOCKET, SO_REUSEADDR) &&
              set_option(fd, IPPROTO_TCP, TCP_NODELAY) &&
              (!reuse_port || set_option(fd, SOL_SOCKET, SO_REUSEPORT)) &&
              (info->ai_family != AF_INET6 || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY));
    if (ok)
        return start(fd, info->ai_addr, info->ai_addrlen);
    int error = errno;
    close(fd);
    return -error;
}

/* Split "host:port" or "[v6]:port"; NULL if it is neither, else where the port begins. */
static const char *split(const char *address, char host[HOST_MAX])
{
    const char *colon = strrchr(address, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - address);

    if (len == 0 || len >= HOST_MAX || colon[1] == '\0')
        return NULL;
    bool bracketed = address[0] == '[' && address[len - 1] == ']' && len > 2;
    if (!bracketed && memchr(address, ':', len) != NULL)
        return NULL;
    size_t skip = bracketed ? 1 : 0;
    memcpy(host, address + skip, len - 2 * skip);
    host[len - 2 * skip] = '\0';
    return colon + 1;
}

static int resolve(const char *address, struct addrinfo **info, char *message, size_t message_len)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    char host[HOST_MAX], *end;
    const char *port = split(address, host);

    if (port == NULL || strtoul(port, &end, 10) > 65535 || *end != '\0' || !isdigit(port[0]))
        return fail(message, message_len, address, EINVAL);
    int error = getaddrinfo(host, port, &hints, info);
    if (error == 0)
        return 0;
    snprintf(message, message_len, "%s: the host is not known: %s", address, gai_strerror(error));
    return -EADDRNOTAVAIL;
}

static unsigned port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } name;
    socklen_t len = sizeof(name);

    if (getsockname(fd, &name.any, &len) != 0)
        return 0;
    return ntohs(name.any.sa_family == AF_INET6 ? name.v6.sin6_port : name.v4.sin_port);
}

/* A socket that nobody listens on is a left-over. */
static bool is_stale(const struct sockaddr_un *name)
{
    struct stat file;

    if (lstat(name->sun_path, &file) != 0 || !S_ISSOCK(file.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool stale = fd >= 0 && connect(fd, (const struct sockaddr *)name, sizeof(*name)) != 0 &&
                 errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return stale;
}

static int open_unix(struct listen_socket *listening, const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    struct stat file;

    if (strlen(path) >= sizeof(name.sun_path))
        return -ENAMETOOLONG;
    if (path[0] == '\0')
        return -EINVAL;
    memcpy(name.sun_path, path, strlen(path));
    if (is_stale(&name))
        unlink(path);
    listening->path = strdup(path);
    int fd = listening->path == NULL
                 ? -ENOMEM
                 : socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        fd = start(fd, (const struct sockaddr *)&name, sizeof(name));
    else if (listening->path != NULL)
        fd = -errno;
    if (fd >= 0 && lstat(path, &file) == 0) {
        listening->device = file.st_dev;
        listening->inode = file.st_ino;
    }
    return fd;
}

int listen_open(struct listen_socket *listening, const char *address, bool reuse_port,
                char *message, size_t message_len)
{
    struct addrinfo *info;

    *listening = (struct listen_socket){.fd = -1};
    if (strncmp(address, "unix:", 5) == 0) {
        listening->fd = open_unix(listening, address + 5);
    } else {
        int status = resolve(address, &info, message, message_len);
        if (status != 0)
            return status;
        listening->fd = open_tcp(info, reuse_port);
        freeaddrinfo(info);
        if (listening->fd >= 0)
            listening->port = port_of(listening->fd);
    }
    if (listening->fd >= 0)
        return 0;
    free(listening->path);
    listening->path = NULL;
    return fail(message, message_len, address, -listening->fd);
}

void listen_close(struct listen_socket *listening)
{
    struct stat file;

    close(listening->fd);
    listening->fd = -1;
    if (listening->path == NULL)
        return;
    if (lstat(listening->path, &file) == 0 && file.st_dev == listening->device &&
        file.st_ino == listening->inode)
        unlink(listening->path);
    free(listening->path);
    listening->path = NULL;
}
