/* SPDX-License-Identifier: MIT */
/*
 * Owns: what Redis's error replies mean for a backend connection and for a webhook.
 * (Redis protocol specification, "Simple errors": the first word is the kind.)
 * Never does: anything else. Lock: none.
 */
#include <string.h>

#include "conn.h"

/* The longest matching beginning decides: texts of ERR stand before their word. */
static const struct {
    const char *prefix;
    int status;
} codes[] = {
    {"LOADING", WEIR_EDOWN},        /* reading its data set after a start */
    {"MASTERDOWN", WEIR_EDOWN},     /* a replica that lost its master */
    {"CLUSTERDOWN", WEIR_EDOWN},    /* slots are not served */
    {"READONLY", WEIR_EREADONLY},   /* a replica */
    {"OOM", WEIR_ERESOURCE},        /* over maxmemory */
    {"MISCONF", WEIR_ERESOURCE},    /* cannot save to disk, and refuses writes for that */
    {"NOREPLICAS", WEIR_ERESOURCE}, /* min-replicas-to-write */
    {"BUSY", WEIR_ECONFLICT},       /* a script runs */
    {"TRYAGAIN", WEIR_ECONFLICT},   /* a cluster's slot is being moved */
    {"MOVED", WEIR_ESCHEMA},        /* another node of a cluster has this key */
    {"ASK", WEIR_ECONFLICT},        /* it is on its way there */
    {"CROSSSLOT", WEIR_ESCHEMA},
    {"WRONGTYPE", WEIR_ESCHEMA}, /* the key holds something else */
    {"NOAUTH", WEIR_EAUTH},
    {"WRONGPASS", WEIR_EAUTH},
    {"NOPERM", WEIR_EDENIED},
    {"ERR max number of clients", WEIR_ECROWDED},
    {"ERR invalid password", WEIR_EAUTH},
    {"ERR AUTH", WEIR_EAUTH}, /* a password was sent, none is set */
    {"ERR Client sent AUTH", WEIR_EAUTH},
    {"ERR DB index", WEIR_ECONFIG},
    {"ERR invalid DB index", WEIR_ECONFIG},
    {"ERR SELECT is not allowed", WEIR_ECONFIG},
    {"ERR unknown command", WEIR_ESCHEMA},
    {"ERR unknown subcommand", WEIR_ESCHEMA},
    {"ERR string exceeds maximum", WEIR_EREJECTED},
    {"ERR Protocol error: invalid bulk length", WEIR_EREJECTED}, /* over proto-max-bulk-len */
};

int redis_classify(const char *text)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        size_t len = strlen(codes[i].prefix);
        if (strncmp(text, codes[i].prefix, len) == 0)
            return codes[i].status;
    }
    return WEIR_EINTERNAL;
}
