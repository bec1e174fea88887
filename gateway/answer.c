/* SPDX-License-Identifier: MIT */
/*
 * Owns: the bodies of answers. Never does: quote a backend. Lock: none.
 */
#include "answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROBLEM_MAX   512
#define RETRY_SECONDS 1

static const struct {
    unsigned status;
    const char *code, *title;
} problems[] = {
#define PROBLEM(name, status, code, title) [ANSWER_##name] = {status, code, title},
    ANSWER_PROBLEMS(PROBLEM)
#undef PROBLEM
};

const char *answer_problem_code(enum answer_problem problem)
{
    return problems[problem].code;
}

/* Without memory the body stays empty; the status says enough. */
static void set_copy(struct answer *answer, unsigned status, const char *type, const char *body)
{
    char *copy = strdup(body);

    answer_body(answer, status, type, copy, copy == NULL ? 0 : strlen(copy));
}

void answer_problem(struct answer *answer, enum answer_problem problem, const char *id)
{
    char body[PROBLEM_MAX];
    unsigned status = problems[problem].status;

    snprintf(body, sizeof(body),
             "{\"type\":\"urn:weir:error:%s\",\"title\":\"%s\",\"status\":%u%s%s%s}\n",
             problems[problem].code, problems[problem].title, status,
             id == NULL ? "" : ",\"id\":\"", id == NULL ? "" : id, id == NULL ? "" : "\"");
    set_copy(answer, status, "application/problem+json", body);
    if (status == 503)
        answer->retry_after = RETRY_SECONDS;
    if (status == 401)
        answer->authenticate = "Bearer";
}

void answer_stored(struct answer *answer, const char *id)
{
    char body[PROBLEM_MAX];

    snprintf(body, sizeof(body), "{\"id\":\"%s\",\"status\":\"stored\"}\n", id);
    set_copy(answer, 200, "application/json", body);
}

void answer_body(struct answer *answer, unsigned status, const char *content_type, char *body,
                 size_t len)
{
    answer_fini(answer);
    answer->status = status;
    answer->content_type = content_type;
    answer->body = body;
    answer->body_len = len;
}

void answer_fini(struct answer *answer)
{
    free(answer->body);
    memset(answer, 0, sizeof(*answer));
}
