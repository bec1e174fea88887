/* SPDX-License-Identifier: MIT */
/*
 * Owns: the way to a server and the end of it: names, addresses, connect, lingering.
 * Never does: resolve a name on the caller's thread, or speak any protocol. Lock: none.
 */
#include "dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "spare.h"

#define LINGER_LOOK_MS 5 /* between looks at what TCP knows */

/* ---- Names ----------------------------------------------------------------------------------- */

struct lookup {
    char host[DIAL_HOST_MAX];
    struct dial_addresses found;
    int error; /* getaddrinfo's */
};

static void look_up(void *job)
{
    struct lookup *lookup = job;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *all;
    struct dial_addresses *found = &lookup->found;

    lookup->error = getaddrinfo(lookup->host, NULL, &hints, &all);
    if (lookup->error != 0)
        return;
    for (struct addrinfo *at = all; at != NULL && found->count < DIAL_ADDRESSES_MAX;
         at = at->ai_next)
        if (getnameinfo(at->ai_addr, at->ai_addrlen, found->numbers[found->count], INET6_ADDRSTRLEN,
                        NULL, 0, NI_NUMERICHOST) == 0)
            found->count++;
    freeaddrinfo(all);
}

static bool is_number(const char *host)
{
    struct in6_addr six;
    struct in_addr four;

    return inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1;
}

bool dial_is_path(const char *host)
{
    return host[0] == '/' || host[0] == '@';
}

static int resolve_name(struct dial_addresses *out, const char *host, int64_t deadline,
                        struct weir_error *error)
{
    struct lookup *lookup = calloc(1, sizeof(*lookup));

    if (lookup == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    memcpy(lookup->host, host, strlen(host) + 1);
    int status = spare_run(look_up, free, lookup, deadline);
    if (status != 0)
        return weir_fail(error, WEIR_ERESOLVE, "%s: not resolved: %s", host, weir_strerror(status));
    if (lookup->error != 0)
        status = weir_fail(error, WEIR_ERESOLVE, "%s: %s", host, gai_strerror(lookup->error));
    *out = lookup->found;
    free(lookup);
    return status;
}

int dial_resolve(struct dial_addresses *out, const char *host, int64_t deadline,
                 struct weir_error *error)
{
    memset(out, 0, sizeof(*out));
    if (strlen(host) >= DIAL_HOST_MAX)
        return weir_fail(error, WEIR_ECONFIG, "a host of more than %d bytes", DIAL_HOST_MAX - 1);
    if (!is_number(host))
        return resolve_name(out, host, deadline, error);
    snprintf(out->numbers[0], INET6_ADDRSTRLEN, "%s", host);
    out->count = 1;
    return 0;
}

/* ---- Connecting ------------------------------------------------------------------------------ */

struct target {
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
        struct sockaddr_un path;
    } address;
    socklen_t len;
};

static void set_number(struct target *target, const char *number, unsigned port)
{
    memset(target, 0, sizeof(*target));
    if (inet_pton(AF_INET, number, &target->address.four.sin_addr) == 1) {
        target->address.four.sin_family = AF_INET;
        target->address.four.sin_port = htons((uint16_t)port);
        target->len = sizeof(target->address.four);
        return;
    }
    inet_pton(AF_INET6, number, &target->address.six.sin6_addr);
    target->address.six.sin6_family = AF_INET6;
    target->address.six.sin6_port = htons((uint16_t)port);
    target->len = sizeof(target->address.six);
}

static int set_path(struct target *target, const char *path, struct weir_error *error)
{
    struct sockaddr_un *address = &target->address.path;
    size_t len = strlen(path);

    memset(target, 0, sizeof(*target));
    if (len >= sizeof(address->sun_path))
        return weir_fail(error, WEIR_ECONFIG, "a socket's path of more than %zu bytes",
                         sizeof(address->sun_path) - 1);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, len);
    if (path[0] == '@')
        address->sun_path[0] = '\0';
    target->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] != '@'));
    return 0;
}

static int await_connect(int fd, struct wake *wake, int64_t deadline, struct weir_error *error)
{
    int cause = 0;
    socklen_t len = sizeof(cause);
    int status = wake_wait(wake, fd, POLLOUT, deadline, error);

    if (status != 0)
        return status;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &cause, &len) != 0)
        cause = errno;
    return cause == 0 ? 0 : weir_fail(error, WEIR_ECONNECT, "%s", strerror(cause));
}

/* Failures are ignored: without them it is only slower. */
static void tune(int fd)
{
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

static int connect_one(int *out, const struct target *target, struct wake *wake, int64_t deadline,
                       struct weir_error *error)
{
    const struct sockaddr *address = &target->address.any;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int status = 0;

    if (fd < 0)
        return weir_fail(error, WEIR_ERESOURCE, "socket: %s", strerror(errno));
    if (address->sa_family != AF_UNIX)
        tune(fd);
    if (connect(fd, address, target->len) != 0)
        status = errno == EINPROGRESS ? await_connect(fd, wake, deadline, error)
                                      : weir_fail(error, WEIR_ECONNECT, "%s", strerror(errno));
    if (status == 0)
        *out = fd;
    else
        close(fd);
    return status;
}

static int connect_path(int *fd, const char *path, struct wake *wake, int64_t deadline,
                        struct weir_error *error)
{
    struct target target;
    int status = set_path(&target, path, error);

    return status != 0 ? status : connect_one(fd, &target, wake, deadline, error);
}

int dial_connect(int *fd, const char *host, unsigned port, struct wake *wake, int64_t deadline,
                 struct weir_error *error)
{
    struct dial_addresses addresses;
    struct target target;

    *fd = -1;
    if (dial_is_path(host))
        return connect_path(fd, host, wake, deadline, error);
    int status = dial_resolve(&addresses, host, deadline, error);
    if (status != 0)
        return status;
    status = weir_fail(error, WEIR_ERESOLVE, "%s: no address", host);
    for (size_t i = 0; i < addresses.count && status != 0 && status != WEIR_EINTERRUPTED; i++) {
        int64_t now = clock_now();
        int64_t share = (deadline - now) / (int64_t)(addresses.count - i);
        set_number(&target, addresses.numbers[i], port);
        status = connect_one(fd, &target, wake, clock_add(now, share > 0 ? share : 0), error);
    }
    return status;
}

/* ---- The end --------------------------------------------------------------------------------- */

int dial_peek(int fd)
{
    struct pollfd poller = {.fd = fd, .events = POLLRDHUP};

    if (fd < 0 || poll(&poller, 1, 0) <= 0)
        return 0;
    return poller.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL) ? WEIR_ELOST : 0;
}

/* After shutdown(2) of both directions recv says "end" whatever the other side does: ask TCP. */
static bool is_end(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return true; /* a Unix socket */
    return info.tcpi_state != TCP_ESTABLISHED && info.tcpi_state != TCP_FIN_WAIT1 &&
           info.tcpi_state != TCP_FIN_WAIT2;
}

int dial_linger(int fd, int64_t deadline)
{
    char bytes[1024];
    struct pollfd poller = {.fd = fd, .events = POLLIN};

    shutdown(fd, SHUT_WR);
    for (;;) {
        ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if ((n == 0 && is_end(fd)) || (n < 0 && errno != EAGAIN && errno != EINTR))
            return 0;
        int left = clock_poll_ms(deadline);
        if (left == 0)
            return WEIR_EDEADLINE;
        if (n < 0)
            poll(&poller, 1, left);
        else if (n == 0) /* it stays readable, so there is nothing to wait for */
            poll(NULL, 0, left > 0 && left < LINGER_LOOK_MS ? left : LINGER_LOOK_MS);
    }
}
