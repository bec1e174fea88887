/* SPDX-License-Identifier: MIT */
/*
 * weir serve: finds the state directory of the embedded default, and tells how to try it.
 */
#include "serve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "environment.h"
#include "verbs.h"

#define PATH_LEN 4096

static const char usage[] =
    "usage: weir serve [--config DIR] [--listen ADDRESS] [--state DIR] [--plugin FILE]...\n"
    "\n"
    "  --config DIR      connections.json, webhooks.json and, if there, server.json\n"
    "  --listen ADDRESS  instead of the configured one: host:port, [v6]:port or unix:/path\n"
    "  --state DIR       where the embedded default keeps its database; else\n"
    "                    $STATE_DIRECTORY, $XDG_STATE_HOME/weir or ~/.local/state/weir\n"
    "  --plugin FILE     a shared object with backends of its own; see also server.json\n"
    "\n"
    "Without --config an embedded default runs: SQLite, one webhook /webhook/example, loopback.\n"
    "SIGHUP reloads. SIGTERM finishes what was accepted and leaves; a second one hurries.\n";

/* Make the directory and those above it; only its owner may look into the last one. */
static int make_directory(const char *path)
{
    char partial[PATH_LEN];

    snprintf(partial, sizeof(partial), "%s", path);
    for (char *slash = strchr(partial + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(partial, 0755) != 0 && errno != EEXIST)
            return -1;
        *slash = '/';
    }
    return mkdir(partial, 0700) != 0 && errno != EEXIST ? -1 : 0;
}

static bool find_state(const struct options *options, char path[PATH_LEN])
{
    const char *state = getenv("STATE_DIRECTORY"), *xdg = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");

    if (options->state != NULL)
        snprintf(path, PATH_LEN, "%s", options->state);
    else if (state != NULL && state[0] == '/')
        snprintf(path, PATH_LEN, "%.*s", (int)strcspn(state, ":"), state);
    else if (xdg != NULL && xdg[0] == '/')
        snprintf(path, PATH_LEN, "%s/weir", xdg);
    else if (home != NULL && home[0] == '/')
        snprintf(path, PATH_LEN, "%s/.local/state/weir", home);
    else
        return false;
    return true;
}

/* For a shell: 'it'\''s'. */
static void print_quoted(const char *text)
{
    putchar('\'');
    for (; *text != '\0'; text++)
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*text);
    putchar('\'');
}

static void ready(const struct serve_options *options, const char *address)
{
    bool local = strncmp(address, "unix:", 5) == 0;

    if (options->directory != NULL)
        return;
    printf("weir is ready. Rows go to %s\nTry it:\n    curl -i ", options->database);
    if (local) {
        fputs("--unix-socket ", stdout);
        print_quoted(address + 5);
        putchar(' ');
    }
    printf("-H 'Content-Type: application/json' -d '{\"hello\":\"weir\"}' "
           "http://%s/webhook/example\n    sqlite3 ",
           local ? "localhost" : address);
    print_quoted(options->database);
    fputs(" 'SELECT * FROM webhook_events'\n", stdout);
    fflush(stdout);
}

int verb_serve(int argc, char **argv)
{
    struct options options;
    char state[PATH_LEN], database[PATH_LEN + 16] = "";

    serve_keep_signals();
    environment_hide();
    if (!options_parse(&options, "clsp", usage, argc, argv))
        return EXIT_USAGE;
    if (options.help)
        return EXIT_OK;
    if (options.unloadable)
        return EXIT_FAILED;
    if (options.config == NULL) {
        if (!find_state(&options, state)) {
            fputs("weir: neither $STATE_DIRECTORY nor $XDG_STATE_HOME nor $HOME is set; "
                  "say --state DIR or --config DIR\n",
                  stderr);
            return EXIT_FAILED;
        }
        if (make_directory(state) != 0) {
            fprintf(stderr, "weir: %s: %s\n", state, strerror(errno));
            return EXIT_FAILED;
        }
        snprintf(database, sizeof(database), "%s/weir.db", state);
    }
    struct serve_options serve = {
        .directory = options.config, .database = database, .listen = options.listen};
    return serve_run(&serve, ready) == 0 ? EXIT_OK : EXIT_FAILED;
}
