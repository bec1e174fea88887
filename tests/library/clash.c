/* SPDX-License-Identifier: MIT */
/* A program whose own functions are called like some inside the libraries. */
#include <stdio.h>
#include <weir/weir.h>

int sha256_init(void);
int clock_now(void);
int registry_find(void);
int dial_connect(void);
int wake_raise(void);

int sha256_init(void)
{
    return 1;
}

int clock_now(void)
{
    return 2;
}

int registry_find(void)
{
    return 4;
}

int dial_connect(void)
{
    return 8;
}

int wake_raise(void)
{
    return 16;
}

int main(void)
{
    struct weir_registry *registry = NULL;
    struct weir_keeper *keeper = NULL;
    struct weir_error error;
    int failed = weir_registry_new(&registry, NULL, &error) ||
                 weir_keeper_start(&keeper, registry, 0, &error);

    if (failed)
        return 1;
    weir_registry_close(registry, weir_now());
    weir_keeper_drain(keeper, WEIR_NEVER);
    weir_keeper_stop(&keeper);
    weir_registry_free(&registry);
    printf("%d\n", sha256_init() + clock_now() + registry_find() + dial_connect() + wake_raise());
    return 0;
}
