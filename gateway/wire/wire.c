/* SPDX-License-Identifier: MIT */
/*
 * Owns: a client's socket, and TLS on it.
 * Never does: wait; tell a client why its handshake failed, beyond TLS's own alert.
 * Lock: none; the loop's thread.
 */
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tls.h"

/* ---- The handshake --------------------------------------------------------------------------- */

/* What came with the bytes before, in front of the socket. */
static BIO *early_bytes(const char *early, size_t len)
{
    BIO *bio = BIO_new(BIO_s_mem());

    if (bio == NULL)
        return NULL;
    BIO_set_mem_eof_return(bio, -1);
    if (BIO_write(bio, early, (int)len) == (int)len)
        return bio;
    BIO_free(bio);
    return NULL;
}

bool wire_secure(struct wire *wire, const struct tls *tls, const char *early, size_t len)
{
    SSL *ssl = SSL_new(tls->context);
    BIO *first = NULL;

    if (ssl != NULL && SSL_set_fd(ssl, wire->fd) == 1 &&
        (len == 0 || (first = early_bytes(early, len)) != NULL)) {
        if (first != NULL)
            SSL_set0_rbio(ssl, first);
        SSL_set_accept_state(ssl);
        wire->ssl = ssl;
        wire->early = first != NULL;
        return true;
    }
    SSL_free(ssl);
    ERR_clear_error();
    return false;
}

/* True once: what came before has been read, the socket is next. */
static bool leave_early(struct wire *wire)
{
    BIO *socket = SSL_get_wbio(wire->ssl);

    if (!wire->early || BIO_up_ref(socket) != 1)
        return false;
    SSL_set0_rbio(wire->ssl, socket);
    wire->early = false;
    return true;
}

static void drop(struct wire *wire)
{
    SSL_free(wire->ssl);
    wire->ssl = NULL;
}

static enum wire_progress failed(struct wire *wire, int kind, const char **why)
{
    unsigned long error = ERR_peek_error();
    int code = ERR_GET_REASON(error);
    const char *text = ERR_reason_error_string(error);

    ERR_clear_error();
    wire->broken = true;
    if (kind == SSL_ERROR_SYSCALL || code == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return WIRE_LEFT;
    if (code == SSL_R_HTTP_REQUEST) {
        drop(wire);
        wire->broken = false;
        return WIRE_PLAIN;
    }
    *why = text == NULL ? "TLS handshake" : text;
    return WIRE_FAILED;
}

enum wire_progress wire_shake(struct wire *wire, const char **why)
{
    int result, kind;

    do {
        ERR_clear_error();
        result = SSL_do_handshake(wire->ssl);
        kind = SSL_get_error(wire->ssl, result);
    } while (kind == SSL_ERROR_WANT_READ && leave_early(wire));
    switch (kind) {
    case SSL_ERROR_NONE: return WIRE_READY;
    case SSL_ERROR_WANT_READ: return WIRE_READS;
    case SSL_ERROR_WANT_WRITE: return WIRE_WRITES;
    default: return failed(wire, kind, why);
    }
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

/*
 * As recv and send would have it. Reading that has to write first is for a client who asks for new
 * keys and does not take them: it is not waited for.
 */
static ssize_t result_of(struct wire *wire, int result, int waits)
{
    int kind = SSL_get_error(wire->ssl, result);

    if (kind == waits) {
        errno = EAGAIN;
        return -1;
    }
    if (kind == SSL_ERROR_ZERO_RETURN)
        return 0;
    wire->broken = true;
    ERR_clear_error();
    errno = ECONNRESET;
    return -1;
}

static ssize_t read_secure(struct wire *wire, void *bytes, size_t len)
{
    size_t n = 0;
    int result;

    do {
        ERR_clear_error();
        result = SSL_read_ex(wire->ssl, bytes, len, &n);
        if (result == 1)
            return (ssize_t)n;
    } while (SSL_get_error(wire->ssl, result) == SSL_ERROR_WANT_READ && leave_early(wire));
    return result_of(wire, result, SSL_ERROR_WANT_READ);
}

/* As much as the socket takes, a record at a time. */
static ssize_t write_secure(struct wire *wire, const char *bytes, size_t len)
{
    size_t sent = 0, n = 0;

    while (sent < len) {
        ERR_clear_error();
        int result = SSL_write_ex(wire->ssl, bytes + sent, len - sent, &n);
        if (result != 1) {
            ssize_t why = result_of(wire, result, SSL_ERROR_WANT_WRITE);
            return sent > 0 && !wire->broken ? (ssize_t)sent : why;
        }
        sent += n;
    }
    return (ssize_t)sent;
}

ssize_t wire_read(struct wire *wire, void *bytes, size_t len)
{
    return wire->ssl == NULL ? recv(wire->fd, bytes, len, MSG_DONTWAIT)
                             : read_secure(wire, bytes, len);
}

ssize_t wire_write(struct wire *wire, const void *bytes, size_t len)
{
    return wire->ssl == NULL ? send(wire->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL)
                             : write_secure(wire, bytes, len);
}

bool wire_pending(const struct wire *wire)
{
    return wire->ssl != NULL && SSL_pending(wire->ssl) > 0;
}

bool wire_has_part(const struct wire *wire)
{
    return wire->ssl != NULL && SSL_has_pending(wire->ssl) == 1;
}

bool wire_has_news(const struct wire *wire)
{
    char byte;

    return wire_pending(wire) || recv(wire->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool wire_has_ended(const struct wire *wire)
{
    struct pollfd one = {.fd = wire->fd, .events = POLLRDHUP};

    return poll(&one, 1, 0) > 0;
}

/* ---- Ends ------------------------------------------------------------------------------------ */

/* "close_notify", so that nobody can cut an answer short unseen. */
static void say_goodbye(struct wire *wire)
{
    if (wire->ssl == NULL || wire->broken || SSL_in_init(wire->ssl))
        return;
    ERR_clear_error();
    SSL_shutdown(wire->ssl);
    ERR_clear_error();
}

void wire_end(struct wire *wire)
{
    say_goodbye(wire);
    shutdown(wire->fd, SHUT_WR);
}

void wire_close(struct wire *wire)
{
    say_goodbye(wire);
    drop(wire);
    close(wire->fd);
    wire->fd = -1;
}
