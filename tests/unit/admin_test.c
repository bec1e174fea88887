/* SPDX-License-Identifier: MIT */
/*
 * Shows: who may use the admin API.
 */
#include "admin.h"

#include "backends.h"
#include "config.h"
#include "test.h"

const struct weir_driver *const backend_drivers[] = {NULL};
const struct weir_sink *const backend_sinks[] = {NULL};

/* The door's, without a door. */
static unsigned ask(const char *token, const char *header)
{
    const struct request_header headers[] = {{"authorization", header}};
    const struct request request = {.headers = headers, .headers_count = header != NULL};
    struct answer answer = {.status = 0};
    bool allowed = admin_allows(token, &request, &answer);
    unsigned status = allowed ? 200 : answer.status;
    bool challenged = answer.authenticate != NULL;

    answer_fini(&answer);
    CHECK(challenged == (status == 401));
    return status;
}

static void the_token_is_wanted_whole(void)
{
    CHECK_INT(ask("s3cret", "Bearer s3cret"), 200);
    CHECK_INT(ask("s3cret", "bearer   s3cret"), 200);
    CHECK_INT(ask("s3cret", "Bearer s3cre"), 401);
    CHECK_INT(ask("s3cret", "Bearer s3cret2"), 401);
    CHECK_INT(ask("s3cret", "Bearer S3cret"), 401);
    CHECK_INT(ask("s3cret", "Bearer "), 401);
    CHECK_INT(ask("s3cret", "Bearer"), 401);
    CHECK_INT(ask("s3cret", "Basic s3cret"), 401);
    CHECK_INT(ask("s3cret", "s3cret"), 401);
    CHECK_INT(ask("s3cret", NULL), 401);
}

static void without_one_it_is_disabled(void)
{
    CHECK_INT(ask(NULL, "Bearer s3cret"), 403);
    CHECK_INT(ask("", "Bearer "), 403);
    CHECK_INT(ask(NULL, NULL), 403);
}

TEST_MAIN(TEST(the_token_is_wanted_whole), TEST(without_one_it_is_disabled))
