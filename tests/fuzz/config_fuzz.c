/* SPDX-License-Identifier: MIT */
/*
 * Configuration files: the first line says which one the rest is (connections, webhooks, server).
 * It is read, or there is a problem that says where. What was in map form is good as the array form
 * that it became.
 */
#include <jansson.h>
#include <string.h>

#include "backends.h"
#include "config_parts.h"
#include "disk_backend.h"
#include "fuzz.h"
#include "log_backend.h"
#include "mapform.h"
#include "sqlite.h"

const struct weir_driver *const backend_drivers[] = {&sqlite_driver, &disk_driver, &log_driver,
                                                     NULL};
const struct weir_sink *const backend_sinks[] = {&sqlite_sink, &disk_sink, &log_sink, NULL};

static const char connections_text[] =
    "{\"db\":{\"type\":\"sqlite\",\"path\":\"/nowhere/x.db\"},\"log\":{\"type\":\"log\"}}";

static void forget(struct config *config)
{
    config_free_webhooks(config);
    config_free_connections(config);
    config_free_server(&config->server);
}

/* How many problems there are; all of them say something. Takes both texts. */
static size_t read_both(char *connections_text_, char *webhooks_text, char **again)
{
    struct problems problems;
    struct source connections, webhooks;
    struct config config = {.generation = 1};

    problems_init(&problems);
    PROMISE(config_default_server(&config.server) == 0);
    bool good = source_parse(&connections, "connections.json", connections_text_, &problems) == 1;
    good = source_parse(&webhooks, "webhooks.json", webhooks_text, &problems) == 1 && good;
    if (good && mapform_is(webhooks.root))
        good = mapform_apply(&connections, &webhooks);
    if (good) {
        config_read_connections(&config, &connections);
        config_read_webhooks(&config, &webhooks);
        again[0] = json_dumps(connections.root, 0);
        again[1] = json_dumps(webhooks.root, 0);
    }
    PROMISE(good || problems.count > 0);
    size_t count = problems.count + problems.left_out;
    for (size_t i = 0; i < problems.count; i++)
        PROMISE(problems.items[i].message != NULL && problems.items[i].message[0] != '\0');
    source_close(&connections);
    source_close(&webhooks);
    forget(&config);
    problems_fini(&problems);
    return count;
}

static void read_files(char *connections, char *webhooks)
{
    char *again[2] = {NULL, NULL}, *more[2] = {NULL, NULL};

    if (read_both(connections, webhooks, again) == 0)
        PROMISE(read_both(again[0], again[1], more) == 0);
    else {
        free(again[0]);
        free(again[1]);
    }
    free(more[0]);
    free(more[1]);
}

static void read_server(char *text)
{
    struct problems problems;
    struct source source;
    struct config config = {.generation = 1};

    problems_init(&problems);
    PROMISE(config_default_server(&config.server) == 0);
    if (source_parse(&source, "server.json", text, &problems) == 1) {
        /* Files of others are not for a fuzzer to open. */
        json_object_del(source.root, "plugins");
        config_read_server(&config.server, &source);
        config_read_tls(&config.server, &source);
    }
    source_close(&source);
    forget(&config);
    problems_fini(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    PROMISE(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    size_t line = strcspn(text, "\n");
    char *rest = strdup(text + line + (text[line] == '\n'));
    PROMISE(rest != NULL);
    if (strncmp(text, "connections\n", 12) == 0)
        read_files(rest, strdup("{\"webhooks\":[]}"));
    else if (strncmp(text, "webhooks\n", 9) == 0)
        read_files(strdup(connections_text), rest);
    else if (strncmp(text, "server\n", 7) == 0)
        read_server(rest);
    else
        free(rest);
    free(text);
    return 0;
}
