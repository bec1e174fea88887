/* SPDX-License-Identifier: MIT */
/*
 * weir convert: writes the array form of files in map form. Also what weir check says of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "mapform.h"
#include "source.h"
#include "verbs.h"

static const char usage[] =
    "usage: weir convert --config DIR [--output DIR]\n"
    "\n"
    "Writes webhooks.json of the map form, {\"<id>\": {\"module\": ...}}, in the array form to "
    "standard\n"
    "output. Variables and secrets stay as they are written.\n"
    "  --output  write connections.json and webhooks.json into this directory, which must have "
    "neither\n"
    "\n"
    "Exit codes: 0 ok, 1 not written, 2 usage, 3 something in the files has no counterpart.\n";

#define FORM (JSON_INDENT(2) | JSON_PRESERVE_ORDER)

/* ---- Telling --------------------------------------------------------------------------------- */

static void tell_origins(const struct source *source, const char *to_file)
{
    struct source_cursor cursor = {.member = NULL};

    for (size_t i = 0; i < source->origins.count; i++) {
        const struct origin *origin = &source->origins.items[i];
        unsigned line = source_line_next(source, origin->from, &cursor);
        if (strcmp(origin->to, MAPFORM_ALWAYS) == 0)
            printf("%s:%u: %s: as weir does in any case\n", source->file, line, origin->from);
        else if (origin->to[0] != '/')
            printf("%s:%u: %s -> %s\n", source->file, line, origin->from, origin->to);
        else if (strcmp(origin->from, origin->to) != 0)
            printf("%s:%u: %s -> %s %s\n", source->file, line, origin->from, to_file, origin->to);
    }
}

void convert_tell(const char *directory)
{
    struct source connections, webhooks;
    struct problems problems;

    problems_init(&problems);
    if (config_open_files(directory, &connections, &webhooks, &problems)) {
        tell_origins(&connections, "connections.json");
        tell_origins(&webhooks, "webhooks.json");
    }
    source_close(&connections);
    source_close(&webhooks);
    problems_fini(&problems);
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* A file that is there already is somebody's. */
static bool write_file(const char *directory, const char *name, const json_t *root)
{
    char path[4096];
    FILE *file = NULL;

    if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path)) {
        fprintf(stderr, "weir: %s: the path is too long\n", directory);
        return false;
    }
    int fd =
        open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600); /* there are secrets in it */
    if (fd >= 0)
        file = fdopen(fd, "w");
    bool good = file != NULL && json_dumpf(root, file, FORM) == 0 && fputc('\n', file) != EOF &&
                fflush(file) == 0 && fsync(fd) == 0;
    if (!good)
        fprintf(stderr, "weir: %s: %s\n", path, strerror(errno));
    if (file != NULL)
        fclose(file);
    else if (fd >= 0)
        close(fd);
    if (good)
        printf("%s\n", path);
    else if (fd >= 0)
        unlink(path);
    return good;
}

static bool write_both(const char *directory, const json_t *connections, const json_t *webhooks)
{
    if (mkdir(directory, 0750) != 0 && errno != EEXIST) {
        fprintf(stderr, "weir: %s: %s\n", directory, strerror(errno));
        return false;
    }
    if (!write_file(directory, "connections.json", connections))
        return false;
    if (write_file(directory, "webhooks.json", webhooks))
        return true;
    /* Half of it would be taken for a configuration, and be in the way of the next attempt. */
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        unlinkat(fd, "connections.json", 0);
        close(fd);
    }
    return false;
}

static int convert(const struct options *options, struct problems *problems)
{
    struct source connections, webhooks;
    int code = EXIT_CHECK;

    if (config_open_files(options->config, &connections, &webhooks, problems)) {
        bool good = true;
        if (options->output != NULL)
            good = write_both(options->output, connections.root, webhooks.root);
        else
            good = json_dumpf(webhooks.root, stdout, FORM) == 0 && puts("") >= 0;
        if (options->output == NULL && webhooks.origins.count > 0)
            fputs("weir: connections.json changes, too; --output DIR writes both\n", stderr);
        code = good ? EXIT_OK : EXIT_FAILED;
    }
    source_close(&connections);
    source_close(&webhooks);
    return code;
}

int verb_convert(int argc, char **argv)
{
    struct options options;
    struct problems problems;

    if (!options_parse(&options, "co", usage, argc, argv))
        return EXIT_USAGE;
    if (options.help)
        return EXIT_OK;
    if (options.config == NULL) {
        fprintf(stderr, "weir: --config is required\n%s", usage);
        return EXIT_USAGE;
    }
    problems_init(&problems);
    int code = convert(&options, &problems);
    check_print(&problems);
    problems_fini(&problems);
    return code;
}
