/* SPDX-License-Identifier: MIT */
/* The head: finding its end, checking it, taking it apart. The refusals are in door_test.c. */
#include "test.h"

#include <stdlib.h>

#include "head.h"
#include "parse.h"

#define HEADERS_MAX 10

static struct head head;
static struct parse parse;
static struct request_header headers[HEADERS_MAX];
static char bytes[2048];

/* The text is copied to memory of exactly its size, so that a sanitizer sees every byte beyond. */
static bool checks(const char *text)
{
    size_t len = strlen(text);
    char *exact = malloc(len);

    memcpy(exact, text, len);
    bool ok = head_check(exact, len, &head);
    free(exact);
    return ok;
}

static bool takes_apart(const char *text)
{
    snprintf(bytes, sizeof(bytes), "%s", text);
    return checks(text) && parse_head(&parse, bytes, strlen(text), &head, headers, HEADERS_MAX);
}

static const char *header(const char *name)
{
    for (size_t i = 0; i < parse.headers_count; i++)
        if (strcmp(headers[i].name, name) == 0)
            return headers[i].value;
    return NULL;
}

static void finds_the_end(void)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\nbody";
    size_t end = sizeof(text) - 1 - 4;

    for (size_t step = 1; step < sizeof(text); step++) {
        struct head_scan scan = {0};
        enum head_verdict verdict = HEAD_MORE;
        for (size_t len = 0; verdict == HEAD_MORE && len < sizeof(text) - 1;) {
            len = len + step < sizeof(text) - 1 ? len + step : sizeof(text) - 1;
            verdict = head_scan(&scan, text, len);
            CHECK(verdict == (len < end ? HEAD_MORE : HEAD_WHOLE));
        }
        CHECK_INT((long long)scan.start, 0);
        CHECK_INT((long long)scan.seen, (long long)end);
        CHECK_INT((long long)scan.lines, 2);
    }
}

static void forgives_one_empty_line(void)
{
    struct head_scan one = {0}, two = {0};

    CHECK(head_scan(&one, "\r\nGET / HTTP/1.0\r\n\r\n", 20) == HEAD_WHOLE);
    CHECK_INT((long long)one.start, 2);
    CHECK_INT((long long)one.seen, 20);
    CHECK(head_scan(&two, "\r\n\r\n", 4) == HEAD_BAD);
}

/* What cannot become a head is refused as soon as that is certain. */
static void refuses_at_once(void)
{
    static const char *const bad[] = {"\n",       "GET / HTTP/1.1\n", "\x16\x03\x01", " ",
                                      "\r\n\x01", "a\r\nb\n",         "(\r\n"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct head_scan scan = {0};
        CHECK(head_scan(&scan, bad[i], strlen(bad[i])) == HEAD_BAD);
    }
}

static void knows_the_framing(void)
{
    CHECK(checks("POST / HTTP/1.1\r\nhOST: h\r\nContent-LENGTH:  0042 \t\r\n\r\n"));
    CHECK(head.has_length && !head.chunked && head.minor == 1);
    CHECK_INT((long long)head.content_length, 42);
    CHECK(checks("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"));
    CHECK(head.chunked && !head.has_length);
    CHECK(checks("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999999999999\r\n\r\n"));
    CHECK(!checks("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000000000000\r\n\r\n"));
    CHECK(checks("GET / HTTP/1.0\r\n\r\n"));
    CHECK(head.minor == 0 && !head.has_length && !head.expects_continue);
    CHECK(checks("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\n\r\n"));
    CHECK(head.expects_continue);
}

static void knows_hosts(void)
{
    CHECK(checks("GET / HTTP/1.1\r\nHost: example.org:8000\r\n\r\n"));
    CHECK(checks("GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n"));
    CHECK(checks("GET / HTTP/1.1\r\nHost: \r\n\r\n"));
    CHECK(!checks("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"));
    CHECK(!checks("GET / HTTP/1.1\r\nHost: a,b c\r\n\r\n"));
    CHECK(!checks("GET / HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n"));
}

static void takes_a_request_apart(void)
{
    CHECK(takes_apart("POST /a%20b/?x=1?y HTTP/1.1\r\nHOST: h\r\nEmpty:\r\nBlank: \t \r\n"
                      "X-Inner:  a b\t c \t\r\nX-Obs: \xff\xfe\r\nLast:l\r\n\r\n"));
    CHECK_STRING(parse.method, "POST");
    CHECK_STRING(parse.path, "/a%20b/");
    CHECK_INT((long long)parse.path_len, 7);
    CHECK_STRING(parse.query, "x=1?y");
    CHECK_INT((long long)parse.headers_count, 6);
    CHECK_STRING(header("host"), "h");
    CHECK_STRING(header("empty"), "");
    CHECK_STRING(header("blank"), "");
    CHECK_STRING(header("x-inner"), "a b\t c");
    CHECK_STRING(header("x-obs"), "\xff\xfe");
    CHECK_STRING(header("last"), "l");
    CHECK(parse.keep_alive);
}

static void takes_targets_apart(void)
{
    static const struct {
        const char *target, *path, *query;
    } cases[] = {{"/", "/", NULL},
                 {"//", "//", NULL},
                 {"/?", "/", ""},
                 {"http://h", "/", NULL},
                 {"HTTP://h:1/", "/", NULL},
                 {"http://h?q", "/", "q"},
                 {"https://h/a?b", "/a", "b"},
                 {"/http://x?y://z", "/http://x", "y://z"}};
    char text[200];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", cases[i].target);
        CHECK(takes_apart(text));
        CHECK_STRING(parse.path, cases[i].path);
        CHECK_INT((long long)parse.path_len, (long long)strlen(cases[i].path));
        CHECK((parse.query == NULL) == (cases[i].query == NULL));
        if (parse.query != NULL)
            CHECK_STRING(parse.query, cases[i].query);
    }
}

static void knows_who_stays(void)
{
    CHECK(takes_apart("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
    CHECK(!parse.keep_alive);
    CHECK(takes_apart("GET / HTTP/1.1\r\nHost: h\r\nConnection: te, Close\r\n\r\n"));
    CHECK(!parse.keep_alive);
    CHECK(takes_apart("GET / HTTP/1.0\r\n\r\n"));
    CHECK(!parse.keep_alive);
    CHECK(takes_apart("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
    CHECK(parse.keep_alive);
    CHECK(takes_apart("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"));
    CHECK(parse.keep_alive);
}

static void keeps_to_its_room(void)
{
    char text[1000];
    size_t len = (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: h\r\n");

    for (int i = 1; i < HEADERS_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "A: %d\r\n", i);
    snprintf(text + len, sizeof(text) - len, "\r\n");
    CHECK(takes_apart(text));
    CHECK_INT((long long)parse.headers_count, HEADERS_MAX);
    snprintf(text + len, sizeof(text) - len, "A: b\r\n\r\n");
    CHECK(!takes_apart(text));
}

TEST_MAIN(TEST(finds_the_end), TEST(forgives_one_empty_line), TEST(refuses_at_once),
          TEST(knows_the_framing), TEST(knows_hosts), TEST(takes_a_request_apart),
          TEST(takes_targets_apart), TEST(knows_who_stays), TEST(keeps_to_its_room))
