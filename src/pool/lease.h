/* SPDX-License-Identifier: MIT */
/* What both ways to a lease, with and without the lock, write into it. */
#ifndef POOL_LEASE_H
#define POOL_LEASE_H

#include "pool.h"

/* By whoever has just swapped the word, or holds it. */
static inline void lease_fill(struct conn *conn, uint64_t number, struct weir_lease *lease)
{
    lease->conn = conn->bytes;
    lease->driver = conn->driver;
    lease->settings = conn->settings;
    lease->stamp = number;
    lease->version = conn->number;
    lease->home = conn;
    lease->serial = conn->endpoint->registry->serial;
}

#endif
