/* SPDX-License-Identifier: MIT */
/* Each scenario file is one test case. */
#include <stdio.h>
#include <string.h>

#include "scenario.h"

int main(int argc, char **argv)
{
    bool all = argc > 1;

    printf("1..%d\n", argc - 1);
    for (int i = 1; i < argc; i++) {
        bool ok = scenario_run(argv[i]);
        const char *name = strrchr(argv[i], '/') == NULL ? argv[i] : strrchr(argv[i], '/') + 1;
        printf("%s %d - %s\n", ok ? "ok" : "not ok", i, name);
        all = all && ok;
    }
    return all ? 0 : 1;
}
