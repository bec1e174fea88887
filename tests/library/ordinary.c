/* SPDX-License-Identifier: MIT */
/* An ordinary program, as C and as C++: a registry, a change, a driver that is not there. */
#include <stdio.h>
#include <weir/weir.h>

int main(void)
{
    struct weir_registry *registry = NULL;
    struct weir_settings *settings = NULL;
    struct weir_keeper *keeper = NULL;
    struct weir_lease lease;
    struct weir_error error;

    if (weir_registry_new(&registry, NULL, &error) != 0 ||
        weir_keeper_start(&keeper, registry, 1, &error) != 0 ||
        weir_settings_new(&settings, "nothing", &error) != 0)
        return 1;
    int status = weir_acquire(registry, "orders", NULL, weir_now(), &lease, &error);
    puts(weir_status_name(status));
    weir_settings_unref(&settings);
    weir_registry_close(registry, weir_now());
    weir_keeper_drain(keeper, WEIR_NEVER);
    weir_keeper_stop(&keeper);
    weir_registry_free(&registry);
    return 0;
}
