/* SPDX-License-Identifier: MIT */
/*
 * Challenges: requests by which a provider asks whether somebody is at home. They are answered, and
 * never stored.
 */
#ifndef GUARD_CHALLENGE_H
#define GUARD_CHALLENGE_H

#include <stdbool.h>

#include "guard.h"
#include "request.h"
#include "secret.h"

#define CHALLENGE_TEXT_MAX 4096 /* bytes of what is echoed */

#define CHALLENGE_TOKEN_MAX 1024 /* bytes of Meta's token with its NUL */

enum challenge_kind {
    CHALLENGE_NONE,
    CHALLENGE_SLACK,   /* url_verification, in a signed body */
    CHALLENGE_ZOOM,    /* endpoint.url_validation, in a signed body; the answer is signed, too */
    CHALLENGE_DISCORD, /* PING of interactions, or of webhook events, in a signed body */
    CHALLENGE_META,    /* GET with hub.challenge, and a token that both know */
    CHALLENGE_GRAPH    /* POST with validationToken */
};

/* Zero-initialise it: none. */
struct challenge {
    enum challenge_kind kind;
    struct secrets secrets; /* Meta's */
};

/* By its name in a configuration ("microsoft-graph"); NONE if there is none. */
enum challenge_kind challenge_of(const char *name);

void challenge_fini(struct challenge *challenge);

/* Does the provider ask by GET? */
bool challenge_takes_get(const struct challenge *challenge);

/* Is it asked by the query, without a signature? */
bool challenge_in_query(const struct challenge *challenge, const struct guard_request *request);

/* What is to be echoed, in text. 0; WEIR_EDENIED: the token is not ours; WEIR_EINVAL: no good. */
int challenge_echo(const struct challenge *challenge, const struct guard_request *request,
                   char text[CHALLENGE_TEXT_MAX]);

/*
 * Of a request that was verified by the guard: is it a challenge? Then text is its answer, empty if
 * nothing is to be said (204), and *type that one's media type. Zoom's answer is signed by the
 * secret that the request was.
 */
bool challenge_reply(const struct challenge *challenge, const struct guard *guard,
                     const struct guard_request *request, char text[CHALLENGE_TEXT_MAX],
                     const char **type);

#endif
