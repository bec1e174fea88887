/* SPDX-License-Identifier: MIT */
/*
 * Owns: libzdb's ConnectionPool as one of the pools that are measured. It only pools connections
 * to databases, so this one is to SQLite in memory, and it pings (SELECT 1) on each acquire.
 * SQLite's open is wrapped, so that it takes and counts what the fake server's does.
 * Never does: wait in line: libzdb has no waiters, its callers try again.
 * Lock: none; the pool has its own, replace.c another for when its password changes.
 */
#include "peer.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include <sqlite3.h>
#include <zdb.h>

#include "replace.h"

const char *const peer_name = "libzdb";
const char *const peer_has_no_waiters = "it has no waiters and no way to say broken";

#define ADDRESSES 4096 /* connections it ever had; a power of two */

struct ticket {
    Connection_T connection;
    ConnectionPool_T pool;
    struct generation *generation; /* NULL unless the password changes in this mode */
};

/* libzdb hides the pointer to what it opened, so a connection's resource is found by address. */
static struct {
    _Atomic(Connection_T) connection;
    struct resource resource;
} table[ADDRESSES];

static ConnectionPool_T present;
static URL_T url;
static unsigned size;
static bool replacing;

/* ---- SQLite's open and close, as libzdb finds them ------------------------------------------- */

int sqlite3_open_v2(const char *path, sqlite3 **out, int flags, const char *vfs)
{
    static int (*real)(const char *, sqlite3 **, int, const char *);
    struct resource counted = {0};

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "sqlite3_open_v2");
    *out = NULL;
    return backend_open(&counted, 0) ? real(path, out, flags, vfs) : SQLITE_CANTOPEN;
}

int sqlite3_close(sqlite3 *db)
{
    static int (*real)(sqlite3 *);
    struct resource counted = {.up = db != NULL};

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "sqlite3_close");
    backend_close(&counted);
    return real(db);
}

/* ---- The pool -------------------------------------------------------------------------------- */

static struct resource *resource_of(Connection_T connection)
{
    size_t at = (uintptr_t)connection / 16 * 2654435761u % ADDRESSES;

    for (size_t i = 0; i < ADDRESSES; i++, at = (at + 1) % ADDRESSES) {
        Connection_T there = atomic_load_explicit(&table[at].connection, memory_order_acquire);
        if (there == NULL &&
            atomic_compare_exchange_strong(&table[at].connection, &there, connection))
            there = connection;
        if (there == connection)
            return &table[at].resource;
    }
    frame_die("too many connections");
}

static ConnectionPool_T pool_new(void)
{
    ConnectionPool_T pool = ConnectionPool_new(url);

    ConnectionPool_setInitialConnections(pool, 0);
    ConnectionPool_setMaxConnections(pool, (int)size);
    ConnectionPool_start(pool);
    return pool;
}

static void pool_free(void *pointer)
{
    ConnectionPool_T pool = pointer;

    ConnectionPool_free(&pool);
}

void peer_start(unsigned max, int64_t patience)
{
    (void)patience;
    size = max;
    if (url == NULL)
        url = URL_new("sqlite:///:memory:");
    present = pool_new();
}

bool peer_take(struct held *held, int64_t deadline)
{
    struct ticket *ticket = (struct ticket *)held->room;

    ticket->generation = replacing ? generation_enter() : NULL;
    ticket->pool = replacing ? ticket->generation->pool : present;
    while ((ticket->connection = ConnectionPool_getConnection(ticket->pool)) == NULL) {
        if (clock_ns() >= deadline) {
            if (replacing)
                generation_leave(ticket->generation);
            return false;
        }
        sched_yield();
    }
    held->resource = resource_of(ticket->connection);
    if (replacing)
        held->resource->password = ticket->generation->password;
    return true;
}

bool peer_try(struct held *held)
{
    return peer_take(held, 0);
}

void peer_give(struct held *held, bool broken)
{
    struct ticket *ticket = (struct ticket *)held->room;

    (void)broken;
    Connection_close(ticket->connection);
    if (ticket->generation != NULL)
        generation_leave(ticket->generation);
}

bool peer_rotates_in_place(void)
{
    return false;
}

void peer_expect_rotation(void)
{
    replacing = true;
    generation_set(present, 1, pool_free);
}

void peer_rotate(unsigned password)
{
    generation_set(pool_new(), password, pool_free);
    frame_switched(password);
}

bool peer_resize(unsigned max)
{
    ConnectionPool_setMaxConnections(present, (int)max);
    return true;
}

bool peer_close(void)
{
    return false;
}

void peer_stop(void)
{
    if (replacing)
        generation_end();
    else
        pool_free(present);
}
