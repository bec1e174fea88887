/* SPDX-License-Identifier: MIT */
/*
 * Reloading: a thread that reads the configuration anew when it is told to (SIGHUP, the admin API)
 * or when the files change, and applies all of it or nothing. Everything that can fail happens
 * before the change is committed.
 */
#ifndef GATEWAY_RELOAD_H
#define GATEWAY_RELOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "answer.h"
#include "mailbox.h"

#define RELOAD_ASKED_MAX 64 /* requests that wait for their turn */
#define RELOAD_ERROR_MAX 256

struct config;
struct gateway;
struct reload;
struct watch;

/* What came of a reload; posted back to whoever asked, which frees text. */
struct reload_reply {
    struct mail mail;
    struct mailbox *mailbox;
    void *context;
    uint64_t request_id;
    bool strict;
    unsigned status;             /* of HTTP: 200, 422, 503 */
    enum answer_problem refused; /* of 503: why nothing was tried */
    char *text;                  /* JSON of the others; malloc'd, NULL without memory */
    size_t len;
};

struct reload_last {
    bool ok;
    int64_t at;                   /* microseconds since 1970; 0: none yet */
    char error[RELOAD_ERROR_MAX]; /* the first problem; "" if it went well */
};

/*
 * Apply the first configuration to the gateway's registry (drivers added already); takes a
 * reference to config. directory is NULL for the embedded default, which does not change; else
 * *watch, which becomes NULL, was opened before the directory was read, so that no change is lost.
 * With listen_given the address to listen on did not come from the files, which are not asked for
 * it.
 */
int reload_new(struct reload **out, struct gateway *gateway, struct config *config,
               const char *directory, struct watch **watch, bool listen_given);

/* Start the thread, once the loops run. 0 or WEIR_ENOMEM. */
int reload_start(struct reload *reload);

/* Any thread. With a reply (taken until it is posted) the outcome is told. */
void reload_ask(struct reload *reload, struct reload_reply *reply);

/* How the last one went. Any thread. */
void reload_look(struct reload *reload, struct reload_last *last);

/* A reference to the newest configuration; NULL before there is one. */
struct config *reload_config(struct reload *reload);

/* For weir_registry_options.prove: every sink of the newest configuration prepares its target. */
struct weir_driver;
struct weir_error;
int reload_prove(void *reload_at, const char *name, const struct weir_driver *driver, void *conn,
                 int64_t deadline, struct weir_error *error);

/*
 * End the thread; what was asked and not done is answered as shutting down. False if the thread
 * has not ended by the deadline, because a file system or a resolver keeps it: nothing it uses may
 * be freed then.
 */
bool reload_stop(struct reload *reload, int64_t deadline);
void reload_free(struct reload **reload);

#endif
