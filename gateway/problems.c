/* SPDX-License-Identifier: MIT */
/*
 * Owns: the list of what is wrong with the configuration files.
 * Never does: print it (the command line and the log do). Lock: none.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

#define MESSAGE_MAX 600

void problems_init(struct problems *problems)
{
    memset(problems, 0, sizeof(*problems));
}

bool problems_are_full(const struct problems *problems)
{
    return problems->count == CONFIG_PROBLEMS_MAX;
}

static char *copy(const char *text)
{
    return text == NULL || text[0] == '\0' ? NULL : strdup(text);
}

void problems_add(struct problems *problems, const char *file, unsigned line, const char *pointer,
                  const char *key, const char *format, ...)
{
    char message[MESSAGE_MAX];
    va_list arguments;

    if (problems_are_full(problems)) {
        problems->left_out++;
        return;
    }
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    struct problem *problem = &problems->items[problems->count++];
    problem->file = copy(file);
    problem->line = line;
    problem->pointer = copy(pointer);
    problem->key = copy(key);
    problem->message = strdup(message);
}

void problems_fini(struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        free(problems->items[i].file);
        free(problems->items[i].pointer);
        free(problems->items[i].key);
        free(problems->items[i].message);
    }
    problems_init(problems);
}
