/* SPDX-License-Identifier: MIT */
/*
 * Owns: what libweir-mysql gives to programs: the driver, and the handle behind a lease.
 * Never does: use the handle; how that ends well is driver.c's. Lock: none.
 */
#include <sys/socket.h>
#include <weir/mysql.h>
#include <weir/registry.h>

#include "conn.h"

const struct weir_driver *weir_mysql_driver(void)
{
    return &mysql_driver;
}

/* What is lent too late for an interrupt to see it is shut down here. */
struct st_mysql *weir_mysql_handle(const struct weir_lease *lease)
{
    if (lease->conn == NULL || lease->driver != &mysql_driver)
        return NULL;
    struct my_conn *conn = lease->conn;
    atomic_store(&conn->lent, true);
    my_unblock(conn, false);
    if (wake_raised(&conn->wake))
        shutdown(atomic_load(&conn->fd) - 1, SHUT_RDWR);
    return conn->mysql;
}
