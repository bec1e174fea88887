/* SPDX-License-Identifier: MIT */
/*
 * Owns: what libweir-rabbitmq gives to programs: the driver, and the handle behind a lease.
 * Never does: use the handle; how that ends well is driver.c's. Lock: none.
 */
#include <weir/rabbitmq.h>
#include <weir/registry.h>

#include "conn.h"

const struct weir_driver *weir_rabbitmq_driver(void)
{
    return &rabbitmq_driver;
}

struct amqp_connection_state_t_ *weir_rabbitmq_handle(const struct weir_lease *lease)
{
    if (lease->conn == NULL || lease->driver != &rabbitmq_driver)
        return NULL;
    struct rabbit_conn *conn = lease->conn;
    conn->lent = true;
    return conn->state;
}
