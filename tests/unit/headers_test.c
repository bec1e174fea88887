/* SPDX-License-Identifier: MIT */
/*
 * Shows: what of a request's headers is stored, and that it is always valid JSON.
 */
#include "headers.h"

static const struct redact nothing;

#include <jansson.h>
#include <stdlib.h>

#include "test.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The object, parsed by somebody else. */
static json_t *stored(const struct request_header *headers, size_t count)
{
    size_t len;
    char *text = headers_json(headers, count, NULL, &nothing, &len);
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

    free(text);
    CHECK(root != NULL);
    return root;
}

static const char *value_of(const json_t *root, const char *name)
{
    return json_string_value(json_object_get(root, name));
}

static void none_is_an_empty_object(void)
{
    size_t len;
    char *text = headers_json(NULL, 0, NULL, &nothing, &len);

    CHECK_STRING(text, "{}");
    CHECK_INT((long long)len, 2);
    free(text);
}

static void repeated_names_are_joined(void)
{
    const struct request_header headers[] = {
        {"x-a", "1"}, {"host", "h"}, {"x-a", "2"}, {"x-a", ""}};
    json_t *root = stored(headers, COUNT(headers));

    CHECK_INT((long long)json_object_size(root), 2);
    CHECK_STRING(value_of(root, "x-a"), "1, 2, ");
    CHECK_STRING(value_of(root, "host"), "h");
    json_decref(root);
}

/* A gzip request is stored unpacked, beside what says that it is not. */
static void the_body_that_was_sent_is_not_described(void)
{
    const struct request_header headers[] = {{"content-encoding", "gzip"},
                                             {"content-length", "9"},
                                             {"transfer-encoding", "chunked"},
                                             {"content-type", "application/json"}};
    json_t *root = stored(headers, COUNT(headers));

    CHECK_INT((long long)json_object_size(root), 1);
    CHECK_STRING(value_of(root, "content-type"), "application/json");
    json_decref(root);
}

static void secrets_are_left_out(void)
{
    static const char *const secret[] = {
        "authorization",    "proxy-authorization",    "cookie",         "set-cookie",
        "stripe-signature", "x-hub-signature-256",    "x-gitlab-token", "x-shopify-hmac-sha256",
        "x-api-key",        "paypal-transmission-sig"};
    static const char *const plain[] = {"content-type", "user-agent", "x-github-event", "x-design",
                                        "x-sigma"};

    for (size_t i = 0; i < COUNT(secret); i++)
        CHECK(!headers_storable(secret[i]));
    for (size_t i = 0; i < COUNT(plain); i++)
        CHECK(headers_storable(plain[i]));
    const struct request_header headers[] = {{"cookie", "a=b"}, {"x", "y"}};
    json_t *root = stored(headers, COUNT(headers));
    CHECK_INT((long long)json_object_size(root), 1);
    json_decref(root);
}

static void odd_bytes_become_valid_json(void)
{
    const struct request_header headers[] = {{"x-quote", "say \"a\\b\"\t"},
                                             {"x-bad", "a\xff\xc0\xaf-\xe2\x82"},
                                             {"x-good", "\xc3\xa4\xf0\x9f\x98\x80"}};
    json_t *root = stored(headers, COUNT(headers));

    CHECK_STRING(value_of(root, "x-quote"), "say \"a\\b\"\t");
    CHECK_STRING(value_of(root, "x-bad"),
                 "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd-\xef\xbf\xbd\xef\xbf\xbd");
    CHECK_STRING(value_of(root, "x-good"), "\xc3\xa4\xf0\x9f\x98\x80");
    json_decref(root);
}

/* The first that do not fit are left out, and those that follow and fit are not. */
static void what_does_not_fit_is_left_out(void)
{
    char *wide = malloc(HEADERS_JSON_MAX);
    size_t len;

    memset(wide, '"', HEADERS_JSON_MAX - 1);
    wide[HEADERS_JSON_MAX - 1] = '\0';
    const struct request_header headers[] = {{"x-first", "1"}, {"x-wide", wide}, {"x-last", "2"}};
    char *text = headers_json(headers, COUNT(headers), NULL, &nothing, &len);
    CHECK(len <= HEADERS_JSON_MAX);
    CHECK_STRING(text, "{\"x-first\":\"1\",\"x-last\":\"2\"}");
    free(text);
    free(wide);
}

TEST_MAIN(TEST(none_is_an_empty_object), TEST(repeated_names_are_joined),
          TEST(the_body_that_was_sent_is_not_described), TEST(secrets_are_left_out),
          TEST(odd_bytes_become_valid_json), TEST(what_does_not_fit_is_left_out))
