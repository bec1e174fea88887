/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into the daemon: names are looked up in the file $RESOLVER_FILE first, in lines such as
 *
 *     two.test 127.0.0.1 127.0.0.2
 *     rebound.test 127.0.0.1 | 127.0.0.2
 *
 * Behind the second bar stands the answer to the third question, and so on; the last one stays.
 * Each question leaves a line with the name in $RESOLVER_FILE.asked.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 1024

typedef int resolve(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static resolve *real(void)
{
    static resolve *found;

    if (found == NULL)
        *(void **)&found = dlsym(RTLD_NEXT, "getaddrinfo");
    return found;
}

/* The line's addresses, in line; NULL if the name is not there. */
static char *find_line(const char *name, char line[LINE_MAX_BYTES])
{
    FILE *file = fopen(getenv("RESOLVER_FILE"), "r");
    size_t len = strlen(name);
    char *found = NULL;

    while (file != NULL && found == NULL && fgets(line, LINE_MAX_BYTES, file) != NULL)
        if (strncmp(line, name, len) == 0 && line[len] == ' ')
            found = line + len;
    if (file != NULL)
        fclose(file);
    return found;
}

/* How often it has been asked for before, by whatever process. */
static int note_question(const char *name)
{
    char path[LINE_MAX_BYTES], line[LINE_MAX_BYTES];
    int before = 0;

    snprintf(path, sizeof(path), "%s.asked", getenv("RESOLVER_FILE"));
    FILE *file = fopen(path, "a+");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof(line), file) != NULL)
        before += strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == '\n';
    fprintf(file, "%s\n", name);
    fclose(file);
    return before;
}

static char *answer_to(int question, char *answers)
{
    char *bar;

    while (question-- > 0 && (bar = strchr(answers, '|')) != NULL)
        answers = bar + 1;
    answers[strcspn(answers, "|\n")] = '\0';
    return answers;
}

static int answer(char *numbers, const char *service, const struct addrinfo *hints,
                  struct addrinfo **out)
{
    struct addrinfo **end = out;
    char *rest;

    *out = NULL;
    for (char *at = strtok_r(numbers, " ", &rest); at != NULL; at = strtok_r(NULL, " ", &rest)) {
        int error = real()(at, service, hints, end);
        if (error != 0)
            return error;
        while (*end != NULL)
            end = &(*end)->ai_next;
    }
    return *out == NULL ? EAI_NONAME : 0;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    char line[LINE_MAX_BYTES];
    int number_only = hints != NULL && (hints->ai_flags & AI_NUMERICHOST) != 0;
    char *answers = name == NULL || number_only ? NULL : find_line(name, line);

    if (answers == NULL)
        return real()(name, service, hints, out);
    return answer(answer_to(note_question(name), answers), service, hints, out);
}
