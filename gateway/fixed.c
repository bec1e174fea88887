/* SPDX-License-Identifier: MIT */
/*
 * Owns: the keys that need a restart, as they were at the start.
 * Never does: apply one. Lock: none; written before the threads start.
 */
#include "fixed.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

int fixed_init(struct fixed *fixed, const struct config_server *server, bool listen_given)
{
    fixed->listen_given = listen_given;
    fixed->loops = server->loops;
    fixed->migration_timeout = server->migration_timeout;
    fixed->listen = strdup(server->listen);
    if (server->admin_listen != NULL)
        fixed->admin_listen = strdup(server->admin_listen);
    bool lacks =
        fixed->listen == NULL || (server->admin_listen != NULL && fixed->admin_listen == NULL);
    return lacks ? WEIR_ENOMEM : 0;
}

void fixed_fini(struct fixed *fixed)
{
    free(fixed->listen);
    free(fixed->admin_listen);
    memset(fixed, 0, sizeof(*fixed));
}

static bool differ(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a != b : strcmp(a, b) != 0;
}

static void note(json_t *keys, const char *key, bool different)
{
    if (!different)
        return;
    log_event(LOG_WARNING, "restart-required", "file", "server.json", "key", key, NULL);
    json_array_append_new(keys, json_string(key));
}

json_t *fixed_differences(const struct fixed *fixed, const struct config_server *server)
{
    json_t *keys = json_array();

    note(keys, "listen", !fixed->listen_given && differ(fixed->listen, server->listen));
    note(keys, "admin_listen", differ(fixed->admin_listen, server->admin_listen));
    note(keys, "loops", fixed->loops != server->loops);
    note(keys, "migration_timeout", fixed->migration_timeout != server->migration_timeout);
    return keys;
}
