/* SPDX-License-Identifier: MIT */
/* A small HTTP client for the admin API of a running daemon. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <jansson.h>
#include <stddef.h>

#include "verbs.h"

#define CLIENT_ANSWER_MAX (64u << 20) /* bytes */

struct client_answer {
    unsigned status;
    char *body; /* NUL-terminated, malloc'd */
};

/*
 * Ask the daemon that the options mean: --admin and --token, else those of the configuration
 * directory, else 127.0.0.1:8000 and WEIR_ADMIN_TOKEN. False: the reason was printed.
 */
bool client_ask(const struct options *options, const char *method, const char *path,
                const char *body, struct client_answer *answer);

/* The answer's body as it is, or through print if that is not wanted; the answer is freed. */
int client_show(const struct options *options, struct client_answer *answer,
                void (*print)(const json_t *root));

/* For the usage of each verb that asks a daemon. */
#define CLIENT_USAGE                                                                  \
    "  --config DIR     where to find the daemon's address and token (server.json)\n" \
    "  --admin ADDRESS  host:port or unix:/path, instead\n"                           \
    "  --token TOKEN    instead of the configured one or $WEIR_ADMIN_TOKEN\n"         \
    "  --json           the daemon's own answer\n"

#endif
