/* SPDX-License-Identifier: MIT */
/* The check of a body: what RFC 8259 allows and nothing else, to the last byte. */
#include "test.h"

#include <stdint.h>
#include <stdlib.h>

#include "json.h"

static const struct json_limits limits = {.depth = 64, .string = SIZE_MAX};

static void check_all(const char *const *texts, size_t count, enum json_verdict want)
{
    for (size_t i = 0; i < count; i++) {
        enum json_verdict got = json_check(texts[i], strlen(texts[i]), &limits);
        if (got != want)
            printf("# %s: %s, not %s\n", texts[i], json_verdict_name(got), json_verdict_name(want));
        CHECK(got == want);
    }
}

#define CHECK_ALL(texts, want) check_all(texts, sizeof(texts) / sizeof((texts)[0]), want)

static void takes_what_is_json(void)
{
    static const char *const good[] = {
        "{}",
        "[]",
        "null",
        "true",
        " \t\r\n false \t\r\n",
        "0",
        "-0",
        "-0.0e+1",
        "123",
        "1e308",
        "1e400", /* no double, but a number all the same */
        "12345678901234567890123456789",
        "-12345678901234567890123456789.5",
        "\"\"",
        "\"\x7f\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uFFFF\"",
        "\"\\ud83d\\ude00 \\uD834\\uDD1E\"",
        "\"\\\\ud800\"", /* a backslash, then letters */
        "\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \xef\xbf\xbf \xf4\x8f\xbf\xbf\"",
        "\"\xe2\x80\xa8\"",
        "{\"a\":1,\"a\":2}", /* the last one counts */
        "{\"\":[{},[],\"\",{\"a\":[[1,2.5e-3,null]]}]}",
        "[1,2 , 3\n]"};

    CHECK_ALL(good, JSON_OK);
}

static void refuses_what_is_not(void)
{
    static const char *const bad[] = {"{",
                                      "}",
                                      "[",
                                      "]",
                                      "[1",
                                      "[1,]",
                                      "[,1]",
                                      "[1 2]",
                                      "[1,,2]",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{,}",
                                      "{a:1}",
                                      "{1:1}",
                                      "{'a':1}",
                                      "{\"a\" 1}",
                                      "[1:2]",
                                      "\"a",
                                      "\"a\\\"",
                                      "'a'",
                                      "a",
                                      "nul",
                                      "nulls",
                                      "True",
                                      "NaN",
                                      "Infinity",
                                      "-Infinity",
                                      "undefined",
                                      "01",
                                      "-01",
                                      "[01]",
                                      "-",
                                      "+1",
                                      ".5",
                                      "1.",
                                      "1.e5",
                                      "1e",
                                      "1e+",
                                      "0x10",
                                      "1_000",
                                      "--1",
                                      "- 1",
                                      "{}{}",
                                      "[][]",
                                      "{} x",
                                      "{}\"",
                                      "1 \"abc",
                                      "null\"\\",
                                      "1 2",
                                      "null null",
                                      "[] ]",
                                      "\"a\" \"b\"",
                                      "\"\\x\"",
                                      "\"\\u12\"",
                                      "\"\\u123g\"",
                                      "\"\\U0041\"",
                                      "\"\\\"",
                                      "\"a\nb\"",
                                      "\"a\tb\"",
                                      "\"\x01\"",
                                      "// c\n1",
                                      "/* c */ 1",
                                      "1 // c",
                                      "\xef\xbb\xbf{}",
                                      "[\"a\\ud83\"]",
                                      "\f1",
                                      "1\v",
                                      "[1,\f2]",
                                      "\"\v\"",
                                      "\xc2\xa0 1",
                                      "[1}",
                                      "{]",
                                      "{\"a\":1]",
                                      "=",
                                      "#",
                                      ",",
                                      ":",
                                      "[\"\",]",
                                      "[\"a\",\n4\n,1",
                                      "{\"a\":\"b\"}#",
                                      "[\"x\"",
                                      "[tru]",
                                      "1eE2",
                                      "[1.2a-3]"};

    CHECK_ALL(bad, JSON_SYNTAX);
}

static void refuses_nothing_at_all(void)
{
    static const char *const empty[] = {"", " ", "\r\n\t "};

    CHECK_ALL(empty, JSON_EMPTY);
}

static void refuses_what_is_not_utf8(void)
{
    static const char *const bad[] = {"\"\xff\"",
                                      "\"\x80\"",
                                      "\"\xc3\"",
                                      "\"\xc0\xaf\"", /* overlong */
                                      "\"\xe0\x80\xaf\"",
                                      "\"\xf0\x80\x80\xaf\"",
                                      "\"\xed\xa0\x80\"", /* a surrogate */
                                      "\"\xed\xbf\xbf\"",
                                      "\"\xf4\x90\x80\x80\"", /* past U+10FFFF */
                                      "\"12345678\xe2\x82",   /* cut off */
                                      "{}\xff"};

    CHECK_ALL(bad, JSON_ENCODING);
}

static void refuses_half_a_surrogate(void)
{
    static const char *const bad[] = {
        "\"\\ud800\"",         "\"\\uDFFF\"",
        "\"\\udc00\\ud800\"",  "\"\\ud800\\ud800\"",
        "\"\\ud800\\u0041\"",  "\"\\ud800\\n\"",
        "\"\\ud800 \\udc00\"", "\"\\ud800\\\\udc00\"",
        "{\"\\ud83d\":1}",     "[\"\\uD83D\\uDE00\\uD83D\"]",
        "\"\\\\\\ud800\"",     "[\"\\ud83d\",\"\\ude00\"]" /* in two strings, they are no pair */};

    CHECK_ALL(bad, JSON_SURROGATE);
}

static void refuses_nul_bytes(void)
{
    CHECK_INT(json_check("\0", 1, &limits), JSON_SYNTAX);
    CHECK_INT(json_check("1\0", 2, &limits), JSON_SYNTAX);
    CHECK_INT(json_check("\"a\0b\"", 5, &limits), JSON_SYNTAX);
    CHECK_INT(json_check("{}\0", 3, &limits), JSON_SYNTAX);
    CHECK_INT(json_check("[\0]", 3, &limits), JSON_SYNTAX);
}

static enum json_verdict check_nested(unsigned depth, const char *open, const char *close,
                                      unsigned max)
{
    size_t room = (size_t)depth * (strlen(open) + strlen(close)) + 2, len = 0;
    char *text = malloc(room);

    for (unsigned i = 0; i < depth; i++)
        len += (size_t)snprintf(text + len, room - len, "%s", open);
    text[len++] = '1';
    for (unsigned i = 0; i < depth; i++)
        len += (size_t)snprintf(text + len, room - len, "%s", close);
    enum json_verdict verdict = json_check(text, len, &(struct json_limits){max, SIZE_MAX});
    free(text);
    return verdict;
}

static void counts_depth_exactly(void)
{
    CHECK_INT(check_nested(64, "[", "]", 64), JSON_OK);
    CHECK_INT(check_nested(65, "[", "]", 64), JSON_DEPTH);
    CHECK_INT(check_nested(64, "{\"a\":", "}", 64), JSON_OK);
    CHECK_INT(check_nested(65, "{\"a\":", "}", 64), JSON_DEPTH);
    CHECK_INT(check_nested(32, "[{\"a\":", "}]", 64), JSON_OK);
    CHECK_INT(check_nested(33, "[{\"a\":", "}]", 64), JSON_DEPTH);
    CHECK_INT(check_nested(1, "[", "]", 1), JSON_OK);
    CHECK_INT(check_nested(2, "[", "]", 1), JSON_DEPTH);
    CHECK_INT(check_nested(1000, "[", "]", 1000), JSON_OK);
    CHECK_INT(check_nested(1000000, "[", "", 1000), JSON_DEPTH);
    /* Side by side is not inside one another. */
    CHECK_INT(json_check("[[],[],[[]],{}]", 15, &(struct json_limits){3, SIZE_MAX}), JSON_OK);
}

static enum json_verdict check_strings(const char *text, size_t max)
{
    return json_check(text, strlen(text), &(struct json_limits){64, max});
}

/* As it is written: an escape counts all of its bytes. */
static void measures_strings_and_keys(void)
{
    CHECK_INT(check_strings("\"abcde\"", 5), JSON_OK);
    CHECK_INT(check_strings("\"abcdef\"", 5), JSON_LONG);
    CHECK_INT(check_strings("[1234567890, \"abcde\", {}, {\"a\": 12345678}]", 5), JSON_OK);
    CHECK_INT(check_strings("{\"abcdef\": 1}", 5), JSON_LONG);
    CHECK_INT(check_strings("[\"\\\"\\\"\\\\\", \"\"]", 6), JSON_OK);
    CHECK_INT(check_strings("[\"\\\"\\\"\\\\\", \"\"]", 5), JSON_LONG);
    CHECK_INT(check_strings("[\"\\u00e4\"]", 6), JSON_OK);
    CHECK_INT(check_strings("[\"\\u00e4\"]", 5), JSON_LONG);
    CHECK_INT(check_strings("[\"\", \"a\"]", 0), JSON_LONG);
    CHECK_INT(check_strings("[\"abcdef\"", 5), JSON_SYNTAX);
}

/* Tokens of any length, whole and cut off, need no depth and little thought. */
static void takes_long_tokens(void)
{
    size_t len = 1u << 20;
    char *text = malloc(len);

    memset(text, '7', len);
    CHECK_INT(json_check(text, len, &limits), JSON_OK);
    text[0] = '"';
    CHECK_INT(json_check(text, len, &limits), JSON_SYNTAX);
    text[len - 1] = '"';
    CHECK_INT(json_check(text, len, &limits), JSON_OK);
    text[len - 1] = '\\';
    CHECK_INT(json_check(text, len, &limits), JSON_SYNTAX);
    memset(text, ' ', len);
    CHECK_INT(json_check(text, len, &limits), JSON_EMPTY);
    free(text);
}

/* Every beginning of a document is refused, so that a body that was cut off cannot pass. */
static void refuses_every_beginning(void)
{
    static const char text[] = "{\"a\":[1.5e3,true,null,{\"b\\u00e4\\ud83d\\ude00\":\"\xc3\xa4\"}],"
                               "\"c\":\"\\n\"}";

    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        char *exact = malloc(len + 1); /* so that a sanitizer sees every byte past the end */
        char *cut = exact + 1;
        memcpy(cut, text, len);
        enum json_verdict verdict = json_check(cut, len, &limits);
        free(exact);
        CHECK(verdict != JSON_OK);
    }
    CHECK_INT(json_check(text, sizeof(text) - 1, &limits), JSON_OK);
}

TEST_MAIN(TEST(takes_what_is_json), TEST(refuses_what_is_not), TEST(refuses_nothing_at_all),
          TEST(refuses_what_is_not_utf8), TEST(refuses_half_a_surrogate), TEST(refuses_nul_bytes),
          TEST(counts_depth_exactly), TEST(measures_strings_and_keys), TEST(takes_long_tokens),
          TEST(refuses_every_beginning))
