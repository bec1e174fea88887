/* SPDX-License-Identifier: MIT */
/* What the drivers of servers share: the settings that say which of them may be connected to. */
#ifndef DRIVERS_REACH_H
#define DRIVERS_REACH_H

#include <weir/driver.h>

#include "outbound.h"

/* Rows for a driver's table. The daemon fills them from `outbound` in server.json, for all alike.
 */
#define REACH_SETTINGS                                                               \
    {"allow_addresses",                                                              \
     WEIR_SETTING_STRING,                                                            \
     0,                                                                              \
     0,                                                                              \
     0,                                                                              \
     "all but cloud metadata",                                                       \
     "addresses and networks that alone may be connected to"},                       \
        {"deny_addresses",                                                           \
         WEIR_SETTING_STRING,                                                        \
         0,                                                                          \
         0,                                                                          \
         0,                                                                          \
         NULL,                                                                       \
         "addresses and networks that may not be connected to"},                     \
    {                                                                                \
        "allow_unix", WEIR_SETTING_BOOLEAN, 0, 0, 0, "true without allow_addresses", \
            "Unix sockets may be connected to"                                       \
    }

/* What those settings say. As outbound_init: fini it all the same. */
int reach_read(struct outbound *outbound, const struct weir_settings *settings,
               struct weir_error *error);

/* Is it well-formed? For a driver's validate. */
int reach_validate(const struct weir_settings *settings, struct weir_error *error);

#endif
