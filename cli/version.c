/* SPDX-License-Identifier: MIT */
/* weir version: what it is, and what backends it was built with. */
#include <stdio.h>

#include "config.h"
#include "verbs.h"

static const char usage[] = "usage: weir version [--json]\n"
                            "\n"
                            "Prints the version and the backends it was built with.\n";

static void print_backends(const char *before, const char *between)
{
    for (const struct weir_driver *const *at = backend_drivers; *at != NULL; at++)
        printf("%s%s%s", at == backend_drivers ? "" : between, before, (*at)->name);
}

int verb_version(int argc, char **argv)
{
    struct options options;

    if (!options_parse(&options, "j", usage, argc, argv))
        return EXIT_USAGE;
    if (options.help)
        return EXIT_OK;
    if (options.json) {
        printf("{\"version\":\"%s\",\"backends\":[\"", WEIR_VERSION);
        print_backends("", "\",\"");
        printf("\"]}\n");
    } else {
        printf("weir %s (", WEIR_VERSION);
        print_backends("", ", ");
        printf(")\n");
    }
    return EXIT_OK;
}
