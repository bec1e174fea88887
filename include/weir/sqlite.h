/* SPDX-License-Identifier: MIT */
/*
 * SQLite for programs that embed libweir: the driver, and the database behind a lease. Link with
 * weir-sqlite (pkg-config), and include sqlite3.h for sqlite3.
 *
 * The keys of its settings are in drivers/sqlite/README.md: path, create, synchronous. Databases
 * are opened with a write-ahead log and without SQLite's own mutex; pool_max_size is 1 unless the
 * settings say otherwise (several may read while one writes).
 *
 * What the borrower leaves behind, when the lease is released with a status that keeps the backend
 * connection:
 *
 *   - statements half run are reset, and an open transaction is rolled back;
 *   - statements are the borrower's to finalize before the release. Those left are finalized when
 *     the connection closes, and may not be used after the release;
 *   - everything else stays, and the next borrower finds it: PRAGMA, ATTACH, temporary tables,
 *     functions. Undo it, or release with WEIR_ELOST, which closes.
 *
 * The busy handler and the progress handler are the driver's: they keep deadlines and interrupts.
 *
 * Interrupted (migration_timeout, close), what runs on a lease fails with SQLITE_INTERRUPT, and so
 * does what is started after that. Release it then with WEIR_EINTERRUPTED.
 */
#ifndef WEIR_SQLITE_H
#define WEIR_SQLITE_H

#include <stdint.h>

#include <weir/driver.h>
#include <weir/export.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_lease;
struct sqlite3;

/*
 * The driver, to be made known by weir_registry_add_driver. Static. A function rather than an
 * object, so that a program need not know the size of struct weir_driver.
 */
WEIR_EXPORT const struct weir_driver *weir_sqlite_driver(void);

/*
 * The database behind a lease; NULL if nothing is held, or by another driver. Borrowed until the
 * release: not for sqlite3_close. For the thread that holds the lease.
 */
WEIR_EXPORT struct sqlite3 *weir_sqlite_handle(const struct weir_lease *lease);

/*
 * Until when what is run on the handle may take (absolute; see weir_now): past that statements fail
 * with SQLITE_INTERRUPT, and waits for a lock with SQLITE_BUSY. Without it, or with WEIR_NEVER,
 * statements take as long as they take, and a lock is waited for five seconds. Holds until the
 * release or the next call. WEIR_EINVAL if the lease is not one of this driver.
 */
WEIR_EXPORT int weir_sqlite_set_deadline(const struct weir_lease *lease, int64_t deadline);

#ifdef __cplusplus
}
#endif

#endif
