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
                                        "application/vnd.api+json; profile=a",
                                        ("application/json; x=\"a;charset=b\\\";charset=c\"; "
                                         "charset=utf-8")};

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
                                          "application/json; x=y; charset=utf-16",
                                          "application/json; x=\"a;\"; charset=utf-16"};

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (media_is_json(refused[i]))
            CHECK_STRING("taken", refused[i]);
}

static void compressed_bodies_are_not_plain(void)
{
    CHECK_INT(media_coding(NULL), MEDIA_PLAIN);
    CHECK_INT(media_coding("Identity"), MEDIA_PLAIN);
    CHECK_INT(media_coding("gzip"), MEDIA_GZIP);
    CHECK_INT(media_coding("X-Gzip"), MEDIA_GZIP);
    CHECK_INT(media_coding("deflate"), MEDIA_UNKNOWN);
    CHECK_INT(media_coding("gzip, gzip"), MEDIA_UNKNOWN);
    CHECK_INT(media_coding(""), MEDIA_UNKNOWN);
}

static void a_form_says_so(void)
{
    CHECK(media_is_form("application/x-www-form-urlencoded"));
    CHECK(media_is_form("Application/X-WWW-Form-Urlencoded ; charset=UTF-8"));
    CHECK(!media_is_form(NULL));
    CHECK(!media_is_form("application/x-www-form-urlencoded; charset=latin1"));
    CHECK(!media_is_form("application/x-www-form-urlencoded2"));
    CHECK(!media_is_form("multipart/form-data; boundary=x"));
    CHECK(!media_is_form("application/json"));
}

TEST_MAIN(TEST(json_and_its_kin_are_taken), TEST(everything_else_is_not),
          TEST(compressed_bodies_are_not_plain), TEST(a_form_says_so))
