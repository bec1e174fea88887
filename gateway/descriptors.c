/* SPDX-License-Identifier: MIT */
/*
 * Owns: dividing the process's descriptors between clients and everything else.
 * Never does: count what is open. Lock: none.
 */
#include "descriptors.h"

#include <stdio.h>
#include <sys/resource.h>

#include "log.h"

#define OWN         64 /* files, listeners, event queues, clients that are being turned away */
#define PER_BACKEND 3  /* SQLite has a file, its log and its index open */

void descriptors_raise(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static rlim_t allowed(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
}

static rlim_t needed(const struct config *config)
{
    rlim_t sum = OWN * (rlim_t)(1 + config->server.loops);

    for (size_t i = 0; i < config->connections_count; i++)
        sum += PER_BACKEND * (rlim_t)config->connections[i].max_size;
    return sum;
}

/* A quarter of what there is, at least: with fewer descriptors than backends both must live. */
unsigned descriptors_for_clients(const struct config *config)
{
    rlim_t all = allowed(), backends = needed(config), clients;

    clients = all > backends + all / 4 ? all - backends : all / 4;
    return clients < config->server.connections_max ? (unsigned)clients
                                                    : config->server.connections_max;
}

void descriptors_complain(const struct config *config)
{
    char limit[24], clients[24];
    unsigned count = descriptors_for_clients(config);

    if (count == config->server.connections_max)
        return;
    snprintf(limit, sizeof(limit), "%llu", (unsigned long long)allowed());
    snprintf(clients, sizeof(clients), "%u", count);
    log_event(LOG_WARNING, "descriptors-few", "limit", limit, "clients", clients, "detail",
              "limits.connections is not reached, so that backends find theirs; raise "
              "RLIMIT_NOFILE (LimitNOFILE=, ulimit -Hn)",
              NULL);
}
