/* SPDX-License-Identifier: MIT */
/* What is remembered for a sender's retry: of which outcomes, for how many, and what is not mixed
 * up. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "repeats.h"

const struct weir_driver *const backend_drivers[] = {NULL};
const struct weir_sink *const backend_sinks[] = {NULL};

static struct config *config;
static struct config_module modules[2] = {{.identity = {1}}, {.identity = {2}}};
static char path[] = "/webhook/a";
static struct config_webhook entry = {.path = path, .modules = modules, .modules_count = 2};
static struct repeats *repeats;

static struct webhook *posted(const char *delivery, const char *body)
{
    struct webhook *webhook =
        webhook_new(config, &entry, strdup(body), strlen(body), strdup("{}"), 2, 0, 0);

    CHECK(webhook != NULL);
    webhook->delivery_id = delivery == NULL ? NULL : strdup(delivery);
    repeats_recall(repeats, webhook);
    return webhook;
}

/* Settle both modules like that, note it, and let go of it. */
static void settle_as(struct webhook *webhook, enum outcome first, enum outcome second,
                      bool abandoned, bool heard)
{
    webhook->deliveries[0].outcome = first;
    webhook->deliveries[1].outcome = second;
    atomic_store(&webhook->outcome, first > second ? first : second);
    atomic_store(&webhook->abandoned, abandoned);
    repeats_note(repeats, webhook, heard);
    atomic_store(&webhook->refs, 1);
    webhook_unref(&webhook);
}

static void settle(struct webhook *webhook, enum outcome first, enum outcome second, bool abandoned)
{
    settle_as(webhook, first, second, abandoned, true);
}

static void put(const char *directory, const char *name, const char *text)
{
    char path_of[96];

    snprintf(path_of, sizeof(path_of), "%s/%s", directory, name);
    FILE *file = fopen(path_of, "w");
    CHECK(file != NULL);
    fputs(text, file);
    fclose(file);
}

static void load(void)
{
    char directory[] = "/tmp/weir-repeats-XXXXXX", command[64];
    struct problems problems;

    CHECK(mkdtemp(directory) != NULL);
    put(directory, "connections.json", "{}");
    put(directory, "webhooks.json", "{\"webhooks\":[]}");
    problems_init(&problems);
    CHECK_INT(config_load(directory, &config, &problems), 0);
    problems_fini(&problems);
    snprintf(command, sizeof(command), "rm -r %s", directory);
    CHECK_INT(system(command), 0);
}

static void begin(void)
{
    load();
    CHECK_INT(repeats_new(&repeats), 0);
}

static void end(void)
{
    repeats_free(&repeats);
    CHECK(repeats == NULL);
    config_unref(&config);
}

static void half_stored_is_completed_by_the_retry(void)
{
    char id[WEIR_ID_LEN + 1];

    begin();
    struct webhook *webhook = posted("d1", "{}");
    memcpy(id, webhook->id, sizeof(id));
    settle(webhook, OUTCOME_STORED, OUTCOME_UNAVAILABLE, false);
    CHECK_INT(repeats_count(repeats), 2);
    webhook = posted("d1", "{}");
    CHECK_STRING(webhook->id, id);
    CHECK(webhook->deliveries[0].stored_before && !webhook->deliveries[1].stored_before);
    settle(webhook, OUTCOME_STORED, OUTCOME_STORED, false);
    CHECK_INT(repeats_count(repeats), 0);
    webhook = posted("d1", "{}");
    CHECK(strcmp(webhook->id, id) != 0 && !webhook->deliveries[0].stored_before);
    settle(webhook, OUTCOME_STORED, OUTCOME_STORED, false);
    end();
}

static void only_the_same_delivery_counts(void)
{
    begin();
    settle(posted("d1", "{}"), OUTCOME_STORED, OUTCOME_UNAVAILABLE, false);
    struct webhook *others[] = {posted("d2", "{}"), posted("d1", "[]"), posted(NULL, "{}")};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        CHECK(!others[i]->recalled && !others[i]->deliveries[0].stored_before);
        settle(others[i], OUTCOME_STORED, OUTCOME_STORED, false);
    }
    CHECK_INT(repeats_count(repeats), 2);
    path[9] = 'b';
    struct webhook *webhook = posted("d1", "{}");
    CHECK(!webhook->recalled);
    settle(webhook, OUTCOME_STORED, OUTCOME_STORED, false);
    path[9] = 'a';
    modules[0].identity[0] = 9; /* a reload has given it another table, say */
    webhook = posted("d1", "{}");
    CHECK(webhook->recalled && !webhook->deliveries[0].stored_before);
    settle(webhook, OUTCOME_STORED, OUTCOME_STORED, false);
    modules[0].identity[0] = 1;
    end();
}

static void what_is_not_remembered(void)
{
    begin();
    settle(posted("d1", "{}"), OUTCOME_STORED, OUTCOME_STORED, false);
    settle(posted("d1", "{}"), OUTCOME_UNAVAILABLE, OUTCOME_OVERLOADED, false);
    settle(posted(NULL, "{}"), OUTCOME_STORED, OUTCOME_UNAVAILABLE, false);
    CHECK_INT(repeats_count(repeats), 0);
    end();
}

static void an_unknown_outcome_keeps_its_id(void)
{
    char id[WEIR_ID_LEN + 1];

    begin();
    struct webhook *webhook = posted("d1", "{}");
    memcpy(id, webhook->id, sizeof(id));
    settle(webhook, OUTCOME_STORED, OUTCOME_STORED, true); /* but it had been answered with 503 */
    webhook = posted("d1", "{}");
    CHECK_STRING(webhook->id, id);
    CHECK(webhook->deliveries[0].stored_before && webhook->deliveries[1].stored_before);
    settle(webhook, OUTCOME_STORED, OUTCOME_STORED, false);
    settle(posted("d2", "{}"), OUTCOME_UNAVAILABLE, OUTCOME_UNAVAILABLE, true);
    CHECK_INT(repeats_count(repeats), 1);
    end();
}

static void an_answer_that_nobody_heard(void)
{
    char id[WEIR_ID_LEN + 1];

    begin();
    struct webhook *webhook = posted("d1", "{}");
    memcpy(id, webhook->id, sizeof(id));
    settle_as(webhook, OUTCOME_STORED, OUTCOME_STORED, false, false);
    CHECK_INT(repeats_count(repeats), 3);
    for (int i = 0; i < 2; i++) { /* nor was it the second time */
        webhook = posted("d1", "{}");
        CHECK_STRING(webhook->id, id);
        CHECK(webhook->deliveries[0].stored_before && webhook->deliveries[1].stored_before);
        settle_as(webhook, OUTCOME_STORED, OUTCOME_STORED, false, i == 1);
    }
    CHECK_INT(repeats_count(repeats), 0);
    /* Stored nowhere: there is nothing to be left out. */
    settle_as(posted("d2", "{}"), OUTCOME_UNAVAILABLE, OUTCOME_OVERLOADED, false, false);
    settle_as(posted(NULL, "{}"), OUTCOME_STORED, OUTCOME_STORED, false, false);
    CHECK_INT(repeats_count(repeats), 0);
    end();
}

static void the_oldest_are_forgotten_first(void)
{
    char name[24];

    begin();
    for (int i = 0; i < REPEATS_MAX / 2 + 10; i++) {
        snprintf(name, sizeof(name), "d%d", i);
        settle(posted(name, "{}"), OUTCOME_STORED, OUTCOME_UNAVAILABLE, false);
    }
    CHECK_INT(repeats_count(repeats), REPEATS_MAX);
    struct webhook *oldest = posted("d9", "{}"), *kept = posted("d10", "{}");
    CHECK(!oldest->recalled && kept->recalled && kept->deliveries[0].stored_before);
    settle(oldest, OUTCOME_STORED, OUTCOME_STORED, false);
    settle(kept, OUTCOME_STORED, OUTCOME_STORED, false);
    end();
}

TEST_MAIN(TEST(half_stored_is_completed_by_the_retry), TEST(only_the_same_delivery_counts),
          TEST(what_is_not_remembered), TEST(an_unknown_outcome_keeps_its_id),
          TEST(an_answer_that_nobody_heard), TEST(the_oldest_are_forgotten_first))
