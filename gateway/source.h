/* SPDX-License-Identifier: MIT */
/*
 * One configuration file: its text, what it parsed to, and where in it a problem lies. A place is
 * named by its JSON pointer (RFC 6901); the line is found from that.
 */
#ifndef GATEWAY_SOURCE_H
#define GATEWAY_SOURCE_H

#include <jansson.h>
#include <stdbool.h>

#include "config.h"
#include "origins.h"

#define SOURCE_POINTER_MAX 1024 /* bytes of a pointer with its NUL; longer ones are cut */

struct source {
    const char *file; /* its name, without the directory */
    char *text;
    json_t *root; /* an object */
    struct problems *problems;
    struct origins origins; /* of a root that was written in another form; empty: as it is */
};

/* The line in the file of a place in what was written. */
unsigned source_line(const struct source *source, const char *pointer);

/* Where the last one was found. Zero-initialise it. */
struct source_cursor {
    const char *member; /* of the outermost object; NULL: none yet */
    unsigned line;
};

/*
 * The same, of many places one after the other: the text is read once if their outermost members
 * come in the order of the file.
 */
unsigned source_line_next(const struct source *source, const char *pointer,
                          struct source_cursor *cursor);

/* 1: read; 0: there is no such file (a problem only if `required`); -1: a problem was added. */
int source_open(struct source *source, const char *directory, const char *file, bool required,
                struct problems *problems);
/* The same from memory; takes text (malloc'd). */
int source_parse(struct source *source, const char *file, char *text, struct problems *problems);
void source_close(struct source *source);

/* base + "/" + segment, escaped. */
void source_pointer(char pointer[SOURCE_POINTER_MAX], const char *base, const char *segment);

/*
 * Add a problem with what stands at `pointer`. What was written in another form is named by the
 * place and the key that stand in the file.
 */
void source_problem(const struct source *source, const char *pointer, const char *key,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* There is no `what` of this name; of the names there are, the nearest one may have been meant. */
void source_unknown(const struct source *source, const char *pointer, const char *key,
                    const char *what, const char *name, const char *const *names, size_t count);

/* A member of the object at `base`, whose key is not one of `known` (ends with NULL). */
void source_check_keys(const struct source *source, const json_t *object, const char *base,
                       const char *const *known);

/* The string with its environment variables; malloc'd. NULL: a problem was added. */
char *source_string(const struct source *source, const json_t *value, const char *pointer,
                    const char *key);

#endif
