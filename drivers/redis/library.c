/* SPDX-License-Identifier: MIT */
/*
 * Owns: what libweir-redis gives to programs: the driver, and the handle behind a lease.
 * Never does: use the handle; how that ends well is driver.c's. Lock: none.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <weir/redis.h>
#include <weir/registry.h>

#include "conn.h"

const struct weir_driver *weir_redis_driver(void)
{
    return &redis_driver;
}

/* hiredis blocks where the descriptor does; the driver's own calls say that they do not. */
static redisContext *make_context(struct redis_conn *conn)
{
    int flags = fcntl(conn->fd - 1, F_GETFL);

    if (flags < 0 || fcntl(conn->fd - 1, F_SETFL, flags & ~O_NONBLOCK) != 0)
        return NULL;
    return redisConnectFd(conn->fd - 1);
}

/* What is lent too late for an interrupt to see it is shut down here. */
struct redisContext *weir_redis_handle(const struct weir_lease *lease)
{
    if (lease->conn == NULL || lease->driver != &redis_driver)
        return NULL;
    struct redis_conn *conn = lease->conn;
    if (conn->borrowed == NULL)
        conn->borrowed = make_context(conn);
    if (conn->borrowed == NULL)
        return NULL;
    atomic_store(&conn->lent, true);
    if (wake_raised(&conn->wake))
        shutdown(conn->fd - 1, SHUT_RDWR);
    return conn->borrowed;
}
