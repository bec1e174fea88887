/* SPDX-License-Identifier: MIT */
/*
 * Shows: which Content-Type and Content-Encoding are taken for JSON.
 */
#include "media.h"

#include "test.h"

static void json_and_its_kin_are_taken(void)
{
    static const char *const taken[] = {"application/json",
                                        "Application/JSON",
                                        "application/json; charset=utf-8",
                                        "application/json;charset=\"UTF-8\" ; x=y",
                                        "application/json ;",
                                        "application/cloudevents+json",
                                        "application/vnd.api+json; profile=a"};

    CHECK(media_is_json(NULL));
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        if (!media_is_json(taken[i]))
            CHECK_STRING("refused", taken[i]);
}

static void everything_else_is_not(void)
{
    static const char *const refused[] = {"",
                                          "text/plain",
                                          "text/json",
                                          "application/jsonp",
                                          "application/+json",
                                          "application/json, text/plain",
                                          "application/x-www-form-urlencoded",
                                          "application/json; charset=latin1",
                                          "application/json; charset = utf-8",
                                          "application/json; charset=\"utf-8",
                                          "application/json; x=y; charset=utf-16"};

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (media_is_json(refused[i]))
            CHECK_STRING("taken", refused[i]);
}

static void compressed_bodies_are_not_plain(void)
{
    CHECK(media_is_plain(NULL));
    CHECK(media_is_plain("Identity"));
    CHECK(!media_is_plain("gzip"));
    CHECK(!media_is_plain(""));
}

TEST_MAIN(TEST(json_and_its_kin_are_taken), TEST(everything_else_is_not),
          TEST(compressed_bodies_are_not_plain))
