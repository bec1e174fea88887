/* SPDX-License-Identifier: MIT */
/*
 * Statuses: what every function of libweir, every driver and every sink answers.
 *
 * A status is 0 for success or one of the negative WEIR_E... numbers below. Each has one fixed
 * sentence, fit for strangers (weir_strerror), and one remedy: what whoever holds the backend
 * connection should do about it. The operator's detail travels beside the status in a
 * struct weir_error that the caller owns.
 */
#ifndef WEIR_ERROR_H
#define WEIR_ERROR_H

#include <stdint.h>

#include <weir/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a status asks for. */
enum weir_remedy {
    WEIR_REMEDY_NONE,      /* nothing: success, a caller's mistake, or a refusal for now */
    WEIR_REMEDY_RETRY,     /* the backend connection is healthy; the same work may succeed later */
    WEIR_REMEDY_PREPARE,   /* healthy, but something prepared is gone: prepare once more, retry */
    WEIR_REMEDY_RECONNECT, /* this backend connection is done; another one may serve */
    WEIR_REMEDY_RETIRE,    /* the server is not the one wanted any more: all idle ones are done */
    WEIR_REMEDY_REJECT,    /* this row is refused for good; the backend connection is healthy */
    WEIR_REMEDY_OPERATOR   /* healthy, but only a person can mend it (privilege, table shape) */
};

/* X(name, number, remedy, text) */
#define WEIR_ERRORS(X)                                                            \
    X(EINVAL, -1, NONE, "invalid argument")                                       \
    X(ENOMEM, -2, NONE, "out of memory")                                          \
    X(EBUSY, -3, NONE, "another change is in progress")                           \
    X(EUNKNOWN, -4, NONE, "unknown connection")                                   \
    X(EDRIVER, -5, NONE, "no driver for this type")                               \
    X(ELIMIT, -6, NONE, "a limit would be exceeded")                              \
    X(ECLOSED, -7, NONE, "the registry is closed")                                \
    X(ESTALE, -8, NONE, "this lease is not held")                                 \
    X(ECANCELED, -9, NONE, "cancelled")                                           \
    X(ETIMEOUT, -10, NONE, "no backend connection became free in time")           \
    X(EWAITERS, -11, NONE, "too many are waiting for a backend connection")       \
    X(EINTERNAL, -12, RECONNECT, "internal error")                                \
    X(EAGAIN, -13, NONE, "no backend connection is free now")                     \
    X(EUNAVAILABLE, -14, NONE, "no backend connection can be opened")             \
    X(ESHED, -15, NONE, "too long a wait for a backend connection")               \
    X(EFORKED, -16, NONE, "this belongs to the parent process")                   \
    X(ERESOLVE, -20, RECONNECT, "the server's name cannot be resolved")           \
    X(ECONNECT, -21, RECONNECT, "the server cannot be reached")                   \
    X(EAUTH, -22, RECONNECT, "the server refused the credentials")                \
    X(ETLS, -23, RECONNECT, "no acceptable TLS session with the server")          \
    X(ECONFIG, -24, RECONNECT, "the server refused the connection's settings")    \
    X(ECROWDED, -25, RECONNECT, "the server accepts no further connection")       \
    X(ELOST, -26, RECONNECT, "the backend connection was lost")                   \
    X(EDEADLINE, -27, RECONNECT, "the server did not answer in time")             \
    X(EINTERRUPTED, -28, RECONNECT, "the operation was interrupted")              \
    X(EDOWN, -29, RETIRE, "the server is starting or shutting down")              \
    X(EREADONLY, -30, RETIRE, "the server is read-only")                          \
    X(EADDRESS, -31, RECONNECT, "the server's address may not be connected to")   \
    X(ECONFLICT, -40, RETRY, "conflict with another transaction")                 \
    X(ERESOURCE, -41, RETRY, "the server ran out of a resource")                  \
    X(EUNPREPARED, -42, PREPARE, "a prepared statement or a table is gone")       \
    X(EDENIED, -43, OPERATOR, "a privilege is missing at the server")             \
    X(ESCHEMA, -44, OPERATOR, "the destination does not have the expected shape") \
    X(EREJECTED, -45, REJECT, "the destination refused this webhook")             \
    X(EUNCONFIRMED, -46, OPERATOR, "stored, but not as safely as was asked for")

enum weir_status {
    WEIR_OK = 0,
#define WEIR_ERROR_ENUM(name, number, remedy, text) WEIR_##name = (number),
    WEIR_ERRORS(WEIR_ERROR_ENUM)
#undef WEIR_ERROR_ENUM
};

#define WEIR_ERROR_KEY_MAX    64
#define WEIR_ERROR_NATIVE_MAX 16
#define WEIR_ERROR_DETAIL_MAX 400

/*
 * Detail for the operator; owned by the caller, who may pass NULL wherever one is taken. It may
 * quote what a server said and must never be shown to a sender. It never holds a password.
 * Truncated, never overrun; always NUL-terminated.
 */
struct weir_error {
    int status;
    char key[WEIR_ERROR_KEY_MAX];       /* the setting at fault, or "" */
    char native[WEIR_ERROR_NATIVE_MAX]; /* the server's own code (an SQLSTATE, say), or "" */
    char detail[WEIR_ERROR_DETAIL_MAX];
};

/* The fixed sentence for a status; "unknown status" for a number outside the table. Any thread. */
WEIR_EXPORT const char *weir_strerror(int status);

/* The status's name ("WEIR_ETIMEOUT", "WEIR_OK"); NULL for a number outside the table. */
WEIR_EXPORT const char *weir_status_name(int status);

/* The status's remedy; RECONNECT for a number outside the table, which is the safe guess. */
WEIR_EXPORT enum weir_remedy weir_remedy(int status);

/*
 * Fill *error (ignored if NULL) and return status, so that a failing function can end in
 * `return weir_fail(error, WEIR_E..., "...")`. Clears key and native.
 */
WEIR_EXPORT int weir_fail(struct weir_error *error, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, naming the setting at fault; error's own detail may be one of the arguments. */
WEIR_EXPORT int weir_fail_key(struct weir_error *error, int status, const char *key,
                              const char *format, ...) __attribute__((format(printf, 4, 5)));

#ifdef __cplusplus
}
#endif

#endif
