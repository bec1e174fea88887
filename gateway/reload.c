/* SPDX-License-Identifier: MIT */
/*
 * Owns: the newest configuration, and the thread that replaces it: read, check, commit, publish,
 * wait for the first probes, tell.
 * Never does: apply a part, or take a vanished file for a change.
 * Lock: a mutex over the newest configuration, what was asked, and how the last reload went.
 */
#include "reload.h"

#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "apply.h"
#include "clock.h"
#include "cond.h"
#include "config.h"
#include "descriptors.h"
#include "fixed.h"
#include "gateway.h"
#include "loop.h"
#include "report.h"
#include "watch.h"

#define PROBE_LOOK (15 * CLOCK_MS) /* how often the outcome of probes is looked for */

struct reload {
    struct gateway *gateway;
    char *directory; /* NULL: the embedded default */
    int wake;        /* eventfd */
    struct watch *watch;
    pthread_t thread;
    bool started;
    uint64_t generation;
    struct fixed fixed;

    pthread_mutex_t mutex;
    pthread_cond_t ended_now;
    bool ended;            /* the thread is about to return */
    struct config *newest; /* a reference; what probes prove */
    struct list asked;     /* struct reload_reply */
    size_t asked_count;
    bool hang_up; /* asked for without a reply */
    bool stopping;
    struct reload_last last;
};

/* ---- Proving --------------------------------------------------------------------------------- */

struct config *reload_config(struct reload *reload)
{
    pthread_mutex_lock(&reload->mutex);
    struct config *config = reload->newest == NULL ? NULL : config_ref(reload->newest);
    pthread_mutex_unlock(&reload->mutex);
    return config;
}

static void set_newest(struct reload *reload, struct config *config)
{
    struct config *mine = config == NULL ? NULL : config_ref(config);

    pthread_mutex_lock(&reload->mutex);
    struct config *old = reload->newest;
    reload->newest = mine;
    pthread_mutex_unlock(&reload->mutex);
    config_unref(&old);
}

static int prove_webhook(const struct config_webhook *webhook, const char *name,
                         const struct weir_driver *driver, void *conn, int64_t deadline,
                         struct weir_error *error)
{
    int status = 0;

    for (size_t i = 0; status == 0 && i < webhook->modules_count; i++) {
        const struct config_module *module = &webhook->modules[i];
        if (module->sink->driver == driver && strcmp(module->connection->name, name) == 0)
            status = module->sink->prepare(module->target, conn, deadline, error);
    }
    return status;
}

int reload_prove(void *reload_at, const char *name, const struct weir_driver *driver, void *conn,
                 int64_t deadline, struct weir_error *error)
{
    struct reload *reload = *(struct reload **)reload_at;
    struct config *config = reload == NULL ? NULL : reload_config(reload);
    int status = 0;

    for (size_t i = 0; config != NULL && status == 0 && i < config->webhooks_count; i++)
        status = prove_webhook(&config->webhooks[i], name, driver, conn, deadline, error);
    config_unref(&config);
    return status;
}

/* ---- Applying -------------------------------------------------------------------------------- */

static int problem_of(struct problems *problems, int status, const struct weir_error *error)
{
    problems_add(problems, NULL, 0, NULL, NULL, "%s", error->detail);
    return status;
}

/*
 * Commit it to the registry; config becomes the newest. Probes may begin before commit returns,
 * so it is the newest a moment earlier. Without memory for the pin the configuration serves
 * without one: only a later removal would then not wait for its requests.
 */
static int apply(struct reload *reload, struct config *config, struct config *old,
                 struct effects *effects, struct problems *problems)
{
    struct weir_registry *registry = reload->gateway->registry;
    struct weir_error error = {.status = 0};
    struct weir_change *change;
    int status = apply_drivers(registry, &error);

    if (status == 0)
        status = weir_change_begin(registry, &change, &error);
    if (status != 0)
        return problem_of(problems, status, &error);
    status = apply_fill(change, config, old, effects, problems);
    if (status != 0) {
        weir_change_abort(&change);
        return status;
    }
    set_newest(reload, config);
    status = weir_change_commit(&change, &error);
    if (status != 0) {
        set_newest(reload, old);
        return problem_of(problems, status, &error);
    }
    if (config->pin == NULL && weir_pin_new(registry, &config->pin, NULL) != 0)
        log_event(LOG_WARNING, "pin-failed", NULL);
    return 0;
}

/* ---- Waiting for probes ---------------------------------------------------------------------- */

static bool is_stopping(struct reload *reload)
{
    pthread_mutex_lock(&reload->mutex);
    bool stopping = reload->stopping;
    pthread_mutex_unlock(&reload->mutex);
    return stopping;
}

/* At most as long as the longest connect_timeout of those that are being proven. */
static void await_probes(struct reload *reload, const struct config *config,
                         struct effects *effects)
{
    int64_t deadline = clock_add(clock_now(), effects_patience(effects, config));
    struct pollfd none = {.fd = -1};

    while (!effects_look(effects, reload->gateway->registry) && clock_now() < deadline &&
           !is_stopping(reload))
        poll(&none, 0, (int)(PROBE_LOOK / CLOCK_MS));
}

/* ---- Telling --------------------------------------------------------------------------------- */

static void note_last(struct reload *reload, bool ok, const char *error)
{
    struct metrics *metrics = &reload->gateway->metrics;

    atomic_fetch_add(ok ? &metrics->reloads_ok : &metrics->reloads_rejected, 1);
    pthread_mutex_lock(&reload->mutex);
    reload->last.ok = ok;
    reload->last.at = clock_wall_us();
    snprintf(reload->last.error, sizeof(reload->last.error), "%s", error);
    pthread_mutex_unlock(&reload->mutex);
}

static void post(struct reload_reply *reply, unsigned status, json_t *root)
{
    if (reply != NULL) {
        reply->status = status;
        reply->text = root == NULL ? NULL : json_dumps(root, JSON_INDENT(1));
        reply->len = reply->text == NULL ? 0 : strlen(reply->text);
        mailbox_post(reply->mailbox, &reply->mail);
    }
    json_decref(root);
}

static void reject(struct reload *reload, struct reload_reply *reply,
                   const struct problems *problems)
{
    char first[RELOAD_ERROR_MAX];

    report_log(problems, "reload-rejected");
    report_line(&problems->items[0], first, sizeof(first));
    note_last(reload, false, first);
    post(reply, 422,
         json_pack("{s:s,s:s,s:i,s:o}", "type", "urn:weir:error:config-rejected", "title",
                   "The configuration is not valid; nothing changed.", "status", 422, "errors",
                   report_json(problems)));
}

static void accept_it(struct reload *reload, struct reload_reply *reply,
                      const struct config *config, const struct effects *effects)
{
    char generation[24];

    snprintf(generation, sizeof(generation), "%llu", (unsigned long long)config->generation);
    log_event(LOG_INFO, "reloaded", "generation", generation, NULL);
    note_last(reload, true, "");
    post(reply, 200,
         json_pack("{s:I,s:o,s:o}", "generation", (json_int_t)config->generation, "connections",
                   effects_json(effects), "restart_required",
                   fixed_differences(&reload->fixed, &config->server)));
}

/* ---- One reload ------------------------------------------------------------------------------ */

static void watch_or_not(struct reload *reload, bool wanted)
{
    if (!wanted)
        watch_close(&reload->watch);
    else if (reload->watch == NULL && watch_open(&reload->watch, reload->directory) != 0)
        log_event(LOG_WARNING, "watch-failed", "directory", reload->directory, NULL);
}

static void publish(struct reload *reload, struct config *config)
{
    config->generation = ++reload->generation;
    config->loaded_at = clock_wall_us();
    log_configure(config->server.log_format, config->server.log_level);
    atomic_store(&reload->gateway->budget.max, config->server.inflight_max);
    watch_or_not(reload, config->server.watch);
    loop_show_certificate(reload->gateway, config);
    descriptors_complain(config);
    loop_publish(reload->gateway, config);
}

/* Back to what was: everything it had comes back with the connections it still holds. */
static void revert(struct reload *reload, struct config *old, struct config *config)
{
    struct problems problems;

    problems_init(&problems);
    if (apply(reload, old, config, NULL, &problems) != 0)
        log_event(LOG_ERROR, "revert-failed", "detail", problems.items[0].message, NULL);
    problems_fini(&problems);
}

/* Committed, and not yet published if it is strict: the probes decide. */
static void prove(struct reload *reload, struct config *config, struct config *old,
                  struct effects *effects, struct reload_reply *reply, struct problems *problems)
{
    bool strict = reply != NULL && reply->strict;

    if (!strict)
        publish(reload, config);
    await_probes(reload, config, effects);
    if (strict && !effects_proven(effects)) {
        effects_problems(effects, problems);
        revert(reload, old, config);
        return;
    }
    if (strict)
        publish(reload, config);
    accept_it(reload, reply, config, effects);
}

/* What it forbids (outbound, above all) must not be lifted because the file is missing. */
static bool has_lost_server(const struct config *config, const struct config *old,
                            struct problems *problems)
{
    if (config->server.is_written || old == NULL || !old->server.is_written)
        return false;
    problems_add(problems, "server.json", 0, NULL, NULL,
                 "has vanished; write {} into it to take back what it said");
    return true;
}

/* A problem if nothing changed. */
static void carry_out(struct reload *reload, struct config *config, struct reload_reply *reply,
                      struct problems *problems)
{
    struct config *old = reload_config(reload);
    struct effects *effects = effects_new(config, old);

    if (effects == NULL)
        problems_add(problems, NULL, 0, NULL, NULL, "out of memory");
    else if (!has_lost_server(config, old, problems) &&
             apply(reload, config, old, effects, problems) == 0)
        prove(reload, config, old, effects, reply, problems);
    free(effects);
    config_unref(&old);
}

static void reload_once(struct reload *reload, struct reload_reply *reply)
{
    struct problems problems;
    struct config *config;
    bool watched = reload->watch != NULL;

    problems_init(&problems);
    if (!watched && reload->directory != NULL) /* before it is read: publish may be told to watch */
        watch_open(&reload->watch, reload->directory);
    if (reload->directory == NULL)
        problems_add(&problems, NULL, 0, NULL, NULL,
                     "the embedded configuration does not change; start with --config DIR");
    else if (config_load(reload->directory, &config, &problems) == 0) {
        carry_out(reload, config, reply, &problems);
        config_unref(&config);
    }
    if (problems.count > 0 && !watched)
        watch_close(&reload->watch);
    if (problems.count > 0)
        reject(reload, reply, &problems);
    problems_fini(&problems);
}

/* Nothing was tried. NULL: nobody waits for it. */
static void refuse(struct reload_reply *reply, enum answer_problem why)
{
    if (reply == NULL)
        return;
    reply->refused = why;
    post(reply, 503, NULL);
}

/* ---- The thread ------------------------------------------------------------------------------ */

static void wake(struct reload *reload)
{
    uint64_t one = 1;

    if (write(reload->wake, &one, sizeof(one)) < 0)
        return; /* full: it is awake already */
}

/* Wait for something to do; false: to end. Whoever asks gets a reply; the files and hang-ups
 * share one. */
static bool await_work(struct reload *reload, struct reload_reply **reply, bool *work)
{
    int64_t next = CLOCK_NEVER;
    uint64_t count;

    *work = reload->watch != NULL && watch_check(reload->watch, clock_now(), &next);
    pthread_mutex_lock(&reload->mutex);
    struct list *link = list_pop_front(&reload->asked);
    reload->asked_count -= link != NULL;
    *work = *work || reload->hang_up || link != NULL;
    *reply = link == NULL ? NULL : list_entry(link, struct reload_reply, mail.link);
    reload->hang_up = false;
    bool stopping = reload->stopping;
    pthread_mutex_unlock(&reload->mutex);
    if (stopping || *work)
        return !stopping;
    struct pollfd fds[2] = {
        {.fd = reload->wake, .events = POLLIN},
        {.fd = reload->watch == NULL ? -1 : watch_fd(reload->watch), .events = POLLIN}};
    poll(fds, 2, clock_poll_ms(next));
    if (fds[0].revents != 0 && read(reload->wake, &count, sizeof(count)) < 0)
        return true;
    return true;
}

static void *run(void *argument)
{
    struct reload *reload = argument;
    struct reload_reply *reply;
    bool work;

    while (await_work(reload, &reply, &work))
        if (work)
            reload_once(reload, reply);
    refuse(reply, ANSWER_SHUTTING_DOWN);
    pthread_mutex_lock(&reload->mutex);
    reload->ended = true;
    pthread_cond_signal(&reload->ended_now);
    pthread_mutex_unlock(&reload->mutex);
    return NULL;
}

void reload_ask(struct reload *reload, struct reload_reply *reply)
{
    bool full = false;

    pthread_mutex_lock(&reload->mutex);
    if (reply == NULL) {
        reload->hang_up = true;
    } else if (reload->asked_count < RELOAD_ASKED_MAX && !reload->stopping) {
        list_push_back(&reload->asked, &reply->mail.link);
        reload->asked_count++;
    } else {
        full = true;
    }
    bool stopping = reload->stopping;
    pthread_mutex_unlock(&reload->mutex);
    if (full)
        refuse(reply, stopping ? ANSWER_SHUTTING_DOWN : ANSWER_OVERLOADED);
    else
        wake(reload);
}

void reload_look(struct reload *reload, struct reload_last *last)
{
    pthread_mutex_lock(&reload->mutex);
    *last = reload->last;
    pthread_mutex_unlock(&reload->mutex);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static int apply_first(struct reload *reload, struct config *config)
{
    struct problems problems;

    problems_init(&problems);
    int status = apply(reload, config, NULL, NULL, &problems);
    report_log(&problems, "config-invalid");
    problems_fini(&problems);
    config->generation = ++reload->generation;
    config->loaded_at = clock_wall_us();
    reload->last = (struct reload_last){.ok = true};
    return status;
}

int reload_new(struct reload **out, struct gateway *gateway, struct config *config,
               const char *directory, struct watch **watch, bool listen_given)
{
    struct reload *reload = calloc(1, sizeof(*reload));

    *out = NULL;
    if (reload == NULL)
        return WEIR_ENOMEM;
    reload->watch = *watch;
    *watch = NULL;
    reload->gateway = gateway;
    reload->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    reload->directory = directory == NULL ? NULL : strdup(directory);
    list_init(&reload->asked);
    pthread_mutex_init(&reload->mutex, NULL);
    cond_init(&reload->ended_now);
    int status = reload->wake < 0 || (directory != NULL && reload->directory == NULL)
                     ? WEIR_ENOMEM
                     : fixed_init(&reload->fixed, &config->server, listen_given);
    if (status == 0)
        status = apply_first(reload, config);
    if (status != 0) {
        reload_free(&reload);
        return status;
    }
    if (directory != NULL)
        watch_or_not(reload, config->server.watch);
    *out = reload;
    return 0;
}

int reload_start(struct reload *reload)
{
    reload->started = pthread_create(&reload->thread, NULL, run, reload) == 0;
    return reload->started ? 0 : WEIR_ENOMEM;
}

static bool wait_for_end(struct reload *reload, int64_t deadline)
{
    bool in_time = true;

    pthread_mutex_lock(&reload->mutex);
    while (!reload->ended && in_time)
        in_time = cond_wait_until(&reload->ended_now, &reload->mutex, deadline);
    bool ended = reload->ended;
    pthread_mutex_unlock(&reload->mutex);
    if (ended)
        pthread_join(reload->thread, NULL);
    return ended;
}

bool reload_stop(struct reload *reload, int64_t deadline)
{
    pthread_mutex_lock(&reload->mutex);
    reload->stopping = true;
    pthread_mutex_unlock(&reload->mutex);
    wake(reload);
    if (reload->started && !wait_for_end(reload, deadline))
        return false;
    reload->started = false;
    for (struct list *link; (link = list_pop_front(&reload->asked)) != NULL;)
        refuse(list_entry(link, struct reload_reply, mail.link), ANSWER_SHUTTING_DOWN);
    return true;
}

void reload_free(struct reload **at)
{
    struct reload *reload = *at;

    *at = NULL;
    if (reload == NULL)
        return;
    watch_close(&reload->watch);
    config_unref(&reload->newest);
    if (reload->wake >= 0)
        close(reload->wake);
    pthread_cond_destroy(&reload->ended_now);
    pthread_mutex_destroy(&reload->mutex);
    free(reload->directory);
    fixed_fini(&reload->fixed);
    free(reload);
}
