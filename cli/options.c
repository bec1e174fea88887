/* SPDX-License-Identifier: MIT */
/*
 * Owns: the options of all verbs. Never does: act on one, but for loading plugins. Lock: none.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "verbs.h"

static const struct {
    const char *name;
    char letter;
    bool has_value;
} known[] = {{"--config", 'c', true},   {"--admin", 'a', true},   {"--token", 't', true},
             {"--listen", 'l', true},   {"--state", 's', true},   {"--json", 'j', false},
             {"--connect", 'C', false}, {"--strict", 'S', false}, {"--plugin", 'p', true},
             {"--output", 'o', true}};

/* At once, and in the order they were named. */
static void load(struct options *options, const char *path)
{
    struct weir_error error = {.status = 0};
    char *absolute = realpath(path, NULL);

    if (absolute == NULL || backends_load(absolute, &error) != 0) {
        fprintf(stderr, "weir: plugin %s: %s\n", path,
                absolute == NULL ? strerror(errno) : error.detail);
        options->unloadable = true;
    }
    free(absolute);
}

static void set(struct options *options, char letter, const char *value)
{
    switch (letter) {
    case 'c': options->config = value; break;
    case 'a': options->admin = value; break;
    case 't': options->token = value; break;
    case 'l': options->listen = value; break;
    case 's': options->state = value; break;
    case 'o': options->output = value; break;
    case 'p': load(options, value); break;
    case 'j': options->json = true; break;
    case 'C': options->connect = true; break;
    default: options->strict = true; break;
    }
}

static bool refuse(const char *usage, const char *what, const char *argument)
{
    fprintf(stderr, "weir: %s: %s\n%s", what, argument, usage);
    return false;
}

/* "--name value" or "--name=value". */
static bool parse_one(struct options *options, const char *allowed, const char *usage, int *at,
                      int argc, char **argv)
{
    const char *argument = argv[*at];
    size_t len = strcspn(argument, "=");

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strlen(known[i].name) != len || strncmp(known[i].name, argument, len) != 0 ||
            strchr(allowed, known[i].letter) == NULL)
            continue;
        const char *value = argument[len] == '=' ? argument + len + 1 : NULL;
        if (!known[i].has_value && value != NULL)
            return refuse(usage, "takes no value", argument);
        if (known[i].has_value && value == NULL && *at + 1 < argc)
            value = argv[++*at];
        if (known[i].has_value && value == NULL)
            return refuse(usage, "needs a value", argument);
        set(options, known[i].letter, value);
        return true;
    }
    return refuse(usage, "unknown argument", argument);
}

static bool add_word(struct options *options, const char *allowed, const char *usage, char *word)
{
    if (strchr(allowed, 'W') == NULL || options->words_count == OPTIONS_WORDS_MAX)
        return refuse(usage, "unknown argument", word);
    options->words[options->words_count++] = word;
    return true;
}

bool options_parse(struct options *options, const char *allowed, const char *usage, int argc,
                   char **argv)
{
    bool words = false;

    memset(options, 0, sizeof(*options));
    for (int i = 1; i < argc; i++) {
        if (words || (argv[i][0] != '-' && strchr(allowed, 'W') != NULL)) {
            if (!add_word(options, allowed, usage, argv[i]))
                return false;
            continue;
        }
        if (strcmp(argv[i], "--") == 0 && strchr(allowed, 'W') != NULL) {
            words = true;
            continue;
        }
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            options->help = true;
            fputs(usage, stdout);
            return true;
        }
        if (!parse_one(options, allowed, usage, &i, argc, argv))
            return false;
    }
    return true;
}
