/* SPDX-License-Identifier: MIT */
/*
 * Out of memory, in every scenario: each file is run once for each allocation in it, with that one
 * failing. No invariant may break, nobody may be left waiting, and nothing may leak.
 */
#include <stdio.h>
#include <string.h>

#include "failing.h"
#include "scenario.h"

static bool survives(const char *path, unsigned long nth)
{
    long before = failing_live();

    failing_begin(nth);
    bool good = scenario_survive(path);
    if (failing_live() != before) {
        printf("# %ld allocations have leaked\n", failing_live() - before);
        good = false;
    }
    if (!good)
        printf("# with allocation %lu failing\n", nth);
    return good;
}

/* Once with none failing, to count them. */
static bool survives_all(const char *path, unsigned long *total)
{
    bool good = survives(path, 0);
    unsigned long count = failing_calls();

    for (unsigned long nth = 1; nth <= count && good; nth++)
        good = survives(path, nth);
    *total += count;
    return good;
}

int main(int argc, char **argv)
{
    bool all = argc > 1;
    unsigned long total = 0;

    printf("1..%d\n", argc - 1);
    for (int i = 1; i < argc; i++) {
        bool ok = survives_all(argv[i], &total);
        const char *name = strrchr(argv[i], '/') == NULL ? argv[i] : strrchr(argv[i], '/') + 1;
        printf("%s %d - %s, out of memory\n", ok ? "ok" : "not ok", i, name);
        all = all && ok;
    }
    printf("# %lu allocations, each failed once\n", total);
    return all ? 0 : 1;
}
