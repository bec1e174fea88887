/* SPDX-License-Identifier: MIT */
/* What a daemon was started with and cannot change while it runs: four keys of server.json. */
#ifndef GATEWAY_FIXED_H
#define GATEWAY_FIXED_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"

struct fixed {
    char *listen, *admin_listen;
    bool listen_given; /* by the command line: server.json is not asked for it */
    unsigned loops;
    int64_t migration_timeout;
};

/* Remember them. Zero-initialise before; 0 or WEIR_ENOMEM. */
int fixed_init(struct fixed *fixed, const struct config_server *server, bool listen_given);
void fixed_fini(struct fixed *fixed);

/* The keys that differ now, as an array of strings; each is logged as well. */
json_t *fixed_differences(const struct fixed *fixed, const struct config_server *server);

#endif
