/* SPDX-License-Identifier: MIT */
/*
 * Shows: what the daemon says about itself (status, readiness, metrics), that a backend's words
 * are not in it, and what applying a configuration tells. A driver that always fails stands in.
 */
#include "status.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "apply.h"
#include "clock.h"
#include "gateway.h"
#include "reload.h"
#include "repeats.h"
#include "test.h"

#define SECRET "the server's own words"

static int fake_open(void *conn, const struct weir_settings *settings, int64_t deadline,
                     struct weir_error *error)
{
    (void)conn, (void)settings, (void)deadline;
    return weir_fail(error, WEIR_EAUTH, SECRET);
}

static int fake_check(void *conn, int64_t deadline, struct weir_error *error)
{
    (void)conn, (void)deadline, (void)error;
    return 0;
}

static void fake_interrupt(void *conn, int64_t deadline)
{
    (void)conn, (void)deadline;
}

static int fake_close(void *conn, int64_t deadline)
{
    (void)conn, (void)deadline;
    return 0;
}

static int fake_classify(const char *native)
{
    (void)native;
    return WEIR_EINTERNAL;
}

static const struct weir_setting fake_settings[] = {
    {"host", WEIR_SETTING_STRING, 0, 0, 0, NULL, "any"},
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static const struct weir_driver fake = {.abi = WEIR_DRIVER_ABI,
                                        .name = "fake",
                                        .conn_size = 8,
                                        .settings = fake_settings,
                                        .min_size = 0,
                                        .max_size = 2,
                                        .open = fake_open,
                                        .check = fake_check,
                                        .interrupt = fake_interrupt,
                                        .close = fake_close,
                                        .classify = fake_classify};

const struct weir_driver *const backend_drivers[] = {&fake, NULL};
const struct weir_sink *const backend_sinks[] = {NULL};

/* ---- A gateway without loops --------------------------------------------------------------- */

struct house {
    char directory[32];
    struct gateway gateway;
    struct weir_keeper *keeper;
    struct config *config;
};

static void write_file(const struct house *house, const char *name, const char *text)
{
    char path[64];

    snprintf(path, sizeof(path), "%s/%s", house->directory, name);
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
}

static struct config *load(const struct house *house, const char *connections)
{
    struct problems problems;
    struct config *config = NULL;

    problems_init(&problems);
    write_file(house, "connections.json", connections);
    config_load(house->directory, &config, &problems);
    problems_fini(&problems);
    return config;
}

static void set_up(struct house *house, const char *connections)
{
    memset(house, 0, sizeof(*house));
    strncpy(house->directory, "/tmp/weir-status-XXXXXX", sizeof(house->directory) - 1);
    CHECK(mkdtemp(house->directory) != NULL);
    write_file(house, "webhooks.json", "{\"webhooks\":[]}");
    house->config = load(house, connections);
    CHECK(house->config != NULL);
    house->gateway.started_at = clock_now();
    const struct weir_registry_options options = {.seed = 1};
    struct watch *unwatched = NULL;
    CHECK_INT(weir_registry_new(&house->gateway.registry, &options, NULL), 0);
    CHECK_INT(weir_registry_add_driver(house->gateway.registry, &fake, NULL), 0);
    CHECK_INT(dispatch_new(&house->gateway.dispatch, house->gateway.registry), 0);
    CHECK_INT(repeats_new(&house->gateway.repeats), 0);
    CHECK_INT(
        reload_new(&house->gateway.reload, &house->gateway, house->config, NULL, &unwatched, false),
        0);
    CHECK_INT(weir_keeper_start(&house->keeper, house->gateway.registry, 2, NULL), 0);
}

static void tear_down(struct house *house)
{
    char command[64];

    weir_registry_close(house->gateway.registry, clock_now());
    CHECK_INT(weir_keeper_drain(house->keeper, clock_add(clock_now(), 10 * CLOCK_SECOND)), 0);
    dispatch_free(&house->gateway.dispatch);
    repeats_free(&house->gateway.repeats);
    reload_free(&house->gateway.reload);
    config_unref(&house->config);
    weir_keeper_stop(&house->keeper);
    weir_registry_free(&house->gateway.registry);
    snprintf(command, sizeof(command), "rm -r %s", house->directory);
    CHECK_INT(system(command), 0);
}

/* Use it once, in vain. */
static void fail_to_acquire(struct house *house, const char *name)
{
    struct weir_lease lease;

    CHECK_INT(weir_acquire(house->gateway.registry, name, NULL,
                           clock_add(clock_now(), CLOCK_SECOND / 10), &lease, NULL),
              WEIR_ETIMEOUT);
}

static json_t *status_of(struct house *house)
{
    size_t len;
    char *text = status_text(&house->gateway, house->config, &len);

    CHECK(text != NULL && strstr(text, SECRET) == NULL);
    json_t *root = json_loadb(text, len, 0, NULL);
    free(text);
    CHECK(root != NULL);
    return root;
}

static bool is_ready(struct house *house)
{
    size_t len;
    bool ready;

    free(status_ready(&house->gateway, &ready, &len));
    return ready;
}

/* ---- Cases --------------------------------------------------------------------------------- */

#define ONE "{\"a \\\"b\\\"\":{\"type\":\"fake\"}}"

static void a_connection_that_was_never_used_is_well(void)
{
    struct house house;

    set_up(&house, ONE);
    json_t *root = status_of(&house);
    json_t *one = json_object_get(json_object_get(root, "connections"), "a \"b\"");
    CHECK_STRING(json_string_value(json_object_get(root, "status")), "ok");
    CHECK_STRING(json_string_value(json_object_get(one, "type")), "fake");
    CHECK_INT(json_integer_value(json_object_get(one, "version")), 0);
    CHECK_INT((long long)json_array_size(json_object_get(one, "versions")), 0);
    CHECK(is_ready(&house));
    json_decref(root);
    tear_down(&house);
}

static void a_failing_connection_is_told_without_the_servers_words(void)
{
    struct house house;

    set_up(&house, ONE);
    fail_to_acquire(&house, "a \"b\"");
    json_t *root = status_of(&house);
    const json_t *one = json_object_get(json_object_get(root, "connections"), "a \"b\"");
    const json_t *version = json_array_get(json_object_get(one, "versions"), 0);
    const json_t *error = json_object_get(version, "last_error");
    CHECK_STRING(json_string_value(json_object_get(root, "status")), "degraded");
    CHECK_STRING(json_string_value(json_object_get(version, "state")), "active");
    CHECK_STRING(json_string_value(json_object_get(error, "code")), "WEIR_EAUTH");
    CHECK_STRING(json_string_value(json_object_get(error, "message")), weir_strerror(WEIR_EAUTH));
    CHECK(!is_ready(&house));
    json_decref(root);
    tear_down(&house);
}

static void nothing_is_ready_that_stops(void)
{
    struct house house;

    set_up(&house, ONE);
    atomic_store(&house.gateway.stopping, true);
    CHECK(!is_ready(&house));
    tear_down(&house);
}

static void metrics_count_and_escape(void)
{
    struct house house;
    size_t len;

    set_up(&house, ONE);
    metrics_answered(&house.gateway.metrics, CLOCK_MS);
    metrics_answered(&house.gateway.metrics, 1500 * CLOCK_MS);
    metrics_answered(&house.gateway.metrics, 3600 * CLOCK_SECOND);
    char *text = metrics_text(&house.gateway, &len);
    CHECK(text != NULL && strlen(text) == len && text[len - 1] == '\n');
    CHECK(strstr(text, "weir_webhook_seconds_bucket{le=\"0.001\"} 1\n") != NULL);
    CHECK(strstr(text, "weir_webhook_seconds_bucket{le=\"1\"} 1\n") != NULL);
    CHECK(strstr(text, "weir_webhook_seconds_bucket{le=\"2\"} 2\n") != NULL);
    CHECK(strstr(text, "weir_webhook_seconds_bucket{le=\"30\"} 2\n") != NULL);
    CHECK(strstr(text, "weir_webhook_seconds_bucket{le=\"+Inf\"} 3\n") != NULL);
    CHECK(strstr(text, "weir_webhook_seconds_sum 3601.501000\n") != NULL);
    CHECK(strstr(text, "weir_pool_version{connection=\"a \\\"b\\\"\",type=\"fake\"} 0\n") != NULL);
    free(text);
    tear_down(&house);
}

/* A change that the registry refuses names the connection, and is undone by its abort. */
static void effects_of_a_change(void)
{
    struct house house;
    struct weir_change *change;
    struct problems problems;

    set_up(&house, "{\"kept\":{\"type\":\"fake\"},\"gone\":{\"type\":\"fake\"}}");
    struct config *next =
        load(&house, "{\"kept\":{\"type\":\"fake\"},\"new/one\":{\"type\":\"fake\"}}");
    CHECK(next != NULL);
    struct effects *effects = effects_new(next, house.config);
    CHECK_INT(weir_change_begin(house.gateway.registry, &change, NULL), 0);
    problems_init(&problems);
    CHECK_INT(apply_fill(change, next, house.config, effects, &problems), 0);
    CHECK_INT((long long)problems.count, 0);
    weir_change_abort(&change);
    CHECK(effects_look(effects, house.gateway.registry));
    CHECK(effects_proven(effects));
    json_t *root = effects_json(effects);
    CHECK_INT((long long)json_object_size(root), 3);
    const char *names[] = {"kept", "new/one", "gone"};
    const char *outcomes[] = {"unchanged", "added", "removed"};
    for (size_t i = 0; i < 3; i++)
        CHECK_STRING(json_string_value(json_object_get(json_object_get(root, names[i]), "outcome")),
                     outcomes[i]);
    json_decref(root);
    effects->items[1].outcome = WEIR_OUTCOME_STAGING;
    effects->items[1].reason = WEIR_EAUTH;
    effects_problems(effects, &problems);
    CHECK_INT((long long)problems.count, 1);
    CHECK_STRING(problems.items[0].pointer, "/new~1one");
    CHECK(strstr(problems.items[0].message, weir_strerror(WEIR_EAUTH)) != NULL);
    problems_fini(&problems);
    free(effects);
    config_unref(&next);
    tear_down(&house);
}

TEST_MAIN(TEST(a_connection_that_was_never_used_is_well),
          TEST(a_failing_connection_is_told_without_the_servers_words),
          TEST(nothing_is_ready_that_stops), TEST(metrics_count_and_escape),
          TEST(effects_of_a_change))
