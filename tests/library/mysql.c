/* SPDX-License-Identifier: MIT */
/* MySQL: what becomes of what a borrower leaves behind, and of one who does not come back. */
#include "house.h"

#include <mysql.h>
#include <weir/mysql.h>

static MYSQL *my;

static bool run(const char *sql)
{
    if (mysql_query(my, sql) == 0)
        return true;
    snprintf(error.detail, sizeof(error.detail), "%s", mysql_error(my));
    return false;
}

static int number(const char *sql)
{
    MYSQL_RES *result = run(sql) ? mysql_store_result(my) : NULL;
    MYSQL_ROW row = result == NULL ? NULL : mysql_fetch_row(result);
    int value = row == NULL || row[0] == NULL ? -1 : atoi(row[0]);

    mysql_free_result(result);
    return value;
}

static void take_my(void)
{
    take();
    my = weir_mysql_handle(&lease);
    HOLDS(my != NULL);
}

static unsigned long again(void)
{
    give();
    take_my();
    return mysql_thread_id(my);
}

static void what_is_left_behind(void)
{
    unsigned long id = mysql_thread_id(my);

    HOLDS(run("CREATE TABLE t (a int) ENGINE=InnoDB"));
    HOLDS(run("START TRANSACTION") && run("INSERT INTO t VALUES (1)"));
    HOLDS(again() == id && number("SELECT count(*) FROM t") == 0);
    HOLDS(run("SET autocommit = 0") && run("INSERT INTO t VALUES (1)"));
    HOLDS(again() == id && number("SELECT count(*) FROM t") == 0);
    HOLDS(number("SELECT @@autocommit") == 1);
    HOLDS(run("SET @kept = 7"));
    HOLDS(again() == id && number("SELECT @kept") == 7); /* stays, as the header says */
    HOLDS(run("SELECT 1 UNION SELECT 2"));               /* nobody fetches it */
    HOLDS(again() != id);
    id = mysql_thread_id(my);
    HOLDS(run("SELECT 1 UNION SELECT 2"));
    MYSQL_RES *result = mysql_use_result(my);
    HOLDS(result != NULL && mysql_fetch_row(result) != NULL);
    give();
    mysql_free_result(result); /* libmariadb lets results outlive their connection */
    take_my();
    HOLDS(mysql_thread_id(my) != id);
}

static void *sleep_long(void *nothing)
{
    HOLDS(!run("SELECT SLEEP(600)"));
    HOLDS(!run("SELECT SLEEP(600)")); /* nor after it */
    HOLDS(weir_release(registry, &lease, WEIR_EINTERRUPTED) == 0);
    mysql_thread_end();
    return nothing;
}

int main(int argc, char **argv)
{
    pthread_t borrower;

    (void)argc;
    set_up(weir_mysql_driver(), argv + 2);
    HOLDS(weir_mysql_handle(&lease) == NULL);
    take_my();
    if (strcmp(argv[1], "left") == 0)
        what_is_left_behind();
    HOLDS(pthread_create(&borrower, NULL, sleep_long, NULL) == 0);
    wait_for_the_test(argv[1]);
    close_under(borrower);
    tear_down();
    return 0;
}
