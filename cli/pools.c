/* SPDX-License-Identifier: MIT */
/*
 * weir pools: the versions of each connection's pool as a table, and orders to one connection.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/settings.h>

#include "client.h"

#define PATH_LEN_MAX (3 * WEIR_NAME_MAX + 64) /* each byte of the name encoded */

static const char usage[] =
    "usage: weir pools [list] [OPTION...]\n"
    "       weir pools pause|resume|recycle NAME [OPTION...]\n"
    "       weir pools resize NAME MIN MAX [OPTION...]\n"
    "\n"
    "  list          a line for each version of each connection's pool; this is the default\n"
    "  pause NAME    lease nothing of this connection; webhooks wait, at most for their\n"
    "                acquisition_timeout, and what is under way is finished\n"
    "  resume NAME   end the pause\n"
    "  recycle NAME  replace its backend connections, one after the other, failing nothing\n"
    "  resize NAME MIN MAX  keep MIN of them at least and MAX at most, until the next reload\n"
    "\n" CLIENT_USAGE "\nExit codes: 0 ok, 1 failed or no such connection, 2 usage.\n";

static long long number(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

static const char *word(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "-" : text;
}

/* ---- The list -------------------------------------------------------------------------------- */

/* Why it is not as usual. */
static const char *reason_of(const json_t *connection, const json_t *version)
{
    bool active = strcmp(word(version, "state"), "active") == 0;

    if (active && json_is_true(json_object_get(connection, "paused")))
        return "paused";
    if (active && json_is_true(json_object_get(connection, "breaker_open")))
        return "nothing can be opened";
    if (active && json_is_true(json_object_get(connection, "recycling")))
        return "recycling";
    return word(version, "reason");
}

static void print_versions(const json_t *root)
{
    const char *name;
    json_t *one, *version;
    size_t i;

    printf("%-24s %7s %-11s %4s %4s %4s %6s %7s %10s  %s\n", "CONNECTION", "VERSION", "STATE",
           "MAX", "OPEN", "IDLE", "LEASED", "OPENING", "ACQUIRED", "REASON");
    json_object_foreach(json_object_get(root, "connections"), name, one)
        json_array_foreach(json_object_get(one, "versions"), i, version)
    {
        const json_t *size = json_object_get(version, "size");
        printf("%-24s %7lld %-11s %4lld %4lld %4lld %6lld %7lld %10lld  %s\n", name,
               number(version, "version"), word(version, "state"), number(size, "max"),
               number(size, "open"), number(size, "idle"), number(size, "leased"),
               number(size, "opening"), number(json_object_get(version, "totals"), "acquired"),
               reason_of(one, version));
    }
}

/* ---- Orders ---------------------------------------------------------------------------------- */

/* "/admin/pools/NAME/ORDER", the name percent-encoded byte for byte where it must be. */
static void make_path(char path[PATH_LEN_MAX], const char *name, const char *order)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    size_t n = (size_t)snprintf(path, PATH_LEN_MAX, "/admin/pools/");

    for (const char *at = name; *at != '\0'; at++)
        n += (size_t)snprintf(path + n, PATH_LEN_MAX - n,
                              strchr(plain, *at) != NULL ? "%c" : "%%%02X", (unsigned char)*at);
    snprintf(path + n, PATH_LEN_MAX - n, "/%s", order);
}

static void print_stand(const json_t *root)
{
    printf("%s: %s%s, %lld leased, %lld idle, %lld waiting\n", word(root, "connection"),
           json_is_true(json_object_get(root, "paused")) ? "paused" : "serving",
           json_is_true(json_object_get(root, "recycling")) ? ", recycling" : "",
           number(root, "leased"), number(root, "idle"), number(root, "waiting"));
}

/* How many words an order takes, itself included; 0 if it is none. */
static int words_of(const char *order)
{
    if (strcmp(order, "resize") == 0)
        return 4;
    bool plain = strcmp(order, "pause") == 0 || strcmp(order, "resume") == 0 ||
                 strcmp(order, "recycle") == 0;
    return plain ? 2 : 0;
}

static bool is_size(const char *word)
{
    size_t len = strlen(word);

    return len > 0 && len <= 6 && strspn(word, "0123456789") == len;
}

static int misused(const char *why)
{
    fprintf(stderr, "weir: %s\n%s", why, usage);
    return EXIT_USAGE;
}

static int give_order(const struct options *options)
{
    const char *const *words = options->words;
    char path[PATH_LEN_MAX], body[64] = "";
    struct client_answer answer;

    if (words[1][0] == '\0' || strlen(words[1]) > WEIR_NAME_MAX)
        return misused("a connection's name has 1 to 256 bytes");
    if (options->words_count == 4) {
        if (!is_size(words[2]) || !is_size(words[3]))
            return misused("a size is a whole number");
        snprintf(body, sizeof(body), "{\"min\":%lu,\"max\":%lu}", strtoul(words[2], NULL, 10),
                 strtoul(words[3], NULL, 10));
    }
    make_path(path, words[1], words[0]);
    if (!client_ask(options, "POST", path, body, &answer))
        return EXIT_FAILED;
    return client_show(options, &answer, print_stand);
}

static int list(const struct options *options)
{
    struct client_answer answer;

    if (!client_ask(options, "GET", "/admin/status", "", &answer))
        return EXIT_FAILED;
    return client_show(options, &answer, print_versions);
}

int verb_pools(int argc, char **argv)
{
    struct options options;

    if (!options_parse(&options, "catjW", usage, argc, argv))
        return EXIT_USAGE;
    if (options.help)
        return EXIT_OK;
    const char *what = options.words_count > 0 ? options.words[0] : "list";
    if (strcmp(what, "list") == 0 && options.words_count <= 1)
        return list(&options);
    if (words_of(what) > 0 && words_of(what) == options.words_count)
        return give_order(&options);
    return misused("pools takes list, or an order and what belongs to it");
}
