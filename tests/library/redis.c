/* SPDX-License-Identifier: MIT */
/* Redis: what becomes of what a borrower leaves behind, and of one who does not come back. */
#include "house.h"

#include <hiredis/hiredis.h>
#include <signal.h>
#include <weir/redis.h>

static redisContext *re;

/* A number, a status or a string, as text; NULL for an error. */
static const char *ask(const char *command)
{
    static char text[64];
    redisReply *reply = redisCommand(re, command);

    if (reply == NULL || reply->type == REDIS_REPLY_ERROR) {
        snprintf(error.detail, sizeof(error.detail), "%s", reply == NULL ? re->errstr : reply->str);
        if (reply != NULL)
            freeReplyObject(reply);
        return NULL;
    }
    if (reply->type == REDIS_REPLY_INTEGER)
        snprintf(text, sizeof(text), "%lld", reply->integer);
    else
        snprintf(text, sizeof(text), "%s", reply->str == NULL ? "nil" : reply->str);
    freeReplyObject(reply);
    return text;
}

static bool is(const char *command, const char *wanted)
{
    const char *answer = ask(command);

    return answer != NULL && strcmp(answer, wanted) == 0;
}

static void take_re(void)
{
    take();
    re = weir_redis_handle(&lease);
    HOLDS(re != NULL);
}

static long again(void)
{
    give();
    take_re();
    const char *id = ask("CLIENT ID");
    return id == NULL ? -1 : atol(id);
}

static void what_is_left_behind(void)
{
    long id = again();

    HOLDS(id > 0);
    HOLDS(is("SET a 1", "OK") && is("WATCH a", "OK") && is("MULTI", "OK") &&
          is("SET a 2", "QUEUED"));
    HOLDS(again() == id && is("GET a", "1"));
    HOLDS(is("SELECT 3", "OK") && is("SET only-there 1", "OK"));
    HOLDS(again() == id && is("EXISTS only-there", "0"));
    HOLDS(redisAppendCommand(re, "PING") == REDIS_OK); /* never sent */
    long next = again();
    HOLDS(next != id);
    HOLDS(ask("SUBSCRIBE news") != NULL);
    id = again();
    HOLDS(id != next && id > 0);
    give(); /* a lease whose handle is not asked for */
    take();
    give();
    take_re();
    HOLDS(again() == id);
}

static void *sleep_long(void *nothing)
{
    HOLDS(ask("BLPOP nothing 600") == NULL);
    HOLDS(ask("BLPOP nothing 600") == NULL); /* nor after it */
    HOLDS(weir_release(registry, &lease, WEIR_EINTERRUPTED) == 0);
    return nothing;
}

int main(int argc, char **argv)
{
    pthread_t borrower;

    (void)argc;
    signal(SIGPIPE, SIG_IGN);
    set_up(weir_redis_driver(), argv + 2);
    HOLDS(weir_redis_handle(&lease) == NULL);
    take_re();
    if (strcmp(argv[1], "left") == 0)
        what_is_left_behind();
    HOLDS(pthread_create(&borrower, NULL, sleep_long, NULL) == 0);
    wait_for_the_test(argv[1]);
    close_under(borrower);
    tear_down();
    return 0;
}
