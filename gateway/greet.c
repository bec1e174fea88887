/* SPDX-License-Identifier: MIT */
/*
 * Owns: the answers to providers' challenges, as HTTP.
 * Never does: store one. Lock: none; the loop's thread.
 */
#include "greet.h"

#include <string.h>

#include <weir/error.h>

#include "challenge.h"
#include "knock.h"

bool greet_takes(const struct config_webhook *entry, const char *method)
{
    return entry != NULL && challenge_takes_get(&entry->challenge) &&
           (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0);
}

bool greet_asked(struct intake *intake, const struct config_webhook *entry,
                 const struct request *request)
{
    if (entry->challenge.kind == CHALLENGE_NONE)
        return false;
    struct guard_request seen = knock_describe(intake, entry, request);
    return challenge_in_query(&entry->challenge, &seen);
}

/* A browser must not take what is echoed for anything but text. */
static void fill(struct answer *answer, const char *type, const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL) {
        answer_problem(answer, ANSWER_OVERLOADED, NULL);
        return;
    }
    answer_body(answer, text[0] == '\0' ? 204 : 200, type, copy, strlen(copy));
    answer->nosniff = true;
}

void greet_echo(struct intake *intake, const struct config_webhook *entry,
                const struct request *request, struct answer *answer)
{
    struct guard_request seen = knock_describe(intake, entry, request);
    char text[CHALLENGE_TEXT_MAX];
    int status = challenge_echo(&entry->challenge, &seen, text);

    if (status == 0)
        fill(answer, "text/plain; charset=utf-8", text);
    else if (status == WEIR_EDENIED)
        knock_forbid(intake, entry, &seen, "not the verify_token, or no subscription", answer);
    else
        answer_problem(answer, ANSWER_MALFORMED, NULL);
}

bool greet_reply(struct intake *intake, const struct config_webhook *entry,
                 const struct request *request, struct answer *answer)
{
    char text[CHALLENGE_TEXT_MAX];
    const char *type;

    if (entry->challenge.kind == CHALLENGE_NONE)
        return false;
    struct guard_request seen = knock_describe(intake, entry, request);
    if (!challenge_reply(&entry->challenge, entry->guard, &seen, text, &type))
        return false;
    fill(answer, type, text);
    return true;
}
