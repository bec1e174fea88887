/* SPDX-License-Identifier: MIT */
/*
 * Owns: reading the settings that say which servers may be connected to.
 * Never does: judge an address (outbound.c). Lock: none.
 */
#include "reach.h"

#include <string.h>

int reach_read(struct outbound *outbound, const struct weir_settings *settings,
               struct weir_error *error)
{
    const char *allow = weir_settings_string(settings, "allow_addresses", NULL);
    const char *deny = weir_settings_string(settings, "deny_addresses", NULL);
    int status = outbound_init(outbound, allow, deny, true, error);

    outbound->unix_sockets =
        weir_settings_boolean(settings, "allow_unix", outbound->allow.count == 0);
    return status;
}

int reach_validate(const struct weir_settings *settings, struct weir_error *error)
{
    struct outbound outbound;
    int status = reach_read(&outbound, settings, error);

    outbound_fini(&outbound);
    return status;
}
