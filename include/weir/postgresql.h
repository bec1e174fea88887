/* SPDX-License-Identifier: MIT */
/*
 * PostgreSQL for programs that embed libweir: the driver, and libpq's handle behind a lease. Link
 * with weir-postgresql (pkg-config), and include libpq-fe.h for PGconn, which is struct pg_conn.
 *
 *     weir_registry_add_driver(registry, weir_postgresql_driver(), &error);
 *     ... weir_acquire(registry, "orders", NULL, deadline, &lease, &error) ...
 *     PGresult *result = PQexec(weir_postgresql_handle(&lease), "SELECT 1");
 *
 * The keys of its settings are in drivers/postgresql/README.md: host, port, database, user,
 * password, sslmode and more. Deadlines hold for what the driver does itself; what the borrower
 * does in libpq takes as long as it takes (statement_timeout, tcp_user_timeout).
 *
 * What the borrower leaves behind, when the lease is released with a status that keeps the backend
 * connection:
 *
 *   - an open transaction, failed or not, is rolled back;
 *   - a statement still running, a COPY or results not read to their end close the connection, as
 *     does a pipeline with results in it;
 *   - everything else of the session stays, and the next borrower finds it: SET without LOCAL,
 *     LISTEN, prepared statements, temporary tables, cursors WITH HOLD, advisory locks, and what
 *     was set in libpq (a notice processor). Undo it, or release with WEIR_ELOST, which closes.
 *
 * Prepared statements called weir_0, weir_1 ... are weir's own. The session begins with
 * synchronous_commit at least on, unless the settings' options say otherwise.
 *
 * Interrupted (migration_timeout, close), a lease can send nothing more; then its statement is
 * cancelled at the server, and at last its socket shut down: calls in libpq fail. Release it then
 * with WEIR_EINTERRUPTED.
 */
#ifndef WEIR_POSTGRESQL_H
#define WEIR_POSTGRESQL_H

#include <weir/driver.h>
#include <weir/export.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_lease;
struct pg_conn;

/*
 * The driver, to be made known by weir_registry_add_driver. Static. A function rather than an
 * object, so that a program need not know the size of struct weir_driver.
 */
WEIR_EXPORT const struct weir_driver *weir_postgresql_driver(void);

/*
 * The connection behind a lease; NULL if nothing is held, or by another driver. Borrowed until the
 * release: not for PQfinish or PQreset. It is in non-blocking mode (PQsetnonblocking): PQexec and
 * its like wait all the same, the PQsend... and PQputCopyData may have to be repeated; switch the
 * mode as you like, the release switches back. For the thread that holds the lease.
 */
WEIR_EXPORT struct pg_conn *weir_postgresql_handle(const struct weir_lease *lease);

#ifdef __cplusplus
}
#endif

#endif
