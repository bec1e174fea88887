/* SPDX-License-Identifier: MIT */
/*
 * Owns: the way of an answer into a client's socket, usually with one system call.
 * Never does: wait; decide what comes after.
 * Lock: none; the loop's thread.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "client.h"

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* Keep what the socket did not take. */
static enum send_result keep_rest(struct client *client, const struct iovec *parts, size_t sent)
{
    size_t len = parts[0].iov_len + parts[1].iov_len - sent;
    size_t skipped = sent < parts[0].iov_len ? sent : parts[0].iov_len;
    size_t of_head = parts[0].iov_len - skipped;

    client->rest = malloc(len);
    if (client->rest == NULL)
        return SEND_FAILED;
    memcpy(client->rest, (const char *)parts[0].iov_base + skipped, of_head);
    memcpy(client->rest + of_head, (const char *)parts[1].iov_base + (sent - skipped),
           len - of_head);
    client->rest_len = len;
    client->rest_sent = 0;
    return SEND_LATER;
}

enum send_result send_answer(struct client *client, const struct answer *answer)
{
    char head[REPLY_HEAD_MAX], nothing = '\0';
    enum reply_connection connection = !client->keep_alive ? REPLY_CLOSE
                                       : client->announce  ? REPLY_KEEP_ALIVE
                                                           : REPLY_DEFAULT;
    size_t head_len = reply_head(head, answer, connection, &client->clients->date);
    /* A HEAD request is answered without the body it would have had. */
    bool bare = client->request.method != NULL && strcmp(client->request.method, "HEAD") == 0;
    struct iovec parts[2] = {
        {head, head_len},
        {bare || answer->body == NULL ? &nothing : answer->body, bare ? 0 : answer->body_len}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    /* TLS wants it in one piece, and the same again if the socket is full. */
    if (client->wire.ssl != NULL)
        return keep_rest(client, parts, 0) == SEND_FAILED ? SEND_FAILED : send_rest(client);
    ssize_t n = sendmsg(client->wire.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && !would_block())
        return SEND_FAILED;
    size_t sent = n < 0 ? 0 : (size_t)n;
    return sent == head_len + parts[1].iov_len ? SEND_DONE : keep_rest(client, parts, sent);
}

enum send_result send_rest(struct client *client)
{
    size_t left = client->rest_len - client->rest_sent;

    ssize_t n = wire_write(&client->wire, client->rest + client->rest_sent, left);
    if (n < 0)
        return would_block() ? SEND_LATER : SEND_FAILED;
    client->rest_sent += (size_t)n;
    if ((size_t)n < left)
        return SEND_LATER;
    free(client->rest);
    client->rest = NULL;
    return SEND_DONE;
}

bool send_continue(struct client *client)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

    return wire_write(&client->wire, text, sizeof(text) - 1) == (ssize_t)(sizeof(text) - 1);
}
