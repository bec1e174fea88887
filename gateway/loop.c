/* SPDX-License-Identifier: MIT */
/*
 * Owns: one event loop and its thread, and how other threads have it do things.
 * Never does: touch another loop's door or intake.
 * Lock: none of its own; everything from outside comes by the mailbox.
 */
#include "loop.h"

#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "descriptors.h"
#include "log.h"

#define TICK_IDLE_MS  500 /* while nothing is queued */
#define LEAVING_MS    20
#define ADOPT_LOOK_MS 1

/* Not twice at a time: mail belongs to one list. */
static void ask_once(struct loop *loop, struct loop_errand *errand)
{
    if (!atomic_exchange(&errand->busy, true))
        mailbox_post(loop->mailbox, &errand->mail);
}

/* ---- The dispatch's ticks -------------------------------------------------------------------- */

static void tick_in(struct loop *loop, int64_t span)
{
    struct timeval interval = {.tv_sec = span / CLOCK_SECOND,
                               .tv_usec = span % CLOCK_SECOND / 1000};

    event_add(loop->tick, &interval);
}

/* At rest it ticks slowly. Whoever posts after the flag was cleared asks for more. */
static void on_tick(evutil_socket_t fd, short what, void *context)
{
    struct loop *loop = context;
    struct dispatch *dispatch = loop->gateway->dispatch;

    (void)fd, (void)what;
    dispatch_tick(dispatch, clock_now());
    atomic_store(&loop->ticking, false);
    bool busy = !dispatch_idle(dispatch);
    if (busy)
        atomic_store(&loop->ticking, true);
    tick_in(loop, busy ? DISPATCH_TICK : TICK_IDLE_MS * CLOCK_MS);
}

static void do_hurry(struct mail *mail)
{
    struct loop_errand *errand = list_entry(mail, struct loop_errand, mail);

    atomic_store(&errand->busy, false);
    tick_in(errand->loop, DISPATCH_TICK);
}

void loop_hurry(struct loop *loop)
{
    struct loop *first = loop->gateway->loops[0];

    if (!atomic_load(&first->ticking) && !atomic_exchange(&first->ticking, true))
        ask_once(first, &first->hurry);
}

/* ---- Errands --------------------------------------------------------------------------------- */

static struct door_limits limits_of(const struct config *config)
{
    const struct config_server *server = &config->server;

    return (struct door_limits){.proxies = &server->trusted_proxies,
                                .proxy_protocol = server->proxy_protocol,
                                .tls = server->tls,
                                .body_max = server->body_max,
                                .head_max = server->head_max,
                                .headers_max = server->headers_max,
                                .connections_max = descriptors_for_clients(config),
                                .per_address_max = server->per_address_max,
                                .bytes_per_address_max = server->bytes_per_address_max,
                                .body_rate = server->body_rate,
                                .head_timeout = server->head_timeout,
                                .body_timeout = server->body_timeout,
                                .idle_timeout = server->idle_timeout};
}

static void do_adopt(struct mail *mail)
{
    struct loop_errand *errand = list_entry(mail, struct loop_errand, mail);
    struct loop *loop = errand->loop;
    struct config *old = loop->config;
    struct door_limits limits = limits_of(loop->next);

    loop->config = loop->next;
    loop->next = NULL;
    door_set_limits(loop->door, &limits);
    config_unref(&old);
    atomic_store(&errand->busy, false);
}

void loop_show_certificate(struct gateway *gateway, const struct config *config)
{
    const struct tls *tls = config->server.tls;
    char text[32] = "";
    struct tm time;

    atomic_store(&gateway->metrics.certificate_expires, tls == NULL ? 0 : tls->expires_at);
    if (tls == NULL)
        return;
    time_t at = (time_t)tls->expires_at;
    if (gmtime_r(&at, &time) != NULL)
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &time); /* no names: no locale */
    bool expired = tls->expires_at * 1000000 <= clock_wall_us();
    log_event(expired ? LOG_WARNING : LOG_INFO, expired ? "certificate-expired" : "certificate",
              "expires", text, NULL);
}

/* The errands are part of the loops: nothing here needs memory. */
void loop_publish(struct gateway *gateway, struct config *config)
{
    struct pollfd none = {.fd = -1};

    for (unsigned i = 0; i < gateway->loops_count; i++) {
        struct loop *loop = gateway->loops[i];
        loop->next = config_ref(config);
        atomic_store(&loop->adopt.busy, true);
        mailbox_post(loop->mailbox, &loop->adopt.mail);
    }
    for (unsigned i = 0; i < gateway->loops_count; i++)
        while (atomic_load(&gateway->loops[i]->adopt.busy))
            poll(&none, 0, ADOPT_LOOK_MS);
}

static void on_leaving(evutil_socket_t fd, short what, void *context)
{
    struct loop *loop = context;

    (void)fd, (void)what;
    if (door_empty(loop->door))
        atomic_store(&loop->empty, true);
}

static void do_stop(struct mail *mail)
{
    static const struct timeval interval = {.tv_usec = LEAVING_MS * 1000};
    struct loop *loop = list_entry(mail, struct loop_errand, mail)->loop;

    door_stop(loop->door);
    event_add(loop->leaving, &interval);
}

static void do_expire(struct mail *mail)
{
    struct loop *loop = list_entry(mail, struct loop_errand, mail)->loop;

    intake_expire(&loop->intake, CLOCK_NEVER);
}

static void do_quit(struct mail *mail)
{
    event_base_loopbreak(list_entry(mail, struct loop_errand, mail)->loop->base);
}

void loop_stop(struct loop *loop)
{
    ask_once(loop, &loop->stop);
}

void loop_expire(struct loop *loop)
{
    ask_once(loop, &loop->expire);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void errand_init(struct loop *loop, struct loop_errand *errand,
                        void (*open)(struct mail *mail))
{
    list_init(&errand->mail.link);
    errand->mail.open = open;
    errand->loop = loop;
}

static int make_parts(struct loop *loop)
{
    struct door_limits limits = limits_of(loop->config);

    loop->base = event_base_new();
    if (loop->base == NULL || event_base_priority_init(loop->base, DOOR_PRIORITIES) != 0 ||
        mailbox_new(&loop->mailbox, loop->base) != 0 || intake_init(&loop->intake, loop) != 0)
        return WEIR_ENOMEM;
    loop->tick = event_new(loop->base, -1, 0, on_tick, loop);
    loop->leaving = event_new(loop->base, -1, EV_PERSIST, on_leaving, loop);
    if (loop->tick == NULL || loop->leaving == NULL)
        return WEIR_ENOMEM;
    if (loop->number == 0)
        tick_in(loop, TICK_IDLE_MS * CLOCK_MS);
    return door_new(&loop->door, loop->base, &limits, &loop->gateway->budget, &intake_handler,
                    &loop->intake) == 0
               ? 0
               : WEIR_ENOMEM;
}

int loop_new(struct loop **out, struct gateway *gateway, unsigned number, struct config *config)
{
    struct loop *loop = calloc(1, sizeof(*loop));

    *out = NULL;
    if (loop == NULL)
        return WEIR_ENOMEM;
    loop->gateway = gateway;
    loop->number = number;
    loop->config = config_ref(config);
    errand_init(loop, &loop->hurry, do_hurry);
    errand_init(loop, &loop->adopt, do_adopt);
    errand_init(loop, &loop->stop, do_stop);
    errand_init(loop, &loop->expire, do_expire);
    errand_init(loop, &loop->quit, do_quit);
    if (make_parts(loop) != 0) {
        loop_free(&loop);
        return WEIR_ENOMEM;
    }
    *out = loop;
    return 0;
}

static void *run(void *argument)
{
    struct loop *loop = argument;

    event_base_dispatch(loop->base);
    return NULL;
}

int loop_start(struct loop *loop)
{
    loop->started = pthread_create(&loop->thread, NULL, run, loop) == 0;
    return loop->started ? 0 : WEIR_ENOMEM;
}

void loop_join(struct loop *loop)
{
    if (!loop->started)
        return;
    ask_once(loop, &loop->quit);
    pthread_join(loop->thread, NULL);
    loop->started = false;
}

void loop_free(struct loop **at)
{
    struct loop *loop = *at;

    *at = NULL;
    if (loop == NULL)
        return;
    if (loop->mailbox != NULL)
        mailbox_free(&loop->mailbox); /* opens what is left, so the door must still be there */
    door_free(&loop->door);
    intake_fini(&loop->intake);
    if (loop->tick != NULL)
        event_free(loop->tick);
    if (loop->leaving != NULL)
        event_free(loop->leaving);
    if (loop->base != NULL)
        event_base_free(loop->base);
    config_unref(&loop->config);
    free(loop);
}
