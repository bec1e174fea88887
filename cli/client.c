/* SPDX-License-Identifier: MIT */
/*
 * Owns: one request to the admin API, and where to send it.
 * Never does: follow, retry, or speak TLS. Lock: none.
 */
#include "client.h"

#include <errno.h>
#include <http_parser.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "config_parts.h"

#define REQUEST_MAX      8192
#define ADDRESS_MAX      512
#define PATIENCE_SECONDS 300 /* a reload may wait for a connect_timeout */

/* ---- Where ----------------------------------------------------------------------------------- */

struct target {
    char address[ADDRESS_MAX], token[1024];
};

static void copy(char *to, size_t len, const char *text)
{
    snprintf(to, len, "%s", text == NULL ? "" : text);
}

/* Only server.json: what is being reloaded may be wrong, and still the daemon must be found. */
static bool from_config(struct target *target, const char *directory)
{
    struct problems problems;
    struct config_server server = {.listen = NULL};
    struct source source;

    problems_init(&problems);
    bool good = config_default_server(&server) == 0;
    if (good && source_open(&source, directory, "server.json", false, &problems) == 1) {
        config_read_server(&server, &source);
        source_close(&source);
    }
    good = good && problems.count == 0;
    if (good) {
        good = !server.tls_wanted || server.admin_listen != NULL;
        if (!good)
            fprintf(
                stderr,
                "weir: %s/server.json has tls and no admin_listen, which is in the clear and for "
                "this command: \"unix:/run/weir/admin\"; or say --admin\n",
                directory);
        copy(target->address, sizeof(target->address),
             server.admin_listen != NULL ? server.admin_listen : server.listen);
        if (server.admin_token != NULL)
            copy(target->token, sizeof(target->token), server.admin_token);
    } else {
        fprintf(stderr,
                "weir: %s/server.json does not tell where the daemon is (%s); say --admin\n",
                directory, problems.count > 0 ? problems.items[0].message : "out of memory");
    }
    config_free_server(&server);
    problems_fini(&problems);
    return good;
}

static bool find_target(struct target *target, const struct options *options)
{
    copy(target->address, sizeof(target->address), "127.0.0.1:8000");
    copy(target->token, sizeof(target->token), getenv("WEIR_ADMIN_TOKEN"));
    if (options->config != NULL && options->admin == NULL && !from_config(target, options->config))
        return false;
    if (options->admin != NULL)
        copy(target->address, sizeof(target->address), options->admin);
    if (options->token != NULL)
        copy(target->token, sizeof(target->token), options->token);
    return true;
}

/* ---- Connecting ------------------------------------------------------------------------------ */

/* Closes fd; errno stays. */
static int give_up(int fd)
{
    int error = errno;

    if (fd >= 0)
        close(fd);
    errno = error;
    return -1;
}

static int connect_unix(const char *path, const char **why)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = -1;

    if (strlen(path) >= sizeof(name.sun_path)) {
        errno = ENAMETOOLONG;
    } else {
        memcpy(name.sun_path, path, strlen(path));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, (const struct sockaddr *)&name, sizeof(name)) == 0)
            return fd;
    }
    *why = strerror(errno);
    return give_up(fd);
}

static int connect_any(const struct addrinfo *all)
{
    int fd = -1;

    for (const struct addrinfo *at = all; at != NULL; at = at->ai_next) {
        fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) == 0)
            return fd;
        fd = give_up(fd);
    }
    return fd;
}

static int connect_tcp(const char *address, const char **why)
{
    char host[ADDRESS_MAX];
    const char *colon = strrchr(address, ':');
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all;

    *why = "an address is host:port, [v6]:port or unix:/path";
    if (colon == NULL)
        return -1;
    snprintf(host, sizeof(host), "%.*s", (int)(colon - address), address);
    if (host[0] == '[') {
        host[strcspn(host, "]")] = '\0';
        memmove(host, host + 1, strlen(host));
    }
    int error = getaddrinfo(host, colon + 1, &hints, &all);
    if (error != 0) {
        *why = gai_strerror(error);
        return -1;
    }
    int fd = connect_any(all);
    *why = strerror(errno);
    freeaddrinfo(all);
    return fd;
}

/* A daemon that does not answer must not keep a script for ever. */
static int connect_to(const char *address, const char **why)
{
    static const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    bool local = strncmp(address, "unix:", 5) == 0;
    int fd = local ? connect_unix(address + 5, why) : connect_tcp(address, why);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    return fd;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

struct collector {
    struct client_answer *answer;
    size_t len;
    bool complete;
};

static int on_body(http_parser *parser, const char *at, size_t len)
{
    struct collector *collector = parser->data;
    struct client_answer *answer = collector->answer;

    if (collector->len + len > CLIENT_ANSWER_MAX)
        return 1;
    char *body = realloc(answer->body, collector->len + len + 1);
    if (body == NULL)
        return 1;
    memcpy(body + collector->len, at, len);
    collector->len += len;
    body[collector->len] = '\0';
    answer->body = body;
    return 0;
}

static int on_complete(http_parser *parser)
{
    struct collector *collector = parser->data;

    collector->complete = true;
    collector->answer->status = parser->status_code;
    return 0;
}

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return false;
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool receive(int fd, struct client_answer *answer)
{
    static const http_parser_settings settings = {.on_body = on_body,
                                                  .on_message_complete = on_complete};
    struct collector collector = {.answer = answer};
    http_parser parser;
    char bytes[16384];

    http_parser_init(&parser, HTTP_RESPONSE);
    parser.data = &collector;
    while (!collector.complete) {
        ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 && parser.http_major == 0)
            return false;
        size_t len = n > 0 ? (size_t)n : 0;
        if (http_parser_execute(&parser, &settings, bytes, len) != len || n <= 0)
            break;
    }
    return collector.complete;
}

bool client_ask(const struct options *options, const char *method, const char *path,
                const char *body, struct client_answer *answer)
{
    struct target target;
    const char *why = "";
    char request[REQUEST_MAX];

    memset(answer, 0, sizeof(*answer));
    if (!find_target(&target, options))
        return false;
    int fd = connect_to(target.address, &why);
    if (fd < 0) {
        fprintf(stderr, "weir: %s: %s; is the daemon running there?\n", target.address, why);
        return false;
    }
    int len = snprintf(request, sizeof(request),
                       "%s %s HTTP/1.1\r\nHost: weir\r\nAuthorization: Bearer %s\r\n"
                       "Content-Type: application/json\r\nContent-Length: %zu\r\n"
                       "Connection: close\r\n\r\n%s",
                       method, path, target.token, strlen(body), body);
    bool good = len > 0 && (size_t)len < sizeof(request) && send_all(fd, request, (size_t)len) &&
                receive(fd, answer);
    close(fd);
    if (!good) {
        fprintf(stderr, "weir: %s: no complete answer\n", target.address);
        free(answer->body);
        answer->body = NULL;
    }
    return good;
}

/* ---- Showing --------------------------------------------------------------------------------- */

int client_show(const struct options *options, struct client_answer *answer,
                void (*print)(const json_t *root))
{
    json_t *root = json_loads(answer->body == NULL ? "" : answer->body, 0, NULL);
    const char *title = json_string_value(json_object_get(root, "title"));
    bool good = answer->status == 200 && root != NULL;

    if (!good)
        fprintf(stderr, "weir: the daemon answered %u: %s\n", answer->status,
                title == NULL ? "-" : title);
    else if (options->json)
        printf("%s\n", answer->body);
    else
        print(root);
    json_decref(root);
    free(answer->body);
    return good && fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}
