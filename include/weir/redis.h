/* SPDX-License-Identifier: MIT */
/*
 * Redis for programs that embed libweir: the driver, and a hiredis context behind a lease. Link
 * with weir-redis (pkg-config), and include hiredis/hiredis.h for redisContext.
 *
 * The keys of its settings are in drivers/redis/README.md: host, port, database, user, password and
 * more. Deadlines hold for what the driver does itself; what the borrower does in hiredis takes as
 * long as it takes (redisSetTimeout).
 *
 * What the borrower leaves behind, when the lease is released with a status that keeps the backend
 * connection, is undone in one round trip (DISCARD, UNWATCH, SELECT): an open MULTI, WATCH, another
 * database. Commands not sent, replies not read, a subscription, or a context in error close the
 * connection. CLIENT settings, such as its name or tracking, stay. A context that was not asked for
 * costs nothing.
 *
 * Interrupted (migration_timeout, close), a lease has its socket shut down: calls in hiredis fail.
 * Release it then with WEIR_EINTERRUPTED. hiredis writes without MSG_NOSIGNAL: a program ignores
 * SIGPIPE, or a server that went away ends it.
 */
#ifndef WEIR_REDIS_H
#define WEIR_REDIS_H

#include <weir/driver.h>
#include <weir/export.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_lease;
struct redisContext;

/*
 * The driver, to be made known by weir_registry_add_driver. Static. A function rather than an
 * object, so that a program need not know the size of struct weir_driver.
 */
WEIR_EXPORT const struct weir_driver *weir_redis_driver(void);

/*
 * A blocking context on the connection behind a lease; NULL if nothing is held, or by another
 * driver, or without memory. Borrowed until the release: not for redisFree or redisReconnect. For
 * the thread that holds the lease.
 */
WEIR_EXPORT struct redisContext *weir_redis_handle(const struct weir_lease *lease);

#ifdef __cplusplus
}
#endif

#endif
