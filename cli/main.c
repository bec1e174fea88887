/* SPDX-License-Identifier: MIT */
/*
 * weir: webhooks in, rows out. Chooses the verb; exit codes are 0 ok, 1 failed, 2 usage, 3 check
 * failed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "json_wipe.h"
#include "verbs.h"

static const char usage[] =
    "usage: weir VERB [OPTION...]\n"
    "\n"
    "  serve     receive webhooks and store them\n"
    "  check     validate a configuration directory\n"
    "  convert   write files in map form in the array form\n"
    "  reload    have a running daemon read its configuration anew, and wait for the outcome\n"
    "  status    how a running daemon stands, a line for each connection\n"
    "  pools     the same, a line for each version; pause, resume, recycle, resize one\n"
    "  presets   providers whose signatures weir knows\n"
    "  verify    is a request signed as its provider would?\n"
    "  sign      sign a request, to try a webhook out\n"
    "  version   the version of weir and of what it was built with\n"
    "\n"
    "weir VERB --help says more. Exit codes: 0 ok, 1 failed, 2 usage, 3 check failed.\n";

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} verbs[] = {{"serve", verb_serve},    {"check", verb_check},   {"convert", verb_convert},
             {"reload", verb_reload},  {"status", verb_status}, {"pools", verb_pools},
             {"verify", verb_verify},  {"sign", verb_sign},     {"presets", verb_presets},
             {"version", verb_version}};

/* What could not be printed was not done. */
static int flushed(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fputs("weir: standard output cannot be written\n", stderr);
    return code == EXIT_OK ? EXIT_FAILED : code;
}

/*
 * A descriptor that is closed when weir starts would be the number of whatever is opened first: the
 * log would go into a file of somebody else. In its place comes what can be used for nothing.
 */
static bool keep_standard_numbers(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return false;
    return true;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";

    if (!keep_standard_numbers())
        return EXIT_FAILED;
    json_wipe_start();
    if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0 || strcmp(verb, "help") == 0) {
        fputs(usage, stdout);
        return flushed(EXIT_OK);
    }
    if (strcmp(verb, "--version") == 0)
        verb = "version";
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(verb, verbs[i].name) == 0)
            return flushed(verbs[i].run(argc - 1, argv + 1));
    if (verb[0] != '\0')
        fprintf(stderr, "weir: no verb is called %s\n", verb);
    fputs(usage, stderr);
    return EXIT_USAGE;
}
