/* SPDX-License-Identifier: MIT */
/*
 * weir check: validates a configuration directory; with --connect it opens each connection once.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "config.h"
#include "report.h"
#include "verbs.h"

static const char usage[] =
    "usage: weir check --config DIR [--connect] [--json] [--plugin FILE]...\n"
    "\n"
    "Validates the three files and prints each problem as file:line: pointer: message. Of files "
    "in\n"
    "map form it says what each key becomes in the array form.\n"
    "  --connect  also open each connection once and log in; no table is made or written\n"
    "  --plugin   load the backends of a shared object first\n"
    "  --json     print {\"ok\":...,\"errors\":[...],\"connections\":{...}} instead\n"
    "\n"
    "Exit codes: 0 all is well, 2 usage, 3 something is wrong.\n";

void check_print(const struct problems *problems)
{
    char line[REPORT_LINE_MAX];

    for (size_t i = 0; i < problems->count; i++) {
        report_line(&problems->items[i], line, sizeof(line));
        fprintf(stderr, "%s%s\n", problems->items[i].file == NULL ? "weir: " : "", line);
    }
    if (problems->left_out > 0)
        fprintf(stderr, "weir: and %zu more\n", problems->left_out);
}

/* ---- --connect ------------------------------------------------------------------------------- */

/* Open, one round trip, close; nothing is written, and no table is made. */
static int try_connection(const struct config_connection *connection, struct weir_error *error)
{
    const struct weir_driver *driver = connection->driver;
    void *conn = calloc(1, driver->conn_size);
    int64_t deadline = clock_add(clock_now(), connection->connect_timeout);

    if (conn == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    int status = driver->open(conn, connection->settings, deadline, error);
    if (status == 0)
        status = driver->check(conn, deadline, error);
    driver->close(conn, clock_add(clock_now(), CLOCK_SECOND));
    free(conn);
    return status;
}

static bool try_all(const struct config *config, const struct options *options, json_t *results)
{
    bool good = true;

    for (size_t i = 0; i < config->connections_count; i++) {
        const struct config_connection *connection = &config->connections[i];
        struct weir_error error = {.status = 0};
        int status = try_connection(connection, &error);
        good = good && status == 0;
        json_object_set_new(results, connection->name,
                            json_pack("{s:b,s:s,s:s}", "ok", status == 0, "code",
                                      weir_status_name(status), "detail", error.detail));
        if (!options->json && status == 0)
            printf("%s: ok\n", connection->name);
        else if (!options->json)
            fprintf(stderr, "%s: %s: %s\n", connection->name, weir_strerror(status), error.detail);
    }
    return good;
}

/* ---- The verb -------------------------------------------------------------------------------- */

static bool check(const struct options *options, struct problems *problems, json_t *results)
{
    struct config *config;

    if (config_load(options->config, &config, problems) != 0) {
        if (!options->json)
            check_print(problems);
        return false;
    }
    if (!options->json)
        convert_tell(options->config);
    bool good = !options->connect || try_all(config, options, results);
    if (good && !options->json)
        printf("ok: %zu connections, %zu webhooks\n", config->connections_count,
               config->webhooks_count);
    config_unref(&config);
    return good;
}

int verb_check(int argc, char **argv)
{
    struct options options;
    struct problems problems;
    json_t *results = json_object();

    bool parsed = options_parse(&options, "cCjp", usage, argc, argv);
    if (parsed && !options.help && options.config == NULL)
        fprintf(stderr, "weir: --config is required\n%s", usage);
    if (!parsed || (!options.help && options.config == NULL)) {
        json_decref(results);
        return EXIT_USAGE;
    }
    bool good = !options.unloadable;
    problems_init(&problems);
    if (!options.help && good)
        good = check(&options, &problems, results);
    if (options.json && !options.help) {
        json_t *root = json_pack("{s:b,s:o,s:O}", "ok", good, "errors", report_json(&problems),
                                 "connections", results);
        json_dumpf(root, stdout, JSON_INDENT(1));
        printf("\n");
        json_decref(root);
    }
    problems_fini(&problems);
    json_decref(results);
    return good ? EXIT_OK : EXIT_CHECK;
}
