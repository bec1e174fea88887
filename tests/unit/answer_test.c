/* SPDX-License-Identifier: MIT */
/* Answers and how they go over the wire. */
#include "test.h"

#include <stdlib.h>

#include "answer.h"
#include "reply.h"

static char wire[4096];

static const char *sent(const struct answer *answer, enum reply_connection connection)
{
    static struct reply_date date;
    size_t len = reply_head(wire, answer, connection, &date);

    memcpy(wire + len, answer->body == NULL ? "" : answer->body, answer->body_len);
    wire[len + answer->body_len] = '\0';
    return wire;
}

static void writes_a_stored_answer(void)
{
    struct answer answer = {.status = 0};
    char length[40];

    answer_stored(&answer, "0190a0c4-0000-7000-8000-000000000000", -1);
    CHECK_INT(answer.status, 200);
    const char *text = sent(&answer, REPLY_DEFAULT);
    CHECK(strncmp(text, "HTTP/1.1 200 OK\r\nDate: ", 23) == 0);
    CHECK(strstr(text, "\r\nContent-Type: application/json\r\n") != NULL);
    snprintf(length, sizeof(length), "\r\nContent-Length: %zu\r\n\r\n", answer.body_len);
    CHECK(strstr(text, length) != NULL);
    CHECK(strstr(text, "{\"id\":\"0190a0c4-0000-7000-8000-000000000000\",\"status\":\"stored\"}"));
    CHECK(strstr(text, "Connection") == NULL && strstr(text, "Retry-After") == NULL);
    answer_fini(&answer);
    CHECK(answer.body == NULL && answer.status == 0);
}

static void writes_every_problem(void)
{
    char type[100];
#define ROW(name, status, code, title) {ANSWER_##name, status, code, title},
    static const struct {
        enum answer_problem problem;
        unsigned status;
        const char *code, *title;
    } all[] = {ANSWER_PROBLEMS(ROW)};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct answer answer = {.status = 0};
        answer_problem(&answer, all[i].problem, NULL);
        CHECK_INT(answer.status, all[i].status);
        CHECK_STRING(answer.content_type, "application/problem+json");
        CHECK_STRING(answer_problem_code(all[i].problem), all[i].code);
        const char *text = sent(&answer, REPLY_CLOSE);
        snprintf(type, sizeof(type), "\"type\":\"urn:weir:error:%s\"", all[i].code);
        CHECK(strstr(text, type) != NULL && strstr(text, all[i].title) != NULL);
        CHECK(strstr(text, "\r\nConnection: close\r\n") != NULL);
        CHECK((strstr(text, "\r\nRetry-After: ") != NULL) == (answer.retry_after > 0));
        CHECK(all[i].status != 503 || answer.retry_after > 0);
        CHECK((strstr(text, "\r\nWWW-Authenticate: Bearer") != NULL) == (all[i].status == 401));
        CHECK(strncmp(text + 12, " \r\n", 3) != 0); /* every status has its reason */
        answer_fini(&answer);
    }
}

static void quotes_an_id(void)
{
    struct answer answer = {.status = 0};

    answer_problem(&answer, ANSWER_REJECTED, "some-id");
    CHECK(strstr(sent(&answer, REPLY_KEEP_ALIVE), ",\"id\":\"some-id\"}") != NULL);
    CHECK(strstr(wire, "\r\nConnection: keep-alive\r\n") != NULL);
    answer_fini(&answer);
}

static void writes_other_headers(void)
{
    struct answer answer = {.status = 0};

    answer_body(&answer, 405, "text/plain", strdup("no"), 2);
    answer.allow = "GET, HEAD";
    answer.retry_after = 120;
    CHECK(strstr(sent(&answer, REPLY_DEFAULT), "\r\nAllow: GET, HEAD\r\n") != NULL);
    CHECK(strstr(wire, "\r\nRetry-After: 120\r\n") != NULL);
    CHECK(strstr(wire, "\r\nContent-Length: 2\r\n") != NULL);
    answer_body(&answer, 200, "text/plain", NULL, 0);
    CHECK(strstr(sent(&answer, REPLY_DEFAULT), "\r\nContent-Length: 0\r\n") != NULL);
    answer_fini(&answer);
}

/* RFC 9110, 5.6.7: names in English, whatever the locale. */
static void dates_its_answers(void)
{
    struct answer answer = {.status = 200};
    struct tm tm;
    time_t before = time(NULL);

    const char *date = strstr(sent(&answer, REPLY_DEFAULT), "\r\nDate: ");
    CHECK(date != NULL);
    memset(&tm, 0, sizeof(tm));
    const char *end = strptime(date + 8, "%a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
    CHECK(end != NULL && end - date == 8 + 29 + 2);
    time_t said = timegm(&tm);
    CHECK(said >= before && said <= before + 5);
}

TEST_MAIN(TEST(writes_a_stored_answer), TEST(writes_every_problem), TEST(quotes_an_id),
          TEST(writes_other_headers), TEST(dates_its_answers))
