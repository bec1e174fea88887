/* SPDX-License-Identifier: MIT */
/*
 * Owns: driving libmariadb's split calls with a deadline, and turning errors into statuses.
 * Never does: leave a split call half done; it is always driven to its end.
 * Lock: none; what another thread may touch is atomic.
 */
#include "conn.h"

#include <errmsg.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"

#define KILL_TIMEOUT (1 * CLOCK_SECOND) /* to reach the server past an operation's deadline */

/* ---- Errors ---------------------------------------------------------------------------------- */

static int fail_with(int status, unsigned number, const char *state, const char *text,
                     struct weir_error *error)
{
    char native[WEIR_ERROR_NATIVE_MAX];

    if (status != 0)
        return status; /* told already: a deadline, an interrupt */
    snprintf(native, sizeof(native), "%u %.5s", number, state);
    status = my_classify(native);
    weir_fail(error, status, "%s", text[0] == '\0' ? "no reason given" : text);
    if (error != NULL)
        memcpy(error->native, native, sizeof(native));
    return status;
}

int my_fail(struct my_conn *conn, int status, struct weir_error *error)
{
    return fail_with(status, mysql_errno(conn->mysql), mysql_sqlstate(conn->mysql),
                     mysql_error(conn->mysql), error);
}

int my_fail_statement(MYSQL_STMT *statement, int status, struct weir_error *error)
{
    return fail_with(status, mysql_stmt_errno(statement), mysql_stmt_sqlstate(statement),
                     mysql_stmt_error(statement), error);
}

/* ---- Waiting --------------------------------------------------------------------------------- */

void my_unblock(struct my_conn *conn, bool unblocked)
{
    int fd = mysql_get_socket(conn->mysql);
    int flags = fcntl(fd, F_GETFL);

    if (conn->tls && flags >= 0)
        fcntl(fd, F_SETFL, unblocked ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

/* With TLS libmariadb takes no notice of a time-out, and must find its socket dead. */
void my_wait(struct my_conn *conn, int *wait, int64_t deadline, int *status,
             struct weir_error *error)
{
    short events = 0;

    if (*wait & MYSQL_WAIT_READ)
        events |= POLLIN;
    if (*wait & MYSQL_WAIT_WRITE)
        events |= POLLOUT;
    if (*wait & MYSQL_WAIT_EXCEPT)
        events |= POLLPRI;
    if (*status == 0)
        *status = wake_wait(&conn->wake, mysql_get_socket(conn->mysql), events, deadline, error);
    if (*status != 0 && conn->tls)
        shutdown(mysql_get_socket(conn->mysql), SHUT_RDWR);
    *wait = *status == 0 ? *wait & ~MYSQL_WAIT_TIMEOUT : MYSQL_WAIT_TIMEOUT;
}

static int query(struct my_conn *conn, const char *sql, size_t len, int64_t deadline,
                 struct weir_error *error)
{
    int failed, status = 0;
    int wait = mysql_real_query_start(&failed, conn->mysql, sql, len);

    while (wait != 0) {
        my_wait(conn, &wait, deadline, &status, error);
        wait = mysql_real_query_cont(&failed, conn->mysql, wait);
    }
    return failed != 0 || status != 0 ? my_fail(conn, status, error) : 0;
}

static int store_result(struct my_conn *conn, int64_t deadline, MYSQL_RES **out,
                        struct weir_error *error)
{
    int status = 0;
    int wait = mysql_store_result_start(out, conn->mysql);

    while (wait != 0) {
        my_wait(conn, &wait, deadline, &status, error);
        wait = mysql_store_result_cont(out, conn->mysql, wait);
    }
    if (status == 0 && *out != NULL)
        return 0;
    mysql_free_result(*out);
    *out = NULL;
    return my_fail(conn, status, error);
}

int my_run(struct my_conn *conn, const char *sql, size_t len, int64_t deadline, MYSQL_RES **out,
           struct weir_error *error)
{
    int status = query(conn, sql, len, deadline, error);

    if (out != NULL)
        *out = NULL;
    if (status == 0 && out != NULL)
        status = store_result(conn, deadline, out, error);
    if (status == WEIR_EDEADLINE)
        my_give_up(conn);
    return status;
}

void my_give_up(struct my_conn *conn)
{
    struct weir_settings *settings = atomic_exchange(&conn->settings, NULL);

    if (settings != NULL)
        my_kill(settings, conn->number, atomic_load(&conn->thread_id),
                clock_add(clock_now(), KILL_TIMEOUT));
}
