/* SPDX-License-Identifier: MIT */
/*
 * Owns: reading one JSON file strictly, and finding the line of a place in it.
 * Never does: know what a key means. Lock: none.
 */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "environment.h"
#include "text.h"
#include "wipe.h"

#define KNOWN_MAX 64

/* ---- Reading --------------------------------------------------------------------------------- */

static char *read_all(int fd, size_t *len)
{
    char *text = malloc(CONFIG_FILE_MAX + 2);

    *len = 0;
    while (text != NULL && *len <= CONFIG_FILE_MAX) {
        ssize_t n = read(fd, text + *len, CONFIG_FILE_MAX + 1 - *len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            free(text);
            return NULL;
        }
        if (n == 0)
            break;
        *len += (size_t)n;
    }
    if (text != NULL)
        text[*len] = '\0';
    return text;
}

/* Whatever is there in place of a file must not hold up a reload: a FIFO would be waited for. */
static int open_file(const char *path, const char **why)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    *why = strerror(errno);
    if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))) {
        *why = "it is not a regular file";
        close(fd);
        fd = -1;
        errno = EINVAL;
    }
    return fd;
}

int source_open(struct source *source, const char *directory, const char *file, bool required,
                struct problems *problems)
{
    char path[4096];
    size_t len = 0;
    const char *why;

    snprintf(path, sizeof(path), "%s/%s", directory, file);
    *source = (struct source){.file = file, .problems = problems};
    int fd = open_file(path, &why);
    if (fd < 0 && errno == ENOENT && !required)
        return 0;
    if (fd < 0) {
        problems_add(problems, file, 0, NULL, NULL, "cannot be read: %s: %s", path, why);
        return -1;
    }
    char *text = read_all(fd, &len);
    int error = errno;
    close(fd);
    if (text == NULL) {
        problems_add(problems, file, 0, NULL, NULL, "cannot be read: %s: %s", path,
                     strerror(error));
        return -1;
    }
    if (len > CONFIG_FILE_MAX || strlen(text) != len) {
        problems_add(problems, file, 0, NULL, NULL,
                     len > CONFIG_FILE_MAX ? "is larger than %u bytes" : "holds a NUL byte (%u)",
                     len > CONFIG_FILE_MAX ? CONFIG_FILE_MAX : 0u);
        free(text);
        return -1;
    }
    return source_parse(source, file, text, problems);
}

/* jansson quotes what it has stumbled over, which may be a password without its closing quote. */
static void add_syntax_problem(const char *file, const json_error_t *error,
                               struct problems *problems)
{
    const char *quote = strstr(error->text, " near '");
    size_t len = quote == NULL ? strlen(error->text) : (size_t)(quote - error->text);

    problems_add(problems, file, error->line > 0 ? (unsigned)error->line : 0, NULL, NULL,
                 "%.*s (column %d)", (int)len, error->text, error->column);
}

int source_parse(struct source *source, const char *file, char *text, struct problems *problems)
{
    json_error_t error;

    *source = (struct source){.file = file, .text = text, .problems = problems};
    source->root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (source->root == NULL) {
        add_syntax_problem(file, &error, problems);
        source_close(source);
        return -1;
    }
    if (!json_is_object(source->root)) {
        problems_add(problems, file, 1, NULL, NULL, "must be an object");
        source_close(source);
        return -1;
    }
    return 1;
}

void source_close(struct source *source)
{
    json_decref(source->root);
    origins_fini(&source->origins);
    wipe_free_string(source->text);
    source->root = NULL;
    source->text = NULL;
}

/* ---- Lines: the text is known to be well-formed, so looking for places in it is easy --------- */

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

static const char *skip_string(const char *at)
{
    for (at++; *at != '"' && *at != '\0'; at++)
        if (*at == '\\' && at[1] != '\0')
            at++;
    return *at == '"' ? at + 1 : at;
}

static const char *skip_value(const char *at)
{
    unsigned depth = 0;

    do {
        at = skip_space(at);
        if (*at == '"') {
            at = skip_string(at);
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
        } else if (*at == '}' || *at == ']') {
            depth--;
            at++;
        } else if (*at == ',' || *at == ':') {
            at++;
        } else {
            at += strcspn(at, " \t\r\n,:]}");
        }
    } while (depth > 0 && *at != '\0');
    return at;
}

/* The member of that name from the one at `at` on; keys with escapes are not looked for. */
static const char *find_from(const char *at, const char *name)
{
    size_t len = strlen(name);

    while (*at == '"') {
        bool found = strncmp(at + 1, name, len) == 0 && at[len + 1] == '"';
        if (found)
            return at;
        at = skip_space(skip_string(at));
        at = skip_space(skip_value(at + 1));
        if (*at == ',')
            at = skip_space(at + 1);
    }
    return NULL;
}

static const char *find_member(const char *object, const char *name)
{
    return find_from(skip_space(object + 1), name);
}

static const char *value_of(const char *member)
{
    return skip_space(skip_space(skip_string(member)) + 1);
}

static const char *find_element(const char *at, unsigned long index)
{
    for (at = skip_space(at + 1); *at != ']' && *at != '\0'; index--) {
        if (index == 0)
            return at;
        at = skip_space(skip_value(at));
        if (*at == ',')
            at = skip_space(at + 1);
    }
    return NULL;
}

static void unescape(char *segment)
{
    char *to = segment;

    for (const char *at = segment; *at != '\0'; at++) {
        if (at[0] == '~' && at[1] == '1') {
            *to++ = '/';
            at++;
        } else if (at[0] == '~' && at[1] == '0') {
            *to++ = '~';
            at++;
        } else {
            *to++ = *at;
        }
    }
    *to = '\0';
}

static unsigned line_of(const char *text, const char *place)
{
    unsigned line = 1;

    for (; text < place; text++)
        line += *text == '\n';
    return line;
}

/* In the value at `at`, as far as it is there; the pointer is taken apart. */
static const char *find_place(const char *at, char *pointer)
{
    char *state = NULL;
    const char *last = at;

    for (char *segment = strtok_r(pointer, "/", &state); segment != NULL && at != NULL;
         segment = strtok_r(NULL, "/", &state)) {
        last = at;
        unescape(segment);
        if (*at == '{') {
            at = find_member(at, segment);
            if (at != NULL) {
                last = at;
                at = value_of(at);
            }
        } else if (*at == '[') {
            at = find_element(at, strtoul(segment, NULL, 10));
            last = at != NULL ? at : last;
        }
    }
    return last;
}

static unsigned find_line(const char *text, const char *pointer)
{
    char copy[SOURCE_POINTER_MAX];

    snprintf(copy, sizeof(copy), "%s", pointer);
    return line_of(text, find_place(skip_space(text), copy));
}

/* ---- Problems -------------------------------------------------------------------------------- */

void source_pointer(char pointer[SOURCE_POINTER_MAX], const char *base, const char *segment)
{
    size_t len = strnlen(base, SOURCE_POINTER_MAX - 1);

    memmove(pointer, base, len);
    if (len < SOURCE_POINTER_MAX - 1)
        pointer[len++] = '/';
    for (; *segment != '\0' && len < SOURCE_POINTER_MAX - 2; segment++) {
        if (*segment == '~' || *segment == '/') {
            pointer[len++] = '~';
            pointer[len++] = *segment == '~' ? '0' : '1';
        } else {
            pointer[len++] = *segment;
        }
    }
    pointer[len] = '\0';
}

void source_problem(const struct source *source, const char *pointer, const char *key,
                    const char *format, ...)
{
    char message[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    if (problems_are_full(source->problems)) { /* to find a place means to read the whole text */
        problems_add(source->problems, NULL, 0, NULL, NULL, "%s", message);
        return;
    }
    char written[ORIGINS_POINTER_MAX];
    if (origins_find(&source->origins, pointer, written)) {
        pointer = written;
        key = key == NULL ? NULL : strrchr(written, '/') + 1;
    }
    problems_add(source->problems, source->file, find_line(source->text, pointer), pointer, key,
                 "%s", message);
}

void source_unknown(const struct source *source, const char *pointer, const char *key,
                    const char *what, const char *name, const char *const *names, size_t count)
{
    const char *nearest = text_nearest(name, names, count);

    source_problem(source, pointer, key, "no %s is called %s%s%s", what, name,
                   nearest == NULL ? "" : "; did you mean ", nearest == NULL ? "" : nearest);
}

unsigned source_line(const struct source *source, const char *pointer)
{
    return find_line(source->text, pointer);
}

unsigned source_line_next(const struct source *source, const char *pointer,
                          struct source_cursor *cursor)
{
    char copy[SOURCE_POINTER_MAX], *rest;
    const char *from = cursor->member;

    if (from == NULL) {
        from = skip_space(skip_space(source->text) + 1);
        cursor->line = line_of(source->text, from);
    }
    snprintf(copy, sizeof(copy), "%s", pointer[0] == '/' ? pointer + 1 : pointer);
    rest = copy + strcspn(copy, "/");
    char slash = *rest;
    *rest = '\0';
    unescape(copy);
    const char *member = find_from(from, copy);
    if (member == NULL) /* it stands before, or is not a member */
        return find_line(source->text, pointer);
    cursor->line += line_of(from, member) - 1;
    cursor->member = member;
    if (slash == '\0')
        return cursor->line;
    return cursor->line + line_of(member, find_place(value_of(member), rest + 1)) - 1;
}

static size_t count_of(const char *const *known)
{
    size_t count = 0;

    while (known[count] != NULL && count < KNOWN_MAX)
        count++;
    return count;
}

static bool is_known(const char *key, const char *const *known)
{
    for (; *known != NULL; known++)
        if (strcmp(key, *known) == 0)
            return true;
    return false;
}

void source_check_keys(const struct source *source, const json_t *object, const char *base,
                       const char *const *known)
{
    char pointer[SOURCE_POINTER_MAX];
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value)
    {
        if (is_known(key, known))
            continue;
        const char *nearest = text_nearest(key, known, count_of(known));
        source_pointer(pointer, base, key);
        if (nearest != NULL)
            source_problem(source, pointer, key, "unknown key; did you mean %s?", nearest);
        else
            source_problem(source, pointer, key, "unknown key");
    }
}

char *source_string(const struct source *source, const json_t *value, const char *pointer,
                    const char *key)
{
    char missing[ENVIRONMENT_NAME_MAX + 1];

    if (!json_is_string(value)) {
        source_problem(source, pointer, key, "must be a string");
        return NULL;
    }
    if (strlen(json_string_value(value)) != json_string_length(value)) {
        source_problem(source, pointer, key, "must not hold a NUL");
        return NULL;
    }
    char *text = environment_expand(json_string_value(value), missing);
    if (text == NULL)
        source_problem(source, pointer, key,
                       missing[0] == '\0' ? "out of memory%s"
                                          : "the environment variable %s is not set and has no "
                                            "default",
                       missing);
    return text;
}
