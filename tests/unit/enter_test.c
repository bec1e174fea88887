/* SPDX-License-Identifier: MIT */
/* What becomes of a body: forms, bodies of any kind, gzip; and what it costs at most. */
#include "test.h"

#include <stdint.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

#include "form.h"
#include "gzip.h"
#include "raw.h"
#include "redact.h"

/* A purse that remembers. */
struct money {
    size_t held, most, max;
};

static bool take(void *context, size_t bytes)
{
    struct money *money = context;

    if (bytes > money->max - money->held)
        return false;
    money->held += bytes;
    if (money->held > money->most)
        money->most = money->held;
    return true;
}

static void give(void *context, size_t bytes)
{
    struct money *money = context;

    money->held -= bytes;
}

static struct money money;
static const struct purse purse = {take, give, &money};

static void refill(size_t max)
{
    money = (struct money){.max = max};
}

/* What is taken is what is there, and nothing is left once it is dropped. */
static void settle(struct payload *payload)
{
    CHECK_INT(money.held, payload->room);
    payload_drop(payload, &purse);
    CHECK(payload->bytes == NULL);
    CHECK_INT(money.held, 0);
}

/* ---- Forms ----------------------------------------------------------------------------------- */

static enum payload_verdict form(const char *text, size_t len, unsigned max, char out[4096])
{
    struct payload payload = {.bytes = NULL};
    char *copy = malloc(len + 1); /* so that a sanitizer sees every byte past the end */

    memcpy(copy + 1, text, len);
    refill(1 << 20);
    enum payload_verdict verdict = form_to_json(copy + 1, len, max, &purse, &payload);
    free(copy);
    snprintf(out, 4096, "%.*s", (int)payload.len, payload.bytes == NULL ? "" : payload.bytes);
    settle(&payload);
    return verdict;
}

static void check_form(const char *text, const char *want)
{
    char got[4096];

    CHECK_INT(form(text, strlen(text), 100, got), PAYLOAD_OK);
    CHECK_STRING(got, want);
}

static void a_form_becomes_an_object(void)
{
    check_form("", "{}");
    check_form("a=1", "{\"a\":\"1\"}");
    check_form("a=1&b=2", "{\"a\":\"1\",\"b\":\"2\"}");
    check_form("&&a=1&&b=2&", "{\"a\":\"1\",\"b\":\"2\"}");
    check_form("a", "{\"a\":\"\"}");
    check_form("a=", "{\"a\":\"\"}");
    check_form("=a", "{\"\":\"a\"}");
    check_form("=", "{\"\":\"\"}");
    check_form("a=b=c", "{\"a\":\"b=c\"}");
    check_form("a+b=c+d%2B%26%3d", "{\"a b\":\"c d+&=\"}");
    check_form("%22%5C=%0A%01%7f/", "{\"\\\"\\\\\":\"\\n\\u0001\x7f/\"}");
    check_form("n=%C3%A4&m=\xe2\x82\xac", "{\"n\":\"\xc3\xa4\",\"m\":\"\xe2\x82\xac\"}");
    check_form("payload=%7B%22a%22%3A1%7D", "{\"payload\":\"{\\\"a\\\":1}\"}");
}

static void a_repeated_name_has_an_array(void)
{
    check_form("a=1&a=2", "{\"a\":[\"1\",\"2\"]}");
    check_form("b=x&a=1&b=y&c=&a=2&%62=z",
               "{\"b\":[\"x\",\"y\",\"z\"],\"a\":[\"1\",\"2\"],\"c\":\"\"}");
    check_form("a=&a", "{\"a\":[\"\",\"\"]}");
    check_form("aa=1&a=2&aa=3", "{\"aa\":[\"1\",\"3\"],\"a\":\"2\"}");
}

static void what_is_no_form_is_refused(void)
{
    static const char *const bad[] = {
        "a=%",   "a=%1",        "a=%zz",       "a=%4g",    "%=1",       "a=%-1",
        "a=% 1", "a=%+1",       "a=%00",       "%00=1",    "a=\xff",    "a=%ff",
        "a=%c3", "a=%c3&b=%a4", "a=%ed%a0%80", "a=%c0%af", "a=1&b=\xc3"};
    char got[4096];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (form(bad[i], strlen(bad[i]), 100, got) != PAYLOAD_MALFORMED)
            CHECK_STRING(got, bad[i]);
        CHECK_STRING(got, "");
    }
    CHECK_INT(form("a=\0", 3, 100, got), PAYLOAD_MALFORMED);
}

static void fields_are_counted(void)
{
    char got[4096];

    CHECK_INT(form("a&b&c", 5, 3, got), PAYLOAD_OK);
    CHECK_INT(form("&a&&b&c&", 8, 3, got), PAYLOAD_OK);
    CHECK_INT(form("a&a&a&a", 7, 3, got), PAYLOAD_MALFORMED);
}

static void without_budget_there_is_no_payload(void)
{
    struct payload payload = {.bytes = NULL};
    char text[] = "a=1";

    refill(4);
    CHECK_INT(form_to_json(text, 3, 100, &purse, &payload), PAYLOAD_OVERLOADED);
    settle(&payload);
    CHECK_INT(raw_to_json("abcdef", 6, &purse, &payload), PAYLOAD_OVERLOADED);
    settle(&payload);
    CHECK_INT(raw_to_json("\xff", 1, &purse, &payload), PAYLOAD_OVERLOADED);
    settle(&payload);
}

/* ---- Any kind -------------------------------------------------------------------------------- */

static void check_raw(const char *bytes, size_t len, const char *want)
{
    struct payload payload = {.bytes = NULL};
    char got[256];

    refill(1 << 20);
    CHECK_INT(raw_to_json(bytes, len, &purse, &payload), PAYLOAD_OK);
    snprintf(got, sizeof(got), "%.*s", (int)payload.len, payload.bytes);
    settle(&payload);
    CHECK_STRING(got, want);
}

static void text_becomes_a_string(void)
{
    check_raw(NULL, 0, "\"\"");
    check_raw("<a b=\"c\"/>\r\n", 12, "\"<a b=\\\"c\\\"/>\\r\\n\"");
    check_raw("\xc3\xa4\x1f\t\\", 5, "\"\xc3\xa4\\u001f\\t\\\\\"");
}

/* The vectors of RFC 4648, section 10, end in the same way. */
static void bytes_become_base64(void)
{
    check_raw("\0", 1, "{\"base64\":\"AA==\"}");
    check_raw("a\0b", 3, "{\"base64\":\"YQBi\"}");
    check_raw("\xff\xfe", 2, "{\"base64\":\"//4=\"}");
    check_raw("\xc3", 1, "{\"base64\":\"ww==\"}");
}

/* ---- gzip ------------------------------------------------------------------------------------ */

#define ROOM (1u << 20)

static unsigned char packed[ROOM];

/* One member behind what is there. */
static size_t pack(size_t at, const char *text, size_t len)
{
    z_stream zlib = {.next_in = (const Bytef *)text, .avail_in = (uInt)len};

    CHECK_INT(deflateInit2(&zlib, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    zlib.next_out = packed + at;
    zlib.avail_out = (uInt)(ROOM - at);
    int status = deflate(&zlib, Z_FINISH);
    size_t size = zlib.total_out;
    deflateEnd(&zlib);
    CHECK_INT(status, Z_STREAM_END);
    return at + size;
}

static enum payload_verdict unpack(const unsigned char *bytes, size_t len, size_t max,
                                   unsigned ratio, const char *want)
{
    struct payload payload = {.bytes = NULL};
    char *exact = malloc(len + 1);

    memcpy(exact + 1, bytes, len);
    enum payload_verdict verdict = gzip_inflate(exact + 1, len, max, ratio, &purse, &payload);
    bool good =
        verdict != PAYLOAD_OK || (payload.len == strlen(want) && payload.room == payload.len &&
                                  memcmp(payload.bytes, want, payload.len) == 0);
    free(exact);
    settle(&payload);
    CHECK(good);
    return verdict;
}

static void a_body_comes_out_as_it_went_in(void)
{
    static const char text[] = "{\"a\":\"bcdefghijklmnopqrstuvwxyz\"}";
    size_t len = pack(0, text, strlen(text));

    refill(1 << 20);
    CHECK_INT(unpack(packed, len, 1000, 100, text), PAYLOAD_OK);
    CHECK_INT(unpack(packed, len, strlen(text), 100, text), PAYLOAD_OK);
    CHECK_INT(unpack(packed, len, strlen(text) - 1, 100, text), PAYLOAD_TOO_LARGE);
}

static void nothing_at_all_comes_out_of_an_empty_member(void)
{
    struct payload payload = {.bytes = NULL};
    size_t len = pack(0, "", 0);

    refill(1 << 20);
    CHECK_INT(gzip_inflate((const char *)packed, len, 10, 1, &purse, &payload), PAYLOAD_OK);
    CHECK_INT(payload.len, 0);
    settle(&payload);
    CHECK_INT(unpack(packed, 0, 10, 1, ""), PAYLOAD_MALFORMED);
}

/* RFC 1952, 2.2: members one after the other, with nothing between or behind them. */
static void members_make_one_body(void)
{
    size_t one = pack(0, "{\"a\":", 5), two = pack(one, "", 0), three = pack(two, "1}", 2);

    refill(1 << 20);
    CHECK_INT(unpack(packed, three, 100, 100, "{\"a\":1}"), PAYLOAD_OK);
    CHECK_INT(unpack(packed, three, 6, 100, "{\"a\":1}"), PAYLOAD_TOO_LARGE);
    packed[three] = 0;
    CHECK_INT(unpack(packed, three + 1, 100, 100, ""), PAYLOAD_MALFORMED);
    packed[three] = 0x1f;
    CHECK_INT(unpack(packed, three + 1, 100, 100, ""), PAYLOAD_MALFORMED);
    memcpy(packed + three, "{}", 2);
    CHECK_INT(unpack(packed, three + 2, 100, 100, ""), PAYLOAD_MALFORMED);
}

static void every_beginning_is_refused(void)
{
    static const char text[] = "{\"a\":[1,2,3,\"abcabcabcabc\"]}";
    size_t len = pack(0, text, strlen(text));

    refill(1 << 20);
    for (size_t cut = 0; cut < len; cut++)
        CHECK_INT(unpack(packed, cut, 1000, 100, ""), PAYLOAD_MALFORMED);
}

/* The header's time, system and flags but for the reserved ones may be anything. */
static void damage_is_refused(void)
{
    static const char text[] = "{\"a\":[1,2,3,\"abcabcabcabc\"]}";
    size_t len = pack(0, text, strlen(text));

    refill(1 << 20);
    for (size_t i = 10; i < len; i++) {
        packed[i] ^= 0x10;
        CHECK(unpack(packed, len, 1000, 100, "") != PAYLOAD_OK);
        packed[i] ^= 0x10;
    }
    packed[3] |= 0x80; /* reserved: RFC 1952, 2.3.1.2 */
    CHECK_INT(unpack(packed, len, 1000, 100, ""), PAYLOAD_MALFORMED);
    packed[3] = 0;
    CHECK_INT(unpack(packed, len, 1000, 100, text), PAYLOAD_OK);
    /* deflate, with zlib's header or none, is not gzip. */
    CHECK_INT(unpack((const unsigned char *)"x\x9c\x03\0\0\0\0\x01", 8, 100, 100, ""),
              PAYLOAD_MALFORMED);
    CHECK_INT(unpack((const unsigned char *)"\x03\0", 2, 100, 100, ""), PAYLOAD_MALFORMED);
}

/* A megabyte for each kilobyte: stopped at the bound, with no more than the bound ever taken. */
static void a_bomb_costs_no_more_than_its_bound(void)
{
    size_t size = 64u << 20;
    char *zeros = calloc(1, size);
    size_t len = pack(0, zeros, size);

    free(zeros);
    CHECK(len < 70000);
    refill(SIZE_MAX);
    CHECK_INT(unpack(packed, len, 1 << 20, 2000, ""), PAYLOAD_TOO_LARGE);
    CHECK_INT(money.most, 1 << 20);
    refill(SIZE_MAX);
    CHECK_INT(unpack(packed, len, SIZE_MAX, 100, ""), PAYLOAD_TOO_LARGE);
    CHECK_INT(money.most, 100 * len);
    refill(300000);
    CHECK_INT(unpack(packed, len, 1 << 20, 2000, ""), PAYLOAD_OVERLOADED);
    CHECK(money.most <= 300000);
}

/* ---- Redacting ---------------------------------------------------------------------------------
 */

static void check_redact(const char *pointers, const char *text, const char *want)
{
    struct redact redact = {.headers = NULL};
    struct payload payload = {.bytes = NULL};
    struct weir_error error;
    char list[256], got[1024], *rest = NULL;

    snprintf(list, sizeof(list), "%s", pointers);
    for (char *at = strtok_r(list, " ", &rest); at != NULL; at = strtok_r(NULL, " ", &rest))
        CHECK_INT(redact_add(&redact, at, &error), 0);
    refill(1 << 20);
    char *exact = malloc(strlen(text) + 1);
    memcpy(exact + 1, text, strlen(text));
    enum payload_verdict verdict = redact_body(&redact, exact + 1, strlen(text), &purse, &payload);
    free(exact);
    redact_fini(&redact);
    snprintf(got, sizeof(got), "%.*s", (int)payload.len,
             payload.bytes == NULL ? "" : payload.bytes);
    settle(&payload);
    CHECK_INT(verdict, PAYLOAD_OK);
    CHECK_STRING(got, want);
}

static void values_are_replaced_and_nothing_else_is(void)
{
    check_redact("/a", "{\"a\":1}", "{\"a\":\"[redacted]\"}");
    check_redact("/a", " { \"b\" : 1e400 , \"a\" : \"x,}\\\"\" ,\"c\":12345678901234567890 }\n",
                 " { \"b\" : 1e400 , \"a\" : \"[redacted]\" ,\"c\":12345678901234567890 }\n");
    check_redact("/a", "{\"a\":{\"b\":[1,{\"a\":2}]},\"c\":null}",
                 "{\"a\":\"[redacted]\",\"c\":null}");
    check_redact("/a/b", "{\"b\":1,\"a\":{\"c\":-0.0,\"b\":true},\"d\":{\"b\":2}}",
                 "{\"b\":1,\"a\":{\"c\":-0.0,\"b\":\"[redacted]\"},\"d\":{\"b\":2}}");
    check_redact("/a/b /c /a", "{\"c\":false,\"a\":{\"b\":1}}",
                 "{\"c\":\"[redacted]\",\"a\":\"[redacted]\"}");
    check_redact("/a/1 /a/3/x", "{\"a\":[0, 1 ,[2],{\"x\":3}]}",
                 "{\"a\":[0, \"[redacted]\" ,[2],{\"x\":\"[redacted]\"}]}");
    check_redact("/0 /2", "[null,{},\"\"]", "[\"[redacted]\",{},\"[redacted]\"]");
}

static void what_is_not_there_changes_nothing(void)
{
    check_redact("/a", "{\"b\":{\"a\":1}}", "");
    check_redact("/a", "[\"a\"]", "");
    check_redact("/a", " 1 ", "");
    check_redact("/a", "\"a\"", "");
    check_redact("/a/b", "{\"a\":\"b\"}", "");
    check_redact("/0", "{\"00\":1}", "");
    check_redact("/00 /01 /-1 /- /* /1e0 /", "[1,2]", "");
    check_redact("/a/*", "{\"a\":[1,2]}", "");
    check_redact("/4294967295 /4294967296", "[1]", "");
    check_redact("/a/b", "{\"a\":[],\"b\":{}}", "");
}

static void keys_are_what_they_mean(void)
{
    check_redact("/a~1b", "{\"a/b\":1}", "{\"a/b\":\"[redacted]\"}");
    check_redact("/a~01", "{\"a~1\":1,\"a/\":2}", "{\"a~1\":\"[redacted]\",\"a/\":2}");
    check_redact("/", "{\"\":1}", "{\"\":\"[redacted]\"}");
    check_redact("//a", "{\"\":{\"a\":1}}", "{\"\":{\"a\":\"[redacted]\"}}");
    check_redact("/*", "{\"*\":1}", "{\"*\":\"[redacted]\"}");
    check_redact("/7", "{\"7\":1}", "{\"7\":\"[redacted]\"}");
    check_redact("/card", "{\"c\\u0061r\\u0064\":1}", "{\"c\\u0061r\\u0064\":\"[redacted]\"}");
    check_redact("/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "{\"\\u00e4\\u20AC\\uD83D\\ude00\":1}",
                 "{\"\\u00e4\\u20AC\\uD83D\\ude00\":\"[redacted]\"}");
    check_redact("/\"\\\b\n~1", "{\"\\\"\\\\\\b\\n\\/\":1}",
                 "{\"\\\"\\\\\\b\\n\\/\":\"[redacted]\"}");
    check_redact("/a", "{\"a\\u0000\":1,\"A\":1,\"aa\":1}", "");
}

static void of_a_key_that_stands_twice_both_go(void)
{
    check_redact("/a", "{\"a\":1,\"b\":2,\"\\u0061\":[3]}",
                 "{\"a\":\"[redacted]\",\"b\":2,\"\\u0061\":\"[redacted]\"}");
    check_redact("/a/b", "{\"a\":{\"b\":1,\"b\":2},\"a\":{\"b\":3}}",
                 "{\"a\":{\"b\":\"[redacted]\",\"b\":\"[redacted]\"},"
                 "\"a\":{\"b\":\"[redacted]\"}}");
}

static void check_keys(const char *key, const char *pointer, const char *text, const char *want)
{
    struct redact redact = {.headers = NULL};
    struct payload payload = {.bytes = NULL};
    struct weir_error error;

    CHECK_INT(redact_add_key(&redact, key, &error), 0);
    if (pointer != NULL)
        CHECK_INT(redact_add(&redact, pointer, &error), 0);
    refill(1 << 20);
    CHECK_INT(redact_body(&redact, text, strlen(text), &purse, &payload), PAYLOAD_OK);
    redact_fini(&redact);
    char got[1024];
    snprintf(got, sizeof(got), "%.*s", (int)payload.len,
             payload.bytes == NULL ? "" : payload.bytes);
    settle(&payload);
    CHECK_STRING(got, want);
}

static void keys_are_redacted_wherever_they_stand(void)
{
    check_keys("Token", NULL,
               "{\"a\":[{\"TOKEN\" : {\"x\":[1,\"}\"]} ,\"b\":1}],\"tok\\u0065n\":2}",
               "{\"a\":[{\"TOKEN\" : \"[redacted]\" ,\"b\":1}],\"tok\\u0065n\":\"[redacted]\"}");
    check_keys("token", NULL, "{\"a\":\"token\",\"b\":[\"token\", \"x\"],\"tokens\":1}", "");
    check_keys("a", NULL, "{\"b\":\"\\\"a\\\":1\",\"a\":{\"a\":1}}",
               "{\"b\":\"\\\"a\\\":1\",\"a\":\"[redacted]\"}");
    check_keys("a", "/b", "{\"b\":{\"a\":1},\"c\":{\"a\":2}}",
               "{\"b\":\"[redacted]\",\"c\":{\"a\":\"[redacted]\"}}");
    check_keys("a", "/b", "{\"b\":1}", "{\"b\":\"[redacted]\"}");
    check_keys("a", NULL, "\"a\"", "");
}

static void what_can_be_redacted_is_bounded(void)
{
    static const char *const bad[] = {"", "a b", "a:", "\xc3\xa4", "/a~", "/~2", "/a~/b"};
    struct redact redact = {.headers = NULL};
    struct weir_error error;
    char deep[2 * PLACES_SEGMENTS_MAX + 3] = "", text[PLACES_POINTER_MAX + 2];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_INT(redact_add(&redact, bad[i], &error), WEIR_EINVAL);
    memset(text, '/', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    CHECK_INT(redact_add(&redact, text, &error), WEIR_EINVAL);
    for (int i = 0; i <= PLACES_SEGMENTS_MAX; i++)
        memcpy(deep + 2 * i, "/a", 3);
    CHECK_INT(redact_add(&redact, deep, &error), WEIR_ELIMIT);
    CHECK_INT(redact_add(&redact, deep + 2, &error), 0);
    for (int i = 1; i < PLACES_MAX; i++)
        CHECK_INT(redact_add(&redact, "/a", &error), 0);
    CHECK_INT(redact_add(&redact, "/a", &error), WEIR_ELIMIT);
    for (int i = 0; i < REDACT_HEADERS_MAX; i++)
        CHECK_INT(redact_add(&redact, "X-Card", &error), 0);
    CHECK_INT(redact_add(&redact, "x-card", &error), WEIR_ELIMIT);
    CHECK(redact_has_header(&redact, "x-card"));
    CHECK(!redact_has_header(&redact, "x-car"));
    CHECK_INT(redact_add_key(&redact, "", &error), WEIR_EINVAL);
    for (int i = 0; i < REDACT_KEYS_MAX; i++)
        CHECK_INT(redact_add_key(&redact, "a", &error), 0);
    CHECK_INT(redact_add_key(&redact, "a", &error), WEIR_ELIMIT);
    redact_fini(&redact);
}

static void check_words(const char *text, const char *want)
{
    struct redact redact = {.headers = NULL};
    struct payload payload = {.bytes = NULL};
    char got[1024];

    redact_add_words(&redact);
    refill(1 << 20);
    CHECK_INT(redact_body(&redact, text, strlen(text), &purse, &payload), PAYLOAD_OK);
    snprintf(got, sizeof(got), "%.*s", (int)payload.len,
             payload.bytes == NULL ? "" : payload.bytes);
    settle(&payload);
    redact_fini(&redact);
    CHECK_STRING(got, want);
}

static void what_is_named_after_a_credential_goes(void)
{
    check_words("{\"user_password\":\"x\", \"API-Key\" : 1,\"b\":2}",
                "{\"user_password\":\"[redacted]\", \"API-Key\" : \"[redacted]\",\"b\":2}");
    check_words("{\"db\\u005fsecr\\u0045t2\":null}", "{\"db\\u005fsecr\\u0045t2\":\"[redacted]\"}");
    check_words("{\"auth\":{\"name\":1,\"token\":2},\"name\":3}",
                "{\"auth\":{\"name\":1,\"token\":\"[redacted]\"},\"name\":3}");
    check_words(
        "{\"tokens\":[\"a\",{\"b\":1,\"key\":2},[ 3,{}],[]] ,\"c\":[4]}",
        "{\"tokens\":[\"[redacted]\",{\"b\":1,\"key\":\"[redacted]\"},[ \"[redacted]\",{}],[]] "
        ",\"c\":[4]}");
    check_words("[{\"a\":{\"key\":1}}]", "[{\"a\":{\"key\":\"[redacted]\"}}]");
    check_words("{\"ke\":\"key\",\"aut\":[\"secret\",\"b\"],\"\":0}", "");
    check_words(" \"password\" ", "");
}

static void headers_named_after_a_credential_go(void)
{
    struct redact redact = {.headers = NULL};

    CHECK(!redact_has_header(&redact, "x-license-key"));
    redact_add_words(&redact);
    CHECK(redact_has_header(&redact, "x-license-key"));
    CHECK(redact_has_header(&redact, "x-auth-user"));
    CHECK(redact_has_header(&redact, "bearer") && redact_has_header(&redact, "sessionid"));
    CHECK(!redact_has_header(&redact, "x-sessionid") &&
          !redact_has_header(&redact, "x-request-id"));
    redact_fini(&redact);
}

TEST_MAIN(TEST(what_is_named_after_a_credential_goes), TEST(headers_named_after_a_credential_go),
          TEST(a_form_becomes_an_object), TEST(a_repeated_name_has_an_array),
          TEST(what_is_no_form_is_refused), TEST(fields_are_counted),
          TEST(without_budget_there_is_no_payload), TEST(text_becomes_a_string),
          TEST(bytes_become_base64), TEST(a_body_comes_out_as_it_went_in),
          TEST(nothing_at_all_comes_out_of_an_empty_member), TEST(members_make_one_body),
          TEST(every_beginning_is_refused), TEST(damage_is_refused),
          TEST(a_bomb_costs_no_more_than_its_bound), TEST(values_are_replaced_and_nothing_else_is),
          TEST(what_is_not_there_changes_nothing), TEST(keys_are_what_they_mean),
          TEST(of_a_key_that_stands_twice_both_go), TEST(keys_are_redacted_wherever_they_stand),
          TEST(what_can_be_redacted_is_bounded))
