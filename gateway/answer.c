/* SPDX-License-Identifier: MIT */
/*
 * Owns: the wording of every answer to a client.
 * Never does: repeat what a client or a backend said; fail: without memory the body is left out.
 * Lock: none.
 */
#include "answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROBLEM_MAX   512 /* bytes of a problem's body */
#define RETRY_SECONDS 1   /* a sender should wait at least so long */

static const struct {
    unsigned status;
    const char *code, *title;
} problems[] = {
#define ANSWER_ROW(name, status, code, title) {status, code, title},
    ANSWER_PROBLEMS(ANSWER_ROW)
#undef ANSWER_ROW
};

/* Replace the body by a copy of `text`. */
static void copy_body(struct answer *answer, const char *text, int len)
{
    free(answer->body);
    answer->body = malloc((size_t)len);
    answer->body_len = answer->body == NULL ? 0 : (size_t)len;
    if (answer->body != NULL)
        memcpy(answer->body, text, (size_t)len);
}

static void put_problem(struct answer *answer, enum answer_problem problem, const char *id,
                        const char *field)
{
    char text[PROBLEM_MAX];
    unsigned status = problems[problem].status;

    int len = snprintf(
        text, sizeof(text),
        "{\"type\":\"urn:weir:error:%s\",\"title\":\"%s\",\"status\":%u%s%.40s%s%s%.128s%s}\n",
        problems[problem].code, problems[problem].title, status, id == NULL ? "" : ",\"id\":\"",
        id == NULL ? "" : id, id == NULL ? "" : "\"", field == NULL ? "" : ",\"field\":\"",
        field == NULL ? "" : field, field == NULL ? "" : "\"");
    answer->status = status;
    answer->content_type = "application/problem+json";
    if (status == 401)
        answer->authenticate = "Bearer realm=\"weir\"";
    if (status == 503 || status == 429)
        answer->retry_after = RETRY_SECONDS;
    copy_body(answer, text, len);
}

void answer_problem(struct answer *answer, enum answer_problem problem, const char *id)
{
    put_problem(answer, problem, id, NULL);
}

void answer_rejected(struct answer *answer, const char *id, const char *field)
{
    put_problem(answer, ANSWER_REJECTED, id, field);
}

void answer_stored(struct answer *answer, const char *id, int64_t receivers)
{
    char text[PROBLEM_MAX], reached[48] = "";

    if (receivers >= 0)
        snprintf(reached, sizeof(reached), ",\"receivers\":%lld", (long long)receivers);
    int len =
        snprintf(text, sizeof(text), "{\"id\":\"%.40s\",\"status\":\"stored\"%s}\n", id, reached);
    answer->status = 200;
    answer->content_type = "application/json";
    copy_body(answer, text, len);
}

void answer_filtered(struct answer *answer)
{
    static const char text[] = "{\"status\":\"filtered\"}\n";

    answer->status = 200;
    answer->content_type = "application/json";
    copy_body(answer, text, sizeof(text) - 1);
}

void answer_body(struct answer *answer, unsigned status, const char *content_type, char *body,
                 size_t len)
{
    free(answer->body);
    answer->status = status;
    answer->content_type = content_type;
    answer->body = body;
    answer->body_len = len;
}

const char *answer_problem_code(enum answer_problem problem)
{
    return problems[problem].code;
}

void answer_fini(struct answer *answer)
{
    free(answer->body);
    *answer = (struct answer){0};
}
