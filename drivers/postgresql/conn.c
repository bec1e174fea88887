/* SPDX-License-Identifier: MIT */
/*
 * Owns: waiting for PostgreSQL with a deadline, and turning what it says into statuses.
 * Never does: block in libpq, except in PQcancel, which runs on a spare thread.
 * Lock: none; what another thread may touch is atomic.
 */
#include "conn.h"

#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "spare.h"

#define CANCEL_TIMEOUT (1 * CLOCK_SECOND) /* to reach the server past an operation's deadline */

/* ---- Errors ---------------------------------------------------------------------------------- */

/* One line, for the log. */
static int fail_with(struct weir_error *error, int status, const char *sqlstate, const char *text)
{
    weir_fail(error, status, "%s", text);
    if (error == NULL)
        return status;
    snprintf(error->native, sizeof(error->native), "%s", sqlstate);
    size_t len = strlen(error->detail);
    while (len > 0 && isspace((unsigned char)error->detail[len - 1]))
        error->detail[--len] = '\0';
    for (char *at = error->detail; *at != '\0'; at++)
        if (*at == '\n' || *at == '\t')
            *at = ' ';
    return status;
}

static int fail_result(const PGresult *result, struct weir_error *error)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    if (sqlstate == NULL) /* libpq's own words: the connection is gone */
        return fail_with(error, WEIR_ELOST, "", PQresultErrorMessage(result));
    return fail_with(error, pg_classify(sqlstate), sqlstate, text == NULL ? "" : text);
}

/* In verbose messages the code stands after the severity: "FATAL:  28P01: password ...". */
static bool find_sqlstate(const char *message, char sqlstate[6])
{
    for (const char *at = strstr(message, ":  "); at != NULL; at = strstr(at + 1, ":  ")) {
        size_t n = strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        if (n == 5 && at[8] == ':') {
            memcpy(sqlstate, at + 3, 5);
            sqlstate[5] = '\0';
            return true;
        }
    }
    return false;
}

int pg_conn_fail(struct pg_session *conn, int fallback, struct weir_error *error)
{
    const char *message = PQerrorMessage(conn->pg);
    char sqlstate[6] = "";

    if (find_sqlstate(message, sqlstate))
        return fail_with(error, pg_classify(sqlstate), sqlstate, message);
    if (PQconnectionNeedsPassword(conn->pg))
        return fail_with(error, WEIR_EAUTH, "", "the server asks for a password, none is set");
    if (strstr(message, "SSL") != NULL || strstr(message, "certificate") != NULL)
        return fail_with(error, WEIR_ETLS, "", message);
    return fail_with(error, fallback, "", message[0] == '\0' ? "no reason given" : message);
}

/* ---- Cancelling ------------------------------------------------------------------------------ */

static void cancel_work(void *job)
{
    char message[256];

    PQcancel(job, message, sizeof(message));
}

static void cancel_discard(void *job)
{
    PQfreeCancel(job);
}

void pg_cancel(PGcancel *cancel, int64_t deadline)
{
    if (cancel != NULL && spare_run(cancel_work, cancel_discard, cancel, deadline) == 0)
        PQfreeCancel(cancel);
}

/* ---- Waiting --------------------------------------------------------------------------------- */

int pg_wait(struct pg_session *conn, short events, int64_t deadline, struct weir_error *error)
{
    return wake_wait(&conn->wake, PQsocket(conn->pg), events, deadline, error);
}

static int lost(struct pg_session *conn, struct weir_error *error)
{
    return pg_conn_fail(conn, WEIR_ELOST, error);
}

static int flush(struct pg_session *conn, int64_t deadline, struct weir_error *error)
{
    for (;;) {
        int left = PQflush(conn->pg);
        if (left == 0)
            return 0;
        if (left < 0)
            return lost(conn, error);
        int status = pg_wait(conn, POLLIN | POLLOUT, deadline, error);
        if (status != 0)
            return status;
        if (PQconsumeInput(conn->pg) == 0)
            return lost(conn, error);
    }
}

static int next_result(struct pg_session *conn, int64_t deadline, PGresult **result,
                       struct weir_error *error)
{
    while (PQisBusy(conn->pg)) {
        int status = pg_wait(conn, POLLIN, deadline, error);
        if (status != 0)
            return status;
        if (PQconsumeInput(conn->pg) == 0)
            return lost(conn, error);
    }
    *result = PQgetResult(conn->pg);
    return 0;
}

static bool is_failure(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY;
}

/* All results of what was sent; the first failure counts, else the last result is the answer. */
static int collect(struct pg_session *conn, int64_t deadline, PGresult **out,
                   struct weir_error *error)
{
    int verdict = 0;

    for (;;) {
        PGresult *result = NULL;
        int status = next_result(conn, deadline, &result, error);
        if (status != 0)
            return status;
        if (result == NULL)
            return verdict;
        if (verdict == 0 && is_failure(result))
            verdict = fail_result(result, error);
        if (out == NULL) {
            PQclear(result);
        } else {
            PQclear(*out);
            *out = result;
        }
    }
}

int pg_await(struct pg_session *conn, int sent, int64_t deadline, PGresult **out,
             struct weir_error *error)
{
    if (out != NULL)
        *out = NULL;
    if (sent == 0)
        return lost(conn, error);
    int status = flush(conn, deadline, error);
    if (status == 0)
        status = collect(conn, deadline, out, error);
    if (status == WEIR_EDEADLINE) {
        /* What was not answered in time must not be done later either. */
        pg_cancel(conn->own_cancel, clock_add(clock_now(), CANCEL_TIMEOUT));
        conn->own_cancel = NULL;
    }
    return status;
}

int pg_run(struct pg_session *conn, const char *sql, int64_t deadline, PGresult **out,
           struct weir_error *error)
{
    return pg_await(conn, PQsendQuery(conn->pg, sql), deadline, out, error);
}
