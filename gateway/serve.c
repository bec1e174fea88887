/* SPDX-License-Identifier: MIT */
/*
 * Owns: starting everything in order, waiting for signals, and ending everything in order.
 * Never does: serve a request itself. Lock: none; the main thread, signals blocked elsewhere.
 */
#include "serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "config.h"
#include "crowd.h"
#include "descriptors.h"
#include "events.h"
#include "gateway.h"
#include "loop.h"
#include "parse.h"
#include "rate.h"
#include "reload.h"
#include "repeats.h"
#include "report.h"
#include "watch.h"

#define LOOK         (20 * CLOCK_MS)    /* how often the end is looked for */
#define HURRY        (1 * CLOCK_SECOND) /* of a second SIGTERM */
#define CLOSING_MAX  (5 * CLOCK_SECOND) /* of the grace period kept for closing backends */
#define LOG_PATIENCE (1 * CLOCK_SECOND) /* for a log reader that stands still at the end */
#define ADDRESS_TEXT 300

struct daemon {
    struct gateway gateway;
    struct config *config; /* the first, until it serves */
    struct watch *watch;   /* of its files, since before they were read, until reload has it */
    struct weir_keeper *keeper;
    sigset_t signals;
    char address[ADDRESS_TEXT]; /* really bound */
    int64_t deadline;           /* of the shutdown */
};

/* ---- Starting -------------------------------------------------------------------------------- */

static int fail(const char *what, const char *why)
{
    log_event(LOG_ERROR, "start-failed", "what", what, "detail", why, NULL);
    return 1;
}

static sigset_t our_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    return signals;
}

/* Every thread inherits the mask; the main thread takes signals one by one. */
void serve_keep_signals(void)
{
    sigset_t signals = our_signals();

    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN); /* a client that has gone */
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error to be answered, not an end */
}

static int load(struct daemon *daemon, const struct serve_options *options)
{
    struct problems problems;

    problems_init(&problems);
    if (options->directory != NULL)
        watch_open(&daemon->watch, options->directory); /* without memory, reload tries again */
    int status = options->directory != NULL
                     ? config_load(options->directory, &daemon->config, &problems)
                     : config_embedded(options->database, &daemon->config, &problems);
    report_log(&problems, "config-invalid");
    problems_fini(&problems);
    if (status != 0)
        return 1;
    if (options->listen != NULL) {
        free(daemon->config->server.listen);
        daemon->config->server.listen = strdup(options->listen);
        if (daemon->config->server.listen == NULL)
            return fail("configuration", "out of memory");
    }
    log_configure(daemon->config->server.log_format, daemon->config->server.log_level);
    return 0;
}

static int make_registry(struct daemon *daemon, const struct serve_options *options)
{
    struct gateway *gateway = &daemon->gateway;
    struct weir_registry_options registry = {.migration_timeout =
                                                 daemon->config->server.migration_timeout,
                                             .prove = reload_prove,
                                             .prove_context = &gateway->reload,
                                             .observe = events_log};
    struct weir_error error = {.detail = ""};

    if (weir_registry_new(&gateway->registry, &registry, &error) != 0)
        return fail("registry", error.detail);
    gateway->rates = rates_new();
    gateway->budget.crowd = crowd_new();
    if (gateway->rates == NULL || gateway->budget.crowd == NULL)
        return fail("limits", "out of memory");
    if (dispatch_new(&gateway->dispatch, gateway->registry) != 0 ||
        repeats_new(&gateway->repeats) != 0 ||
        reload_new(&gateway->reload, gateway, daemon->config, options->directory, &daemon->watch,
                   options->listen != NULL) != 0)
        return fail("configuration", "it could not be applied");
    if (weir_keeper_start(&daemon->keeper, gateway->registry, 0, &error) != 0)
        return fail("keeper", error.detail);
    return 0;
}

/* The port that was really bound, for whoever asked for port 0. */
static void note_address(struct daemon *daemon, const char *address, unsigned port)
{
    const char *colon = strrchr(address, ':');

    if (strncmp(address, "unix:", 5) == 0 || colon == NULL)
        snprintf(daemon->address, sizeof(daemon->address), "%s", address);
    else
        snprintf(daemon->address, sizeof(daemon->address), "%.*s:%u", (int)(colon - address),
                 address, port);
}

static int listen_on(struct daemon *daemon, struct loop *loop, const char *address, bool admin,
                     bool share)
{
    char message[400];
    unsigned port = 0;

    if (door_listen(loop->door, address, admin, share, message, sizeof(message), &port) != 0)
        return fail("listen", message);
    note_address(daemon, address, port);
    log_event(LOG_INFO, "listening", "address", daemon->address, "side", admin ? "admin" : NULL,
              NULL);
    return 0;
}

/* The other loops beside the first, at the address it got. */
static int share_address(struct daemon *daemon)
{
    struct gateway *gateway = &daemon->gateway;
    char message[400];

    for (unsigned i = 1; i < gateway->loops_count; i++)
        if (door_listen(gateway->loops[i]->door, daemon->address, false, true, message,
                        sizeof(message), NULL) != 0)
            return fail("listen", message);
    return 0;
}

/*
 * Doors that share a port would share it with another daemon's, too, and each get some of the
 * webhooks: see first whether the port is free for one that does not share.
 */
static int refuse_taken(struct daemon *daemon)
{
    struct gateway *gateway = &daemon->gateway;
    struct loop *loop = gateway->loops[0];
    const struct door_limits limits = {.body_max = 0};
    char message[400] = "out of memory";
    struct door *door;

    if (door_new(&door, loop->base, &limits, &gateway->budget, &intake_handler, &loop->intake) != 0)
        return fail("listen", message);
    int status = door_listen(door, daemon->config->server.listen, false, false, message,
                             sizeof(message), NULL);
    door_free(&door);
    return status == 0 ? 0 : fail("listen", message);
}

/*
 * The first loop binds, the others share the port it got. An admin side or a Unix socket of its
 * own has one listener.
 */
static int listen_all(struct daemon *daemon)
{
    struct gateway *gateway = &daemon->gateway;
    const struct config_server *server = &daemon->config->server;
    bool local = strncmp(server->listen, "unix:", 5) == 0;
    bool share = gateway->loops_count > 1 && !local;

    if (gateway->split && listen_on(daemon, gateway->loops[0], server->admin_listen, true, false))
        return 1;
    if (share && refuse_taken(daemon) != 0)
        return 1;
    if (listen_on(daemon, gateway->loops[0], server->listen, false, share))
        return 1;
    return share ? share_address(daemon) : 0;
}

static int make_loops(struct daemon *daemon)
{
    struct gateway *gateway = &daemon->gateway;

    gateway->split = daemon->config->server.admin_listen != NULL;
    atomic_store(&gateway->budget.max, daemon->config->server.inflight_max);
    for (unsigned i = 0; i < daemon->config->server.loops; i++) {
        if (loop_new(&gateway->loops[i], gateway, i, daemon->config) != 0)
            return fail("loop", "out of memory");
        gateway->loops_count++;
    }
    if (listen_all(daemon) != 0)
        return 1;
    for (unsigned i = 0; i < gateway->loops_count; i++)
        if (loop_start(gateway->loops[i]) != 0)
            return fail("loop", "no thread could be had");
    return reload_start(gateway->reload) == 0 ? 0 : fail("reload", "no thread could be had");
}

/* ---- Running --------------------------------------------------------------------------------- */

/* The next signal, or 0 after a while. */
static int next_signal(const struct daemon *daemon, int64_t span)
{
    struct timespec patience = clock_timespec(span);
    int signal = span == CLOCK_NEVER ? sigwaitinfo(&daemon->signals, NULL)
                                     : sigtimedwait(&daemon->signals, NULL, &patience);

    return signal < 0 ? 0 : signal;
}

static void run(struct daemon *daemon)
{
    for (;;) {
        int signal = next_signal(daemon, CLOCK_NEVER);
        if (signal == SIGHUP)
            reload_ask(daemon->gateway.reload, NULL);
        else if (signal != 0)
            return;
    }
}

/* ---- Ending ---------------------------------------------------------------------------------- */

static void bring_forward(struct daemon *daemon, int64_t deadline)
{
    daemon->deadline = clock_min(daemon->deadline, deadline);
}

/* Look at signals for a moment: a second one hurries. */
static void linger(struct daemon *daemon)
{
    int signal = next_signal(daemon, LOOK);

    if (signal == SIGTERM || signal == SIGINT) {
        log_event(LOG_WARNING, "shutdown-hurried", NULL);
        bring_forward(daemon, clock_add(clock_now(), HURRY));
    }
}

static bool all_left(const struct gateway *gateway)
{
    for (unsigned i = 0; i < gateway->loops_count; i++)
        if (!atomic_load(&gateway->loops[i]->empty))
            return false;
    return true;
}

/* Some of the time that is left is for closing the backends. */
static int64_t work_deadline(const struct daemon *daemon)
{
    int64_t left = daemon->deadline - clock_now();
    int64_t closing = clock_min(left / 4, CLOSING_MAX);

    return daemon->deadline - (closing > 0 ? closing : 0);
}

/* Finish what was accepted; past the deadline, answer what is left without claiming success. */
static void finish_requests(struct daemon *daemon)
{
    struct gateway *gateway = &daemon->gateway;
    int64_t until = work_deadline(daemon);

    for (unsigned i = 0; i < gateway->loops_count; i++)
        loop_stop(gateway->loops[i]);
    dispatch_stop(gateway->dispatch, until);
    while (clock_now() < until && !(dispatch_idle(gateway->dispatch) && all_left(gateway))) {
        int64_t before = daemon->deadline;
        linger(daemon);
        if (daemon->deadline != before) {
            until = work_deadline(daemon);
            dispatch_stop(gateway->dispatch, until);
        }
    }
    dispatch_tick(gateway->dispatch, clock_now());
    for (unsigned i = 0; i < gateway->loops_count; i++)
        loop_expire(gateway->loops[i]);
}

/* Idle backend connections close at once, leased ones are interrupted. */
static bool close_backends(struct daemon *daemon)
{
    struct gateway *gateway = &daemon->gateway;

    weir_registry_close(gateway->registry, clock_now());
    while (clock_now() < daemon->deadline &&
           !(weir_registry_drained(gateway->registry) && dispatch_idle(gateway->dispatch)))
        linger(daemon);
    return weir_keeper_drain(daemon->keeper, clock_add(clock_now(), LOOK)) == 0 &&
           dispatch_idle(gateway->dispatch);
}

static void free_all(struct daemon *daemon)
{
    struct gateway *gateway = &daemon->gateway;

    dispatch_quit(gateway->dispatch);
    for (unsigned i = 0; i < gateway->loops_count; i++)
        loop_join(gateway->loops[i]);
    for (unsigned i = 0; i < gateway->loops_count; i++)
        loop_free(&gateway->loops[i]);
    dispatch_free(&gateway->dispatch); /* the loops' ticks have ended */
    rates_free(&gateway->rates);
    crowd_free(&gateway->budget.crowd);
    repeats_free(&gateway->repeats);
    reload_free(&gateway->reload);
    config_unref(&daemon->config);
    watch_close(&daemon->watch);
    weir_keeper_stop(&daemon->keeper);
    weir_registry_free(&gateway->registry);
}

/* A backend or a file system that does not let go must not keep the process. */
static void leave(const char *detail)
{
    log_event(LOG_WARNING, "shutdown-forced", "detail", detail, NULL);
    log_stop(clock_add(clock_now(), LOG_PATIENCE));
    _exit(0); /* its threads end with it */
}

static void end_reload(struct daemon *daemon)
{
    while (!reload_stop(daemon->gateway.reload, clock_add(clock_now(), LOOK))) {
        if (clock_now() >= daemon->deadline)
            leave("a reload did not end in time");
        linger(daemon);
    }
}

static void end(struct daemon *daemon)
{
    struct gateway *gateway = &daemon->gateway;
    struct config *config = reload_config(gateway->reload);

    atomic_store(&gateway->stopping, true);
    daemon->deadline = clock_add(clock_now(), config->server.shutdown_timeout);
    config_unref(&config);
    log_event(LOG_INFO, "shutting-down", NULL);
    finish_requests(daemon);
    end_reload(daemon);
    if (!close_backends(daemon))
        leave("a backend did not let go in time");
    free_all(daemon);
    log_event(LOG_INFO, "stopped", NULL);
}

/* What was made before something failed; nothing was accepted yet. */
static void undo(struct daemon *daemon)
{
    struct gateway *gateway = &daemon->gateway;

    if (gateway->reload != NULL)
        reload_stop(gateway->reload, CLOCK_NEVER); /* it was not started */
    if (gateway->registry != NULL) {
        weir_registry_close(gateway->registry, clock_now());
        if (daemon->keeper != NULL)
            weir_keeper_drain(daemon->keeper, clock_add(clock_now(), CLOCK_SECOND));
    }
    free_all(daemon);
}

int serve_run(const struct serve_options *options,
              void (*ready)(const struct serve_options *options, const char *address))
{
    struct daemon *daemon = calloc(1, sizeof(*daemon));

    if (daemon == NULL)
        return fail("daemon", "out of memory");
    serve_keep_signals();
    daemon->signals = our_signals();
    if (!log_start())
        fail("log", "no thread could be had: a reader that stands still will hold up weir");
    descriptors_raise();
    parse_start();
    daemon->gateway.started_at = clock_now();
    int status = load(daemon, options) != 0 || make_registry(daemon, options) != 0 ||
                 make_loops(daemon) != 0;
    if (status != 0) {
        undo(daemon);
    } else {
        descriptors_complain(daemon->config);
        loop_show_certificate(&daemon->gateway, daemon->config);
        log_event(LOG_INFO, "ready", "version", WEIR_VERSION, NULL);
        ready(options, daemon->address);
        config_unref(&daemon->config); /* the loops and reload hold it while it is the newest */
        run(daemon);
        end(daemon);
    }
    free(daemon);
    log_stop(clock_add(clock_now(), LOG_PATIENCE));
    return status;
}
