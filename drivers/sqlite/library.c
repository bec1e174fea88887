/* SPDX-License-Identifier: MIT */
/*
 * Owns: what libweir-sqlite gives to programs: the driver, and the handle behind a lease.
 * Never does: use the handle; how that ends well is driver.c's. Lock: none.
 */
#include <weir/registry.h>
#include <weir/sqlite.h>

#include "conn.h"

const struct weir_driver *weir_sqlite_driver(void)
{
    return &sqlite_driver;
}

static struct sqlite_conn *conn_of(const struct weir_lease *lease)
{
    return lease->conn != NULL && lease->driver == &sqlite_driver ? lease->conn : NULL;
}

struct sqlite3 *weir_sqlite_handle(const struct weir_lease *lease)
{
    struct sqlite_conn *conn = conn_of(lease);

    if (conn == NULL)
        return NULL;
    if (!conn->lent)
        conn->deadline = WEIR_NEVER;
    conn->lent = true;
    return conn->db;
}

int weir_sqlite_set_deadline(const struct weir_lease *lease, int64_t deadline)
{
    struct sqlite_conn *conn = conn_of(lease);

    if (conn == NULL)
        return WEIR_EINVAL;
    conn->lent = true;
    conn->deadline = deadline;
    return 0;
}
