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

#include "clock.h"
#include "config.h"
#include "gateway.h"
#include "loop.h"
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

    pthread_mutex_t mutex;
    struct config *newest; /* a reference; what probes prove */
    struct list asked;     /* struct reload_reply */
    bool hang_up;          /* asked for without a reply */
    bool stopping;
    struct reload_last last;
};

/* What one reload did to each connection. */
struct effects {
    size_t count;
    struct effect {
        const char *name; /* the config's */
        enum weir_outcome outcome;
        uint32_t version;
        int reason; /* why it is staging still */
        bool proven;
    } items[];
};

/* ---- Proving --------------------------------------------------------------------------------- */

static struct config *newest_of(struct reload *reload)
{
    pthread_mutex_lock(&reload->mutex);
    struct config *config = reload->newest == NULL ? NULL : config_ref(reload->newest);
    pthread_mutex_unlock(&reload->mutex);
    return config;
}

static void set_newest(struct reload *reload, struct config *config)
{
    config_ref(config);
    pthread_mutex_lock(&reload->mutex);
    struct config *old = reload->newest;
    reload->newest = config;
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
    struct config *config = reload == NULL ? NULL : newest_of(reload);
    int status = 0;

    for (size_t i = 0; config != NULL && status == 0 && i < config->webhooks_count; i++)
        status = prove_webhook(&config->webhooks[i], name, driver, conn, deadline, error);
    config_unref(&config);
    return status;
}

/* ---- Applying -------------------------------------------------------------------------------- */

static int fill_change(struct weir_change *change, const struct config *config,
                       const struct config *old, struct weir_error *error)
{
    int status = 0;

    for (size_t i = 0; status == 0 && i < config->connections_count; i++)
        status = weir_change_set(change, config->connections[i].name,
                                 config->connections[i].settings, error);
    for (size_t i = 0; old != NULL && status == 0 && i < old->connections_count; i++)
        if (config_connection_find(config, old->connections[i].name) == NULL)
            status = weir_change_drop(change, old->connections[i].name, error);
    return status;
}

static void note_effects(struct weir_change *change, const struct config *config,
                         const struct config *old, struct effects *effects)
{
    effects->count = 0;
    for (size_t i = 0; i < config->connections_count; i++) {
        const char *name = config->connections[i].name;
        effects->items[effects->count++] =
            (struct effect){.name = name, .outcome = weir_change_outcome(change, name)};
    }
    for (size_t i = 0; old != NULL && i < old->connections_count; i++) {
        const char *name = old->connections[i].name;
        if (config_connection_find(config, name) == NULL)
            effects->items[effects->count++] =
                (struct effect){.name = name, .outcome = WEIR_OUTCOME_REMOVED};
    }
}

static struct effects *effects_new(const struct config *config, const struct config *old)
{
    size_t count = config->connections_count + (old == NULL ? 0 : old->connections_count);

    return calloc(1, sizeof(struct effects) + count * sizeof(struct effect));
}

/*
 * Commit it to the registry; config becomes the newest. Without memory for the pin the
 * configuration serves without one: only a later removal would then not wait for its requests.
 */
static int apply(struct reload *reload, struct config *config, const struct config *old,
                 struct effects *effects, struct weir_error *error)
{
    struct weir_registry *registry = reload->gateway->registry;
    struct weir_change *change;
    int status = weir_change_begin(registry, &change, error);

    if (status != 0)
        return status;
    status = fill_change(change, config, old, error);
    if (status == 0 && effects != NULL)
        note_effects(change, config, old, effects);
    if (status != 0) {
        weir_change_abort(&change);
        return status;
    }
    set_newest(reload, config);
    status = weir_change_commit(&change, error);
    if (status == 0 && config->pin == NULL && weir_pin_new(registry, &config->pin, NULL) != 0)
        log_event(LOG_WARNING, "pin-failed", NULL);
    return status;
}

/* ---- Waiting for probes ---------------------------------------------------------------------- */

static bool is_stopping(struct reload *reload)
{
    pthread_mutex_lock(&reload->mutex);
    bool stopping = reload->stopping;
    pthread_mutex_unlock(&reload->mutex);
    return stopping;
}

/* Staging or not? From what the registry shows of that name. */
static void look_at(struct effect *effect, const struct weir_connection_view *view)
{
    bool staging = false;

    effect->version = view->version;
    for (size_t i = 0; i < view->versions_count; i++) {
        const struct weir_version_view *version = &view->versions[i];
        if (version->state != WEIR_VERSION_STAGING)
            continue;
        staging = true;
        effect->proven = version->probes > 0;
        effect->reason = version->last_error.status;
    }
    if (effect->outcome == WEIR_OUTCOME_STAGING && !staging) {
        effect->outcome = WEIR_OUTCOME_MIGRATED;
        effect->proven = true;
    }
}

/* True if every first probe has ended, one way or the other. */
static bool look(struct reload *reload, struct effects *effects)
{
    struct weir_snapshot *snapshot;
    bool all = true;

    if (weir_snapshot_take(reload->gateway->registry, &snapshot, NULL) != 0)
        return false;
    for (size_t i = 0; i < effects->count; i++) {
        struct effect *effect = &effects->items[i];
        for (size_t j = 0; j < snapshot->connections_count; j++) {
            const struct weir_connection_view *view = &snapshot->connections[j];
            bool removed = effect->outcome == WEIR_OUTCOME_REMOVED;
            if (strcmp(view->name, effect->name) == 0 && view->removed == removed)
                look_at(effect, view);
        }
        if (effect->outcome == WEIR_OUTCOME_STAGING && !effect->proven)
            all = false;
    }
    weir_snapshot_free(&snapshot);
    return all;
}

/* At most as long as the longest connect_timeout of those that are being proven. */
static void await_probes(struct reload *reload, const struct config *config,
                         struct effects *effects)
{
    int64_t longest = 0;
    struct pollfd none = {.fd = -1};

    for (size_t i = 0; i < effects->count; i++) {
        const struct config_connection *connection =
            config_connection_find(config, effects->items[i].name);
        if (effects->items[i].outcome == WEIR_OUTCOME_STAGING &&
            connection->connect_timeout > longest)
            longest = connection->connect_timeout;
    }
    int64_t deadline = clock_add(clock_now(), longest);
    while (!look(reload, effects) && clock_now() < deadline && !is_stopping(reload))
        poll(&none, 0, (int)(PROBE_LOOK / CLOCK_MS));
}

static bool all_proven(const struct effects *effects)
{
    for (size_t i = 0; i < effects->count; i++)
        if (effects->items[i].outcome == WEIR_OUTCOME_STAGING)
            return false;
    return true;
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

static json_t *text_or_null(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
}

static void reject(struct reload *reload, struct reload_reply *reply,
                   const struct problems *problems)
{
    json_t *errors = json_array();
    char first[256];

    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->items[i];
        char line[16];
        snprintf(line, sizeof(line), "%u", problem->line);
        log_event(LOG_ERROR, "reload-rejected", "file", problem->file, "line",
                  problem->line == 0 ? NULL : line, "pointer", problem->pointer, "message",
                  problem->message, NULL);
        json_array_append_new(
            errors,
            json_pack("{s:o,s:o,s:o,s:o,s:o}", "file", text_or_null(problem->file), "line",
                      problem->line == 0 ? json_null() : json_integer(problem->line), "pointer",
                      text_or_null(problem->pointer), "key", text_or_null(problem->key), "message",
                      text_or_null(problem->message)));
    }
    const struct problem *problem = &problems->items[0];
    snprintf(first, sizeof(first), "%s:%u: %s: %s", problem->file == NULL ? "" : problem->file,
             problem->line, problem->pointer == NULL ? "" : problem->pointer,
             problem->message == NULL ? "" : problem->message);
    note_last(reload, false, first);
    post(reply, 422,
         json_pack("{s:s,s:s,s:i,s:o}", "type", "urn:weir:error:config-rejected", "title",
                   "The configuration is not valid; nothing changed.", "status", 422, "errors",
                   errors));
}

static void reject_one(struct reload *reload, struct reload_reply *reply, const char *pointer,
                       const char *message)
{
    struct problems problems;

    problems_init(&problems);
    problems_add(&problems, "connections.json", 0, pointer, NULL, "%s", message);
    reject(reload, reply, &problems);
    problems_fini(&problems);
}

static bool differ(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a != b : strcmp(a, b) != 0;
}

/* Keys that a running daemon cannot change. */
static json_t *restart_keys(const struct config_server *old, const struct config_server *now)
{
    json_t *keys = json_array();

    if (differ(old->listen, now->listen))
        json_array_append_new(keys, json_string("listen"));
    if (differ(old->admin_listen, now->admin_listen))
        json_array_append_new(keys, json_string("admin_listen"));
    if (old->loops != now->loops)
        json_array_append_new(keys, json_string("loops"));
    if (old->migration_timeout != now->migration_timeout)
        json_array_append_new(keys, json_string("migration_timeout"));
    if (json_array_size(keys) > 0)
        log_event(LOG_WARNING, "restart-required", "file", "server.json", "message",
                  "listen, admin_listen, loops and migration_timeout change with a restart only",
                  NULL);
    return keys;
}

static json_t *effects_json(const struct effects *effects)
{
    static const char *const names[] = {"unchanged", "added", "removed", "migrated", "staging"};
    json_t *object = json_object();

    for (size_t i = 0; i < effects->count; i++) {
        const struct effect *effect = &effects->items[i];
        json_t *one =
            json_pack("{s:s,s:i}", "outcome", names[effect->outcome], "version", effect->version);
        if (effect->outcome == WEIR_OUTCOME_STAGING)
            json_object_set_new(one, "reason",
                                json_string(effect->reason == 0 ? "not proven yet"
                                                                : weir_strerror(effect->reason)));
        json_object_set_new(object, effect->name, one);
    }
    return object;
}

static void accept_it(struct reload *reload, struct reload_reply *reply,
                      const struct config *config, const struct effects *effects, json_t *restart)
{
    char generation[24];

    snprintf(generation, sizeof(generation), "%llu", (unsigned long long)config->generation);
    log_event(LOG_INFO, "reloaded", "generation", generation, NULL);
    note_last(reload, true, "");
    post(reply, 200,
         json_pack("{s:I,s:o,s:o}", "generation", (json_int_t)config->generation, "connections",
                   effects_json(effects), "restart_required", restart));
}

/* ---- One reload ------------------------------------------------------------------------------ */

static void publish(struct reload *reload, struct config *config)
{
    config->generation = ++reload->generation;
    config->loaded_at = clock_wall_us();
    log_configure(config->server.log_format, config->server.log_level);
    atomic_store(&reload->gateway->budget.max, config->server.inflight_max);
    loop_publish(reload->gateway, config);
}

/* Back to what was: everything it had comes back with the connections it still holds. */
static void revert(struct reload *reload, struct reload_reply *reply, struct config *old,
                   const struct config *config, const struct effects *effects)
{
    char message[256], pointer[300] = "";
    struct weir_error error;

    for (size_t i = 0; i < effects->count; i++)
        if (effects->items[i].outcome == WEIR_OUTCOME_STAGING) {
            snprintf(pointer, sizeof(pointer), "/%s", effects->items[i].name);
            snprintf(message, sizeof(message), "could not be proven: %s",
                     effects->items[i].reason == 0 ? "no answer in time"
                                                   : weir_strerror(effects->items[i].reason));
        }
    if (apply(reload, old, config, NULL, &error) != 0)
        log_event(LOG_ERROR, "revert-failed", "detail", error.detail, NULL);
    reject_one(reload, reply, pointer, message);
}

static void carry_out(struct reload *reload, struct config *config, struct reload_reply *reply)
{
    struct config *old = newest_of(reload);
    struct effects *effects = effects_new(config, old);
    struct weir_error error = {.status = 0};
    bool strict = reply != NULL && reply->strict;
    int status = effects == NULL ? weir_fail(&error, WEIR_ENOMEM, "out of memory")
                                 : apply(reload, config, old, effects, &error);

    if (status != 0) {
        reject_one(reload, reply, "", error.detail);
    } else {
        if (!strict)
            publish(reload, config);
        await_probes(reload, config, effects);
        if (strict && !all_proven(effects)) {
            revert(reload, reply, old, config, effects);
        } else {
            if (strict)
                publish(reload, config);
            accept_it(reload, reply, config, effects, restart_keys(&old->server, &config->server));
        }
    }
    free(effects);
    config_unref(&old);
}

static void reload_once(struct reload *reload, struct reload_reply *reply)
{
    struct problems problems;
    struct config *config;

    problems_init(&problems);
    if (reload->directory == NULL)
        problems_add(&problems, NULL, 0, NULL, NULL,
                     "the embedded configuration does not change; start with --config DIR");
    else if (config_load(reload->directory, &config, &problems) == 0) {
        carry_out(reload, config, reply);
        config_unref(&config);
    }
    if (problems.count > 0)
        reject(reload, reply, &problems);
    problems_fini(&problems);
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
    if (reply != NULL)
        post(reply, 503, json_pack("{s:s}", "type", "urn:weir:error:shutting-down"));
    return NULL;
}

void reload_ask(struct reload *reload, struct reload_reply *reply)
{
    pthread_mutex_lock(&reload->mutex);
    if (reply == NULL)
        reload->hang_up = true;
    else
        list_push_back(&reload->asked, &reply->mail.link);
    pthread_mutex_unlock(&reload->mutex);
    wake(reload);
}

void reload_look(struct reload *reload, struct reload_last *last)
{
    pthread_mutex_lock(&reload->mutex);
    *last = reload->last;
    pthread_mutex_unlock(&reload->mutex);
}

/* ---- Life ------------------------------------------------------------------------------------ */

int reload_new(struct reload **out, struct gateway *gateway, struct config *config,
               const char *directory)
{
    struct weir_error error;
    struct reload *reload = calloc(1, sizeof(*reload));

    *out = NULL;
    if (reload == NULL)
        return WEIR_ENOMEM;
    reload->gateway = gateway;
    reload->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    reload->directory = directory == NULL ? NULL : strdup(directory);
    list_init(&reload->asked);
    pthread_mutex_init(&reload->mutex, NULL);
    if (directory != NULL && config->server.watch)
        watch_open(&reload->watch, directory);
    int status = apply(reload, config, NULL, NULL, &error);
    if (status != 0 || reload->wake < 0) {
        reload_free(&reload);
        return status != 0 ? status : WEIR_ERESOURCE;
    }
    config->generation = ++reload->generation;
    config->loaded_at = clock_wall_us();
    reload->last.ok = true;
    *out = reload;
    return 0;
}

int reload_start(struct reload *reload)
{
    reload->started = pthread_create(&reload->thread, NULL, run, reload) == 0;
    return reload->started ? 0 : WEIR_ENOMEM;
}

void reload_stop(struct reload *reload)
{
    pthread_mutex_lock(&reload->mutex);
    reload->stopping = true;
    pthread_mutex_unlock(&reload->mutex);
    wake(reload);
    if (reload->started)
        pthread_join(reload->thread, NULL);
    reload->started = false;
    for (struct list *link; (link = list_pop_front(&reload->asked)) != NULL;)
        post(list_entry(link, struct reload_reply, mail.link), 503,
             json_pack("{s:s}", "type", "urn:weir:error:shutting-down"));
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
    pthread_mutex_destroy(&reload->mutex);
    free(reload->directory);
    free(reload);
}
