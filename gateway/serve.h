/* SPDX-License-Identifier: MIT */
/* The whole daemon, from its configuration to its exit status. */
#ifndef GATEWAY_SERVE_H
#define GATEWAY_SERVE_H

#include <stdbool.h>

struct serve_options {
    const char *directory; /* NULL: the embedded default */
    const char *database;  /* of the embedded default */
    const char *listen;    /* NULL: as configured */
};

/*
 * Keep SIGTERM, SIGINT and SIGHUP for serve_run from now on; the first thing to do, so that one
 * that comes early is not the end of the process.
 */
void serve_keep_signals(void);

/*
 * Run until SIGTERM or SIGINT. 0: everything accepted was answered and closed in time; 1: it could
 * not start (said on standard error). `ready` is called once it listens; port is the real one.
 */
int serve_run(const struct serve_options *options,
              void (*ready)(const struct serve_options *options, const char *address));

#endif
