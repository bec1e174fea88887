/* SPDX-License-Identifier: MIT */
/*
 * MySQL and MariaDB for programs that embed libweir: the driver, and libmariadb's handle behind a
 * lease. Link with weir-mysql (pkg-config), and include mysql.h for MYSQL, which is
 * struct st_mysql.
 *
 * The keys of its settings are in drivers/mysql/README.md: host, port, database, user, password,
 * ssl_mode and more. Deadlines hold for what the driver does itself; what the borrower does in
 * libmariadb takes as long as it takes (max_statement_time).
 *
 * A session begins in strict sql_mode, with the time zone UTC and autocommit. What the borrower
 * leaves behind, when the lease is released with a status that keeps the backend connection:
 *
 *   - an open transaction is rolled back, and autocommit is on again;
 *   - a result that was not read to its end (mysql_use_result, several statements) closes the
 *     connection;
 *   - everything else of the session stays, and the next borrower finds it: SET, user variables,
 *     USE, LOCK TABLES, GET_LOCK, temporary tables, and prepared statements, which are the
 *     borrower's to close. Undo it, or release with WEIR_ELOST, which closes.
 *
 * Interrupted (migration_timeout, close), a lease has its connection killed at the server, then its
 * socket shut down: calls in libmariadb fail. Release it then with WEIR_EINTERRUPTED.
 *
 * A thread that used the handle calls mysql_thread_end before it ends, as libmariadb asks.
 */
#ifndef WEIR_MYSQL_H
#define WEIR_MYSQL_H

#include <weir/driver.h>
#include <weir/export.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_lease;
struct st_mysql;

/*
 * The driver, to be made known by weir_registry_add_driver. Static. A function rather than an
 * object, so that a program need not know the size of struct weir_driver.
 */
WEIR_EXPORT const struct weir_driver *weir_mysql_driver(void);

/*
 * The connection behind a lease; NULL if nothing is held, or by another driver. Borrowed until the
 * release: not for mysql_close or mysql_change_user. Both the blocking and the split
 * (mysql_..._start) calls may be used. For the thread that holds the lease.
 */
WEIR_EXPORT struct st_mysql *weir_mysql_handle(const struct weir_lease *lease);

#ifdef __cplusplus
}
#endif

#endif
