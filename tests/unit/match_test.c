/* SPDX-License-Identifier: MIT */
/* Conditions: as they are written down, and what meets them. */
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"
#include "json.h"
#include "match.h"
#include "number.h"
#include "test.h"

static struct problems problems;

/* Read {"match": ...}; the first problem is in `problems`. */
static bool read_match(struct config_webhook *webhook, const char *condition)
{
    struct source source;
    char *text;

    problems_init(&problems);
    if (asprintf(&text, "{\"match\": %s}", condition) < 0)
        abort();
    CHECK_INT(source_parse(&source, "webhooks.json", text, &problems), 1);
    bool good = config_read_match(webhook, &source, source.root, "");
    CHECK(good == (problems.count == 0));
    source_close(&source);
    return good;
}

static void forget(struct config_webhook *webhook)
{
    if (webhook->match != NULL)
        match_fini(webhook->match);
    free(webhook->match);
    webhook->match = NULL;
    problems_fini(&problems);
}

static const struct request_header headers[] = {
    {"x-event", "push"}, {"x-many", "a"}, {"x-many", "b"}, {"x-empty", ""}};

static bool is_met(const char *condition, const char *body)
{
    struct config_webhook webhook = {.match = NULL};
    static const struct json_limits limits = {.depth = 100, .string = 1000};

    CHECK_INT(json_check(body, strlen(body), &limits), JSON_OK);
    if (!read_match(&webhook, condition)) {
        printf("# %s: %s\n", condition, problems.items[0].message);
        CHECK(false);
    }
    char *exact = malloc(strlen(body) + 1); /* so that a byte too far is seen */
    memcpy(exact + 1, body, strlen(body));
    bool met = webhook.match != NULL && match_holds(webhook.match, exact + 1, strlen(body), headers,
                                                    sizeof(headers) / sizeof(headers[0]));
    free(exact);
    forget(&webhook);
    return met;
}

#define MET(condition, body)   CHECK(is_met(condition, body))
#define UNMET(condition, body) CHECK(!is_met(condition, body))

static void strings_are_equal_by_what_they_mean(void)
{
    const char *opened = "{\"pointer\":\"/action\",\"equals\":\"opened\"}";

    MET(opened, "{\"action\":\"opened\"}");
    MET(opened, " { \"x\" : 1 , \"\\u0061ction\" : \"\\u006fpened\" } ");
    UNMET(opened, "{\"action\":\"Opened\"}");
    UNMET(opened, "{\"action\":\"opene\"}");
    UNMET(opened, "{\"action\":\"opened \"}");
    UNMET(opened, "{\"action\":[\"opened\"]}");
    UNMET(opened, "{\"Action\":\"opened\"}");
    UNMET(opened, "[\"opened\"]");
    UNMET(opened, "\"opened\"");
    MET("{\"pointer\":\"/a\",\"equals\":\"\\ud83d\\ude00\"}", "{\"a\":\"\xf0\x9f\x98\x80\"}");
    MET("{\"pointer\":\"/a\",\"equals\":\"\"}", "{\"a\":\"\"}");
    UNMET("{\"pointer\":\"/a\",\"equals\":\"1\"}", "{\"a\":1}");
}

static void other_values_are_equal_to_their_own_kind(void)
{
    MET("{\"pointer\":\"/a\",\"equals\":true}", "{\"a\":true}");
    UNMET("{\"pointer\":\"/a\",\"equals\":true}", "{\"a\":\"true\"}");
    UNMET("{\"pointer\":\"/a\",\"equals\":false}", "{\"a\":null}");
    MET("{\"pointer\":\"/a\",\"equals\":null}", "{\"a\":null}");
    UNMET("{\"pointer\":\"/a\",\"equals\":null}", "{}");
    MET("{\"pointer\":\"/a\",\"equals\":1}", "{\"a\":1.0}");
    MET("{\"pointer\":\"/a\",\"equals\":0.1}", "{\"a\":10e-2}");
    MET("{\"pointer\":\"/a\",\"equals\":-5e300}", "{\"a\":-50E+299}");
    MET("{\"pointer\":\"/a\",\"equals\":9007199254740993}", "{\"a\":9007199254740993}");
    UNMET("{\"pointer\":\"/a\",\"equals\":9007199254740993}", "{\"a\":9007199254740992}");
    UNMET("{\"pointer\":\"/a\",\"equals\":1}", "{\"a\":\"1\"}");
}

static bool are_equal(const char *one, const char *other)
{
    return number_equal(number_read(one, strlen(one)), number_read(other, strlen(other)));
}

static void numbers_lose_no_digit(void)
{
    static const char *const same[][2] = {
        {"0", "-0"},         {"0", "0.000e5"}, {"1200", "12e2"},
        {"0.5", "5e-1"},     {"10.0", "10"},   {"10.05", "1005e-2"},
        {"1e400", "10e399"}, {"100", "1e2"},   {"1e99999999999999999999", "1e99999999999999999998"},
        {"1.10", "1.1"}};
    static const char *const different[][2] = {
        {"1", "-1"},   {"1", "10"},    {"0", "1"},
        {"101", "11"}, {"1e2", "1e3"}, {"12345678901234567890123", "12345678901234567890124"},
        {"1.5", "15"}, {"1", "11"}};

    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        CHECK(are_equal(same[i][0], same[i][1]));
    for (size_t i = 0; i < sizeof(different) / sizeof(different[0]); i++)
        CHECK(!are_equal(different[i][0], different[i][1]));
}

static void one_of_several_values_will_do(void)
{
    const char *in = "{\"pointer\":\"/a/b\",\"in\":[\"x\",2,null,true]}";

    MET(in, "{\"a\":{\"b\":\"x\"}}");
    MET(in, "{\"a\":{\"b\":2}}");
    MET(in, "{\"a\":{\"b\":null}}");
    UNMET(in, "{\"a\":{\"b\":false}}");
    UNMET(in, "{\"a\":{\"c\":2}}");
    MET("{\"pointer\":\"/1\",\"in\":[\"x\"]}", "[1,\"x\"]");
}

static void what_is_there_exists_whatever_it_is(void)
{
    MET("{\"pointer\":\"/a\",\"exists\":true}", "{\"a\":null}");
    MET("{\"pointer\":\"/a\",\"exists\":true}", "{\"a\":{}}");
    UNMET("{\"pointer\":\"/a\",\"exists\":true}", "{\"b\":1}");
    MET("{\"pointer\":\"/a\",\"exists\":false}", "{\"b\":1}");
    MET("{\"pointer\":\"/a\",\"exists\":false}", "1");
    UNMET("{\"pointer\":\"/a/0\",\"exists\":false}", "{\"a\":[0]}");
}

static void of_a_key_that_stands_twice_the_last_counts(void)
{
    const char *one = "{\"pointer\":\"/a\",\"equals\":1}";
    const char *deep = "{\"pointer\":\"/a/b\",\"exists\":true}";

    MET(one, "{\"a\":2,\"a\":1}");
    UNMET(one, "{\"a\":1,\"a\":2}");
    UNMET(deep, "{\"a\":{\"b\":1},\"a\":2}");
    UNMET(deep, "{\"a\":{\"b\":1},\"a\":{\"c\":1}}");
    MET(deep, "{\"a\":2,\"a\":{\"b\":1}}");
}

static void headers_are_looked_at_too(void)
{
    MET("{\"header\":\"X-Event\",\"equals\":\"push\"}", "{}");
    UNMET("{\"header\":\"X-Event\",\"equals\":\"Push\"}", "{}");
    MET("{\"header\":\"x-many\",\"equals\":\"b\"}", "{}");
    UNMET("{\"header\":\"x-many\",\"equals\":\"a, b\"}", "{}");
    MET("{\"header\":\"x-event\",\"in\":[\"pull\",\"push\"]}", "{}");
    MET("{\"header\":\"x-empty\",\"exists\":true}", "{}");
    MET("{\"header\":\"x-none\",\"exists\":false}", "{}");
    UNMET("{\"header\":\"x-none\",\"exists\":true}", "{}");
}

static void conditions_are_put_together(void)
{
    const char *both = "{\"and\":[{\"header\":\"x-event\",\"equals\":\"push\"},"
                       "{\"or\":[{\"pointer\":\"/ref\",\"in\":[\"main\",\"next\"]},"
                       "{\"not\":{\"pointer\":\"/draft\",\"equals\":true}}]}]}";

    MET(both, "{\"ref\":\"main\",\"draft\":true}");
    MET(both, "{\"ref\":\"x\",\"draft\":false}");
    MET(both, "{\"ref\":\"x\"}");
    UNMET(both, "{\"ref\":\"x\",\"draft\":true}");
    UNMET("{\"not\":{\"not\":{\"pointer\":\"/a\",\"exists\":true}}}", "{}");
    UNMET("{\"and\":[{\"pointer\":\"/a\",\"exists\":true},{\"pointer\":\"/b\",\"exists\":true}]}",
          "{\"a\":1}");
    MET("{\"or\":[{\"pointer\":\"/a\",\"exists\":true},{\"pointer\":\"/b\",\"exists\":true}]}",
        "{\"b\":1}");
}

static void what_is_no_condition_is_refused(void)
{
    static const char *const bad[][2] = {
        {"1", "/match"},
        {"{}", "/match"},
        {"[]", "/match"},
        {"{\"pointer\":\"/a\"}", "/match"},
        {"{\"equals\":1}", "/match"},
        {"{\"pointer\":\"/a\",\"header\":\"b\",\"equals\":\"1\"}", "/match"},
        {"{\"pointer\":\"/a\",\"equals\":1,\"in\":[1]}", "/match"},
        {"{\"pointer\":\"/a\",\"equal\":1}", "/match/equal"},
        {"{\"pointer\":\"a\",\"equals\":1}", "/match/pointer"},
        {"{\"pointer\":\"\",\"equals\":1}", "/match/pointer"},
        {"{\"pointer\":1,\"equals\":1}", "/match/pointer"},
        {"{\"header\":\"a b\",\"equals\":\"1\"}", "/match/header"},
        {"{\"header\":\"a\",\"equals\":1}", "/match/equals"},
        {"{\"header\":\"a\",\"in\":[\"x\",null]}", "/match/in/1"},
        {"{\"pointer\":\"/a\",\"equals\":[1]}", "/match/equals"},
        {"{\"pointer\":\"/a\",\"equals\":{}}", "/match/equals"},
        {"{\"pointer\":\"/a\",\"in\":[]}", "/match/in"},
        {"{\"pointer\":\"/a\",\"in\":1}", "/match/in"},
        {"{\"pointer\":\"/a\",\"exists\":1}", "/match/exists"},
        {"{\"and\":[]}", "/match/and"},
        {"{\"or\":{}}", "/match/or"},
        {"{\"not\":[]}", "/match/not"},
        {"{\"not\":{\"pointer\":\"/a\",\"exists\":true},\"pointer\":\"/b\"}", "/match/pointer"},
        {"{\"and\":[{\"pointer\":\"/a\",\"exists\":true},{\"or\":[{}]}]}", "/match/and/1/or/0"}};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct config_webhook webhook = {.match = NULL};
        CHECK(!read_match(&webhook, bad[i][0]));
        CHECK_INT((int)problems.count, 1);
        CHECK_STRING(problems.items[0].pointer, bad[i][1]);
        forget(&webhook);
    }
    struct config_webhook raw = {.content = CONTENT_RAW};
    CHECK(!read_match(&raw, "{\"pointer\":\"/a\",\"exists\":true}"));
    forget(&raw);
    CHECK(read_match(&raw, "{\"header\":\"a\",\"exists\":true}"));
    forget(&raw);
}

/* `count` times `piece`, between the two. */
static bool repeated(const char *before, const char *piece, int count, const char *after)
{
    struct config_webhook webhook = {.match = NULL};
    size_t len = strlen(before) + (size_t)count * strlen(piece) + strlen(after) + 1;
    char *text = calloc(1, len);

    strcat(text, before);
    for (int i = 0; i < count; i++)
        strcat(text, piece);
    strcat(text, after);
    bool good = read_match(&webhook, text);
    free(text);
    forget(&webhook);
    return good;
}

static void a_condition_is_bounded(void)
{
    const char *end = "{\"header\":\"a\",\"exists\":true}";
    char last[64], text[2 * MATCH_TEXT_MAX];

    for (int depth = 6; depth <= 9; depth++) {
        snprintf(last, sizeof(last), "%s%.*s", end, depth, "}}}}}}}}}");
        CHECK(repeated("", "{\"not\":", depth, last) == (depth < MATCH_DEPTH_MAX));
    }
    CHECK(repeated("{\"or\":[", "{\"header\":\"a\",\"exists\":true},", 126,
                   "{\"header\":\"a\",\"exists\":true}]}"));
    CHECK(!repeated("{\"or\":[", "{\"header\":\"a\",\"exists\":true},", 127,
                    "{\"header\":\"a\",\"exists\":true}]}"));
    CHECK(repeated("{\"or\":[", "{\"pointer\":\"/a\",\"exists\":true},", 63,
                   "{\"pointer\":\"/a\",\"exists\":true}]}"));
    CHECK(!repeated("{\"or\":[", "{\"pointer\":\"/a\",\"exists\":true},", 64,
                    "{\"pointer\":\"/a\",\"exists\":true}]}"));
    CHECK(repeated("{\"pointer\":\"/a\",\"in\":[1", ",1", MATCH_VALUES_MAX - 1, "]}"));
    CHECK(!repeated("{\"pointer\":\"/a\",\"in\":[1", ",1", MATCH_VALUES_MAX, "]}"));
    memset(text, 'x', sizeof(text));
    text[MATCH_TEXT_MAX] = '\0';
    CHECK(repeated("{\"header\":\"a\",\"equals\":\"", text, 1, "\"}"));
    CHECK(!repeated("{\"header\":\"a\",\"equals\":\"x", text, 1, "\"}"));
}

TEST_MAIN(TEST(strings_are_equal_by_what_they_mean), TEST(other_values_are_equal_to_their_own_kind),
          TEST(numbers_lose_no_digit), TEST(one_of_several_values_will_do),
          TEST(what_is_there_exists_whatever_it_is),
          TEST(of_a_key_that_stands_twice_the_last_counts), TEST(headers_are_looked_at_too),
          TEST(conditions_are_put_together), TEST(what_is_no_condition_is_refused),
          TEST(a_condition_is_bounded))
