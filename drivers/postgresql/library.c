/* SPDX-License-Identifier: MIT */
/*
 * Owns: what libweir-postgresql gives to programs: the driver, and the handle behind a lease.
 * Never does: use the handle; how that ends well is driver.c's. Lock: none.
 */
#include <sys/socket.h>
#include <weir/postgresql.h>
#include <weir/registry.h>

#include "conn.h"

const struct weir_driver *weir_postgresql_driver(void)
{
    return &postgresql_driver;
}

/* What is lent too late for an interrupt to see it is shut down here. */
struct pg_conn *weir_postgresql_handle(const struct weir_lease *lease)
{
    if (lease->conn == NULL || lease->driver != &postgresql_driver)
        return NULL;
    struct pg_session *conn = lease->conn;
    atomic_store(&conn->lent, true);
    if (wake_raised(&conn->wake))
        shutdown(atomic_load(&conn->socket) - 1, SHUT_RDWR);
    return conn->pg;
}
