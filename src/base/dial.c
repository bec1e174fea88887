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
    int flags; /* getaddrinfo's */
    struct addrinfo *found;
    int error; /* getaddrinfo's */
};

static void look_up(void *job)
{
    struct lookup *lookup = job;
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = lookup->flags};

    lookup->error = getaddrinfo(lookup->host, NULL, &hints, &lookup->found);
    if (lookup->error != 0)
        lookup->found = NULL;
}

static void lookup_free(void *job)
{
    struct lookup *lookup = job;

    if (lookup->found != NULL)
        freeaddrinfo(lookup->found);
    free(lookup);
}

bool dial_is_path(const char *host)
{
    return host[0] == '/' || host[0] == '@';
}

int dial_permits_path(const char *path, const struct outbound *outbound, struct weir_error *error)
{
    if (outbound->unix_sockets)
        return 0;
    return weir_fail_key(error, WEIR_EADDRESS, "host", "%s: Unix sockets are not allowed", path);
}

static void note_refused(struct dial_addresses *addresses, const char *why)
{
    size_t len = strlen(addresses->refused);

    snprintf(addresses->refused + len, sizeof(addresses->refused) - len, "%s%s",
             len == 0 ? "" : "; ", why);
}

/* What no number can be made of (no IPv4, no IPv6) is passed over. */
static void take_one(struct dial_addresses *addresses, const struct addrinfo *found,
                     const struct outbound *outbound)
{
    struct dial_address *to = &addresses->items[addresses->count];
    struct address address;
    char why[OUTBOUND_WHY_MAX];

    address_from_socket(&address, found->ai_addr);
    if (!address.known || found->ai_addrlen > sizeof(to->socket))
        return;
    if (!outbound_permits(outbound, &address, why)) {
        note_refused(addresses, why);
        return;
    }
    memset(to, 0, sizeof(*to));
    memcpy(&to->socket, found->ai_addr, found->ai_addrlen);
    to->len = found->ai_addrlen;
    if (getnameinfo(found->ai_addr, found->ai_addrlen, to->number, sizeof(to->number), NULL, 0,
                    NI_NUMERICHOST) == 0)
        addresses->count++;
}

static int take_all(struct dial_addresses *addresses, const struct lookup *lookup,
                    const struct outbound *outbound, struct weir_error *error)
{
    if (lookup->error != 0)
        return weir_fail(error, WEIR_ERESOLVE, "%s: %s", lookup->host, gai_strerror(lookup->error));
    for (const struct addrinfo *at = lookup->found;
         at != NULL && addresses->count < DIAL_ADDRESSES_MAX; at = at->ai_next)
        take_one(addresses, at, outbound);
    if (addresses->count > 0)
        return 0;
    if (addresses->refused[0] != '\0')
        return weir_fail_key(error, WEIR_EADDRESS, "host", "host %s: %s", lookup->host,
                             addresses->refused);
    return weir_fail(error, WEIR_ERESOLVE, "%s: no address", lookup->host);
}

int dial_resolve(struct dial_addresses *out, const char *host, const struct outbound *outbound,
                 int64_t deadline, struct weir_error *error)
{
    int status = 0;

    out->count = 0;
    out->refused[0] = '\0';
    if (strlen(host) >= DIAL_HOST_MAX)
        return weir_fail(error, WEIR_ECONFIG, "a host of more than %d bytes", DIAL_HOST_MAX - 1);
    struct lookup *lookup = calloc(1, sizeof(*lookup));
    if (lookup == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    memcpy(lookup->host, host, strlen(host) + 1);
    lookup->flags = AI_NUMERICHOST; /* a number, however it is spelt, asks nobody */
    look_up(lookup);
    if (lookup->error != 0) {
        lookup->flags = 0;
        status = spare_run(look_up, lookup_free, lookup, deadline);
    }
    if (status != 0)
        return weir_fail(error, WEIR_ERESOLVE, "%s: not resolved: %s", host, weir_strerror(status));
    status = take_all(out, lookup, outbound, error);
    lookup_free(lookup);
    return status;
}

void dial_add_refused(const char *refused, struct weir_error *error)
{
    if (error == NULL || refused[0] == '\0')
        return;
    size_t len = strlen(error->detail);
    snprintf(error->detail + len, sizeof(error->detail) - len, "; not tried: %s", refused);
}

/* ---- Connecting ------------------------------------------------------------------------------ */

static void set_port(struct dial_address *address, unsigned port)
{
    struct sockaddr_in *four = (void *)&address->socket;
    struct sockaddr_in6 *six = (void *)&address->socket;

    if (address->socket.ss_family == AF_INET)
        four->sin_port = htons((uint16_t)port);
    else
        six->sin6_port = htons((uint16_t)port);
}

static int set_path(struct dial_address *address, const char *path, struct weir_error *error)
{
    struct sockaddr_un *local = (void *)&address->socket;
    size_t len = strlen(path);

    memset(address, 0, sizeof(*address));
    if (len >= sizeof(local->sun_path))
        return weir_fail(error, WEIR_ECONFIG, "a socket's path of more than %zu bytes",
                         sizeof(local->sun_path) - 1);
    local->sun_family = AF_UNIX;
    memcpy(local->sun_path, path, len);
    if (path[0] == '@')
        local->sun_path[0] = '\0';
    address->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] != '@'));
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

static int connect_one(int *out, const struct dial_address *address, struct wake *wake,
                       int64_t deadline, struct weir_error *error)
{
    const struct sockaddr *to = (const void *)&address->socket;
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int status = 0;

    if (fd < 0)
        return weir_fail(error, WEIR_ERESOURCE, "socket: %s", strerror(errno));
    if (to->sa_family != AF_UNIX)
        tune(fd);
    if (connect(fd, to, address->len) != 0)
        status = errno == EINPROGRESS ? await_connect(fd, wake, deadline, error)
                                      : weir_fail(error, WEIR_ECONNECT, "%s", strerror(errno));
    if (status == 0)
        *out = fd;
    else
        close(fd);
    return status;
}

static int connect_path(int *fd, const char *path, const struct outbound *outbound,
                        struct wake *wake, int64_t deadline, struct weir_error *error)
{
    struct dial_address address;
    int status = dial_permits_path(path, outbound, error);

    if (status == 0)
        status = set_path(&address, path, error);
    return status != 0 ? status : connect_one(fd, &address, wake, deadline, error);
}

int dial_connect(int *fd, const char *host, unsigned port, const struct outbound *outbound,
                 struct wake *wake, int64_t deadline, struct weir_error *error)
{
    struct dial_addresses addresses;

    *fd = -1;
    if (dial_is_path(host))
        return connect_path(fd, host, outbound, wake, deadline, error);
    int status = dial_resolve(&addresses, host, outbound, deadline, error);
    if (status != 0)
        return status;
    status = WEIR_ECONNECT;
    for (size_t i = 0; i < addresses.count && status != 0 && status != WEIR_EINTERRUPTED; i++) {
        int64_t now = clock_now();
        int64_t share = (deadline - now) / (int64_t)(addresses.count - i);
        set_port(&addresses.items[i], port);
        status = connect_one(fd, &addresses.items[i], wake, clock_add(now, share > 0 ? share : 0),
                             error);
    }
    if (status != 0)
        dial_add_refused(addresses.refused, error);
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
