/* SPDX-License-Identifier: MIT */
/*
 * weir status: the daemon's status as a table for people, or as it is.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "client.h"

static const char usage[] =
    "usage: weir status [--config DIR | --admin ADDRESS] [--token TOKEN] [--json]\n"
    "\nHow a running daemon stands, a line for each connection.\n" CLIENT_USAGE;

static long long number(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

static const char *word(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "-" : text;
}

/* The newest thing that is wrong with any of its versions. */
static const char *trouble(const json_t *connection)
{
    json_t *version;
    size_t i;

    json_array_foreach(json_object_get(connection, "versions"), i, version)
    {
        const json_t *error = json_object_get(version, "last_error");
        if (json_is_object(error))
            return word(error, "message");
    }
    return "-";
}

static long long sum(const json_t *connection, const char *key)
{
    json_t *version;
    size_t i;
    long long total = 0;

    json_array_foreach(json_object_get(connection, "versions"), i, version) total +=
        number(json_object_get(version, "size"), key);
    return total;
}

/* What becomes of it at the moment. */
static const char *state_of(const json_t *connection)
{
    json_t *version;
    size_t i;

    if (json_is_true(json_object_get(connection, "removed")))
        return "removed";
    if (json_is_true(json_object_get(connection, "paused")))
        return "paused";
    json_array_foreach(json_object_get(connection, "versions"), i, version)
    {
        const char *state = word(version, "state");
        if (strcmp(state, "staging") == 0 || strcmp(state, "active") == 0)
            return state;
    }
    return "unused";
}

static void print_connections(const json_t *root)
{
    const char *name;
    json_t *one;

    printf("status %s, %lld active requests\n", word(root, "status"),
           number(root, "active_requests"));
    printf("%-24s %-11s %7s %-8s %4s %4s %6s %7s %6s  %s\n", "CONNECTION", "TYPE", "VERSION",
           "STATE", "OPEN", "IDLE", "LEASED", "WAITING", "ACTIVE", "LAST ERROR");
    json_object_foreach(json_object_get(root, "connections"), name, one) printf(
        "%-24s %-11s %7lld %-8s %4lld %4lld %6lld %7lld %6lld  %s\n", name, word(one, "type"),
        number(one, "version"), state_of(one), sum(one, "open"), sum(one, "idle"),
        sum(one, "leased"), number(json_object_get(one, "queue"), "waiting"),
        number(one, "active_requests"), trouble(one));
}

int verb_status(int argc, char **argv)
{
    struct options options;
    struct client_answer answer;

    if (!options_parse(&options, "catj", usage, argc, argv))
        return EXIT_USAGE;
    if (options.help)
        return EXIT_OK;
    if (!client_ask(&options, "GET", "/admin/status", "", &answer))
        return EXIT_FAILED;
    return client_show(&options, &answer, print_connections);
}
