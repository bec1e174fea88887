/* SPDX-License-Identifier: MIT */
/* What the drivers of servers share: the settings that say which of them may be connected to. */
#ifndef DRIVERS_REACH_H
#define DRIVERS_REACH_H

#include <weir/driver.h>

#include "outbound.h"

#define REACH_ROW(name, kind, fallback, help)              \
    {                                                      \
        name, WEIR_SETTING_##kind, 0, 0, 0, fallback, help \
    }

/* Rows for a driver's table; the daemon fills them in for all alike ("outbound" in server.json). */
#define REACH_SETTINGS                                                    \
    REACH_ROW("allow_addresses", STRING, "all but cloud metadata",        \
              "addresses and networks that alone may be connected to"),   \
        REACH_ROW("deny_addresses", STRING, NULL,                         \
                  "addresses and networks that may not be connected to"), \
        REACH_ROW("allow_unix", BOOLEAN, "true without allow_addresses",  \
                  "Unix sockets may be connected to")

/* What those settings say. As outbound_init: fini it all the same. */
int reach_read(struct outbound *outbound, const struct weir_settings *settings,
               struct weir_error *error);

/* Is it well-formed? For a driver's validate. */
int reach_validate(const struct weir_settings *settings, struct weir_error *error);

#endif
