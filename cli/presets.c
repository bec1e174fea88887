/* SPDX-License-Identifier: MIT */
/*
 * weir presets: the providers whose signatures weir knows, and how it knows them.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "challenge.h"
#include "presets.h"
#include "verbs.h"

static const char usage[] =
    "usage: weir presets [list] [--json]\n"
    "       weir presets show NAME\n"
    "\n"
    "  list       a line for each; this is the default\n"
    "  show NAME  what an entry of \"auth\" would say without the preset; add a secret and use it\n"
    "\n"
    "Exit codes: 0 ok, 2 usage, or no such preset.\n";

static int list(bool json)
{
    size_t count;
    const struct preset *all = presets_all(&count);
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++) {
        if (json)
            json_array_append_new(
                array, json_pack("{s:s,s:s}", "name", all[i].name, "about", all[i].about));
        else
            printf("%-18s %s\n", all[i].name, all[i].about);
    }
    if (json) {
        json_dumpf(array, stdout, JSON_INDENT(1));
        puts("");
    }
    json_decref(array);
    return EXIT_OK;
}

static int show(const char *name)
{
    struct weir_error error = {.status = 0};
    json_t *preset = preset_load(name, &error);
    json_t *object = preset == NULL ? NULL : json_pack("{s:s}", "type", "signature");

    if (object == NULL || json_object_update(object, preset) != 0) {
        fprintf(stderr, "weir: %s\n", error.detail);
        json_decref(preset);
        return EXIT_USAGE;
    }
    json_dumpf(object, stdout, JSON_INDENT(1));
    puts("");
    if (challenge_of(name) != CHALLENGE_NONE)
        fprintf(stderr,
                "weir: without the preset, \"challenge\": \"%s\" must stand beside \"auth\"\n",
                name);
    json_decref(object);
    json_decref(preset);
    return EXIT_OK;
}

int verb_presets(int argc, char **argv)
{
    struct options options;

    if (!options_parse(&options, "jW", usage, argc, argv))
        return EXIT_USAGE;
    if (options.help)
        return EXIT_OK;
    if (options.words_count == 2 && strcmp(options.words[0], "show") == 0)
        return show(options.words[1]);
    if (options.words_count == 0 ||
        (options.words_count == 1 && strcmp(options.words[0], "list") == 0))
        return list(options.json);
    fputs(usage, stderr);
    return EXIT_USAGE;
}
