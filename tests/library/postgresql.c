/* SPDX-License-Identifier: MIT */
/* PostgreSQL: what becomes of what a borrower leaves behind, and of one who does not come back. */
#include "house.h"

#include <libpq-fe.h>
#include <weir/postgresql.h>

static PGconn *pg;

static bool run(const char *sql)
{
    PGresult *result = PQexec(pg, sql);
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        snprintf(error.detail, sizeof(error.detail), "%s", PQerrorMessage(pg));
    PQclear(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static int number(const char *sql)
{
    PGresult *result = PQexec(pg, sql);
    int value = PQntuples(result) == 1 ? atoi(PQgetvalue(result, 0, 0)) : -1;

    PQclear(result);
    return value;
}

static void take_pg(void)
{
    take();
    pg = weir_postgresql_handle(&lease);
    HOLDS(pg != NULL);
}

static int again(void)
{
    give();
    take_pg();
    return PQbackendPID(pg);
}

static void what_is_left_behind(void)
{
    int pid = PQbackendPID(pg);

    HOLDS(run("CREATE TABLE t (a int)"));
    HOLDS(run("BEGIN") && run("INSERT INTO t VALUES (1)"));
    HOLDS(again() == pid);
    HOLDS(PQtransactionStatus(pg) == PQTRANS_IDLE && number("SELECT count(*) FROM t") == 0);
    HOLDS(run("BEGIN") && !run("SELECT 1/0"));
    HOLDS(again() == pid && run("INSERT INTO t VALUES (1)"));
    HOLDS(PQenterPipelineMode(pg) == 1 && PQsetnonblocking(pg, 0) == 0);
    HOLDS(again() == pid && PQpipelineStatus(pg) == PQ_PIPELINE_OFF && PQisnonblocking(pg));
    HOLDS(run("SET search_path = pg_catalog")); /* stays, as the header says */
    HOLDS(again() == pid && number("SELECT (current_setting('search_path') = 'pg_catalog')::int"));
    HOLDS(PQsendQuery(pg, "SELECT 1") == 1);
    HOLDS(again() != pid);
    pid = PQbackendPID(pg);
    HOLDS(PQsendQuery(pg, "COPY public.t FROM STDIN") == 1);
    HOLDS(again() != pid);
    pid = PQbackendPID(pg);
    HOLDS(weir_release(registry, &lease, WEIR_ELOST) == 0);
    take_pg();
    HOLDS(PQbackendPID(pg) != pid);
}

static void *sleep_long(void *nothing)
{
    HOLDS(!run("SELECT pg_sleep(600)"));
    HOLDS(!run("SELECT pg_sleep(600)")); /* nor after it */
    HOLDS(weir_release(registry, &lease, WEIR_EINTERRUPTED) == 0);
    return nothing;
}

int main(int argc, char **argv)
{
    pthread_t borrower;

    (void)argc;
    set_up(weir_postgresql_driver(), argv + 2);
    HOLDS(weir_postgresql_handle(&lease) == NULL);
    take_pg();
    if (strcmp(argv[1], "left") == 0)
        what_is_left_behind();
    HOLDS(pthread_create(&borrower, NULL, sleep_long, NULL) == 0);
    wait_for_the_test(argv[1]);
    close_under(borrower);
    tear_down();
    return 0;
}
