/* SPDX-License-Identifier: MIT */
/* weir version: what it is, and what backends it was built with. */
#include <stdio.h>

#include "backends.h"
#include "verbs.h"

static const char usage[] = "usage: weir version [--json]\n"
                            "\n"
                            "Prints the version and the backends it was built with.\n";

static void print_backends(const char *before, const char *between)
{
    const struct weir_driver *drivers[BACKENDS_MAX];
    size_t count = backends_all(drivers);

    for (size_t i = 0; i < count; i++)
        printf("%s%s%s", i == 0 ? "" : between, before, drivers[i]->name);
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
