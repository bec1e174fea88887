/* SPDX-License-Identifier: MIT */
/*
 * Owns: the three ways in which problems with the configuration are told.
 * Never does: find one. Lock: none.
 */
#include "report.h"

#include <stdio.h>

#include "log.h"

#define NUMBER_MAX 16

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

void report_line(const struct problem *problem, char *text, size_t len)
{
    char line[NUMBER_MAX] = "";

    if (problem->line > 0)
        snprintf(line, sizeof(line), "%u:", problem->line);
    snprintf(text, len, "%s%s%s%s%s%s%s", or_empty(problem->file), problem->file == NULL ? "" : ":",
             line, problem->file == NULL ? "" : " ", or_empty(problem->pointer),
             problem->pointer == NULL ? "" : ": ", or_empty(problem->message));
}

static json_t *text_or_null(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
}

static json_t *one_json(const struct problem *problem)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o}", "file", text_or_null(problem->file), "line",
                     problem->line == 0 ? json_null() : json_integer(problem->line), "pointer",
                     text_or_null(problem->pointer), "key", text_or_null(problem->key), "message",
                     text_or_null(problem->message));
}

json_t *report_json(const struct problems *problems)
{
    json_t *array = json_array();

    for (size_t i = 0; i < problems->count; i++)
        json_array_append_new(array, one_json(&problems->items[i]));
    return array;
}

void report_log(const struct problems *problems, const char *event)
{
    char number[NUMBER_MAX];

    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->items[i];
        snprintf(number, sizeof(number), "%u", problem->line);
        log_event(LOG_ERROR, event, "file", problem->file, "line",
                  problem->line == 0 ? NULL : number, "pointer", problem->pointer, "message",
                  problem->message, NULL);
    }
    snprintf(number, sizeof(number), "%zu", problems->left_out);
    if (problems->left_out > 0)
        log_event(LOG_ERROR, event, "left_out", number, NULL);
}
