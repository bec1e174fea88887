/* SPDX-License-Identifier: MIT */
/*
 * Shows: where paths lead, with and without a listener of the admin side's own.
 */
#include "route.h"

#include "test.h"

const struct weir_driver *const backend_drivers[] = {NULL};
const struct weir_sink *const backend_sinks[] = {NULL};

static char id_a[] = "a", id_b[] = "b", path_a[] = "/a", path_b[] = "/a/b";
static struct config_webhook entries[] = {{.id = id_a, .path = path_a},
                                          {.id = id_b, .path = path_b}};
static const struct config config = {.webhooks = entries, .webhooks_count = 2};

static struct route find(const char *path, bool split, bool admin)
{
    const struct request request = {.path = path, .path_len = strlen(path), .admin = admin};

    return route_find(&config, split, &request);
}

static void paths_match_whole(void)
{
    CHECK(find("/a", false, false).entry == &entries[0]);
    CHECK(find("/a/b", false, false).entry == &entries[1]);
    CHECK_STRING(find("/a", false, false).allow, "POST");
    CHECK_INT(find("/a/", false, false).kind, ROUTE_NONE);
    CHECK_INT(find("/A", false, false).kind, ROUTE_NONE);
    CHECK_INT(find("/", false, false).kind, ROUTE_NONE);
    CHECK_INT(find("/healthz/", false, false).kind, ROUTE_NONE);
}

static void one_listener_serves_all(void)
{
    CHECK_INT(find("/healthz", false, false).kind, ROUTE_HEALTH);
    CHECK_INT(find("/admin/status", false, false).kind, ROUTE_STATUS);
    CHECK(find("/admin/status", false, false).admin);
    CHECK_STRING(find("/admin/reload", false, false).allow, "POST");
    CHECK_INT(find("/a", false, true).kind, ROUTE_WEBHOOK);
}

static void two_listeners_share_only_the_probes(void)
{
    static const char *const both[] = {"/healthz", "/readyz", "/metrics"};

    for (size_t i = 0; i < 3; i++) {
        CHECK(find(both[i], true, false).kind != ROUTE_NONE);
        CHECK(find(both[i], true, true).kind != ROUTE_NONE);
        CHECK(!find(both[i], true, true).admin);
    }
    CHECK_INT(find("/admin/reload", true, false).kind, ROUTE_NONE);
    CHECK_INT(find("/admin/reload", true, true).kind, ROUTE_RELOAD);
    CHECK_INT(find("/admin/pools/a/pause", true, false).kind, ROUTE_NONE);
    CHECK_INT(find("/admin/pools/a/pause", true, true).kind, ROUTE_POOL);
    CHECK_INT(find("/a", true, false).kind, ROUTE_WEBHOOK);
    CHECK_INT(find("/a", true, true).kind, ROUTE_NONE);
}

TEST_MAIN(TEST(paths_match_whole), TEST(one_listener_serves_all),
          TEST(two_listeners_share_only_the_probes))
