/* SPDX-License-Identifier: MIT */
/*
 * weir reload: asks the daemon to reload, waits for the first probes, prints what became of each
 * connection.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "client.h"

static const char usage[] =
    "usage: weir reload [--config DIR | --admin ADDRESS] [--token TOKEN] [--strict] [--json]\n"
    "\n"
    "  --config DIR     where to find the daemon's address and token (server.json)\n"
    "  --admin ADDRESS  host:port or unix:/path, instead\n"
    "  --token TOKEN    instead of the configured one or $WEIR_ADMIN_TOKEN\n"
    "  --strict         change nothing unless every changed connection can be proven at once\n"
    "\n"
    "Exit codes: 0 applied (a connection may be staging still: the table says why), 1 refused.\n";

static void print_outcomes(const json_t *root)
{
    const char *name;
    json_t *one, *key;
    size_t i;

    printf("%-24s %7s OUTCOME\n", "CONNECTION", "VERSION");
    json_object_foreach(json_object_get(root, "connections"), name, one)
    {
        const json_t *reason = json_object_get(one, "reason");
        printf("%-24s %7lld %-9s", name,
               (long long)json_integer_value(json_object_get(one, "version")),
               json_string_value(json_object_get(one, "outcome")));
        if (reason != NULL)
            printf(" %s", json_string_value(reason));
        printf("\n");
    }
    json_array_foreach(json_object_get(root, "restart_required"), i, key)
        printf("%s: needs a restart to take effect\n", json_string_value(key));
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

/* As weir check prints them. */
static void print_error(const json_t *error)
{
    const char *file = text_of(error, "file"), *pointer = text_of(error, "pointer");
    long long line = (long long)json_integer_value(json_object_get(error, "line"));

    fprintf(stderr, "%s:", file[0] == '\0' ? "weir" : file);
    if (line > 0)
        fprintf(stderr, "%lld:", line);
    fprintf(stderr, " %s%s%s\n", pointer, pointer[0] == '\0' ? "" : ": ",
            text_of(error, "message"));
}

static void print_errors(const json_t *root)
{
    json_t *error;
    size_t i;

    json_array_foreach(json_object_get(root, "errors"), i, error) print_error(error);
    if (json_object_get(root, "errors") == NULL)
        fprintf(stderr, "weir: refused: %s\n", text_of(root, "title"));
}

int verb_reload(int argc, char **argv)
{
    struct options options;
    struct client_answer answer;

    if (!options_parse(&options, "catSj", usage, argc, argv))
        return EXIT_USAGE;
    if (options.help)
        return EXIT_OK;
    if (!client_ask(&options, "POST", "/admin/reload",
                    options.strict ? "{\"strict\":true}" : "{\"strict\":false}", &answer))
        return EXIT_FAILED;
    json_t *root = json_loads(answer.body == NULL ? "" : answer.body, 0, NULL);
    if (options.json)
        printf("%s\n", answer.body == NULL ? "" : answer.body);
    else if (answer.status == 200)
        print_outcomes(root);
    else
        print_errors(root);
    json_decref(root);
    free(answer.body);
    return answer.status == 200 ? EXIT_OK : EXIT_FAILED;
}
