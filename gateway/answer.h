/* SPDX-License-Identifier: MIT */
/*
 * Answers: what goes back to a client. Problems are problem+json (RFC 9457) with a fixed text;
 * nothing a backend said is ever in one.
 */
#ifndef GATEWAY_ANSWER_H
#define GATEWAY_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(NAME, http status, "code", "title") */
#define ANSWER_PROBLEMS(X)                                                                         \
    X(MALFORMED, 400, "malformed", "The request is not well-formed.")                              \
    X(UNAUTHORIZED, 401, "unauthorized", "Credentials are missing or wrong.")                      \
    X(FORBIDDEN, 403, "forbidden", "This sender may not do this.")                                 \
    X(ADMIN_DISABLED, 403, "admin-disabled", "No admin token is configured.")                      \
    X(UNKNOWN_PATH, 404, "unknown-path", "There is nothing at this path.")                         \
    X(UNKNOWN_CONNECTION, 404, "unknown-connection", "No connection of this name is configured.")  \
    X(METHOD, 405, "method", "This path does not take this method.")                               \
    X(BUSY, 409, "busy", "The configuration is being changed.")                                    \
    X(SLOW_CLIENT, 408, "slow-client", "The request did not arrive in time.")                      \
    X(TOO_LARGE, 413, "too-large", "The body is larger than allowed.")                             \
    X(MEDIA_TYPE, 415, "media-type", "This path does not take a body of this kind.")               \
    X(REJECTED, 422, "rejected", "The destination refused this webhook for good.")                 \
    X(SIZES_REJECTED, 422, "sizes-rejected", "A pool cannot have these sizes; nothing changed.")   \
    X(CONFIG_REJECTED, 422, "config-rejected", "The configuration is not valid; nothing changed.") \
    X(RATE_LIMITED, 429, "rate-limited", "Too many requests; see Retry-After.")                    \
    X(HEADERS_TOO_LARGE, 431, "headers-too-large", "The headers are larger than allowed.")         \
    X(INTERNAL, 500, "internal", "This is a bug.")                                                 \
    X(UNKNOWN_METHOD, 501, "unknown-method", "This method is not known here.")                     \
    X(POOL_EXHAUSTED, 503, "pool-exhausted", "No backend connection became free in time.")         \
    X(UNAVAILABLE, 503, "destination-unavailable", "The destination could not confirm in time.")   \
    X(OVERLOADED, 503, "overloaded", "Too much is waiting already.")                               \
    X(SHUTTING_DOWN, 503, "shutting-down", "The service is shutting down.")

enum answer_problem {
#define ANSWER_ENUM(name, status, code, title) ANSWER_##name,
    ANSWER_PROBLEMS(ANSWER_ENUM)
#undef ANSWER_ENUM
        ANSWER_PROBLEMS_COUNT
};

/* Zero-initialise, then fill through the functions below. */
struct answer {
    unsigned status;
    const char *content_type; /* static */
    const char *allow;        /* static; an Allow header, or NULL */
    const char *authenticate; /* good until it is sent; a WWW-Authenticate header, or NULL */
    const char
        *accept_encoding; /* static; an Accept-Encoding header (RFC 9110, 15.5.16), or NULL */
    unsigned retry_after; /* seconds; 0: no header */
    bool nosniff;         /* X-Content-Type-Options */
    bool close;           /* close the client's connection after it */
    char *body;           /* owned; freed by answer_fini */
    size_t body_len;
};

/* A problem; id (a webhook's, may be NULL) is quoted in it. 503 gets Retry-After, 401 a challenge.
 */
void answer_problem(struct answer *answer, enum answer_problem problem, const char *id);

/* 422 rejected; field (may be NULL) is the one at fault, without anything JSON would escape. */
void answer_rejected(struct answer *answer, const char *id, const char *field);

/* 200 {"id":"...","status":"stored"}, and "receivers" if that is not negative. */
void answer_stored(struct answer *answer, const char *id, int64_t receivers);

/* 200 {"status":"filtered"}: nothing was to be stored. */
void answer_filtered(struct answer *answer);

/* Any status with a body of its own; takes body, which was malloc'd. */
void answer_body(struct answer *answer, unsigned status, const char *content_type, char *body,
                 size_t len);

/* "pool-exhausted", for metrics. */
const char *answer_problem_code(enum answer_problem problem);

void answer_fini(struct answer *answer);

#endif
