/* SPDX-License-Identifier: MIT */
/*
 * Owns: finding headers and query parameters of a request. Never does: change it. Lock: none.
 */
#include "request.h"

#include <string.h>
#include <strings.h>

const char *guard_request_header(const struct guard_request *request, const char *name)
{
    for (size_t i = 0; i < request->headers_count; i++)
        if (strcmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    return NULL;
}

size_t guard_request_count(const struct guard_request *request, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < request->headers_count; i++)
        count += strcmp(request->headers[i].name, name) == 0;
    return count;
}

bool guard_request_is_form(const struct guard_request *request)
{
    static const char form[] = "application/x-www-form-urlencoded";
    const char *type = guard_request_header(request, "content-type");

    return guard_request_count(request, "content-type") == 1 &&
           strncasecmp(type, form, sizeof(form) - 1) == 0 &&
           strchr("; \t", type[sizeof(form) - 1]) != NULL; /* or its end */
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* What a plus is: RFC 3986 leaves it alone, forms make it a space. */
enum plus { PLUS_SPACE = ' ', PLUS_LITERAL = '+' };

/* One byte of len at text; how many it took, 0 if it is broken. */
static size_t decode(const char *text, size_t len, enum plus plus, char *byte)
{
    *byte = *text == '+' ? (char)plus : *text;
    if (*text != '%')
        return 1;
    if (len < 3 || hex_digit(text[1]) < 0 || hex_digit(text[2]) < 0)
        return 0;
    *byte = (char)(hex_digit(text[1]) << 4 | hex_digit(text[2]));
    return 3;
}

static long decode_all(const char *text, size_t len, enum plus plus, char *buffer, size_t room)
{
    size_t used = 0;

    while (len > 0) {
        char byte;
        size_t took = decode(text, len, plus, &byte);
        if (took == 0 || used + 1 >= room)
            return -1;
        buffer[used++] = byte;
        text += took;
        len -= took;
    }
    buffer[used] = '\0';
    return (long)used;
}

static bool is_called(const char *text, size_t len, const char *name)
{
    for (; len > 0 && *name != '\0'; name++) {
        char byte;
        size_t took = decode(text, len, PLUS_SPACE, &byte);
        if (took == 0 || byte != *name)
            return false;
        text += took;
        len -= took;
    }
    return len == 0 && *name == '\0';
}

static long find(const struct guard_request *request, const char *name, enum plus plus,
                 char *buffer, size_t room)
{
    const char *at = request->query, *value = NULL;
    size_t value_len = 0;

    while (at != NULL && *at != '\0') {
        size_t len = strcspn(at, "&"), key_len = strcspn(at, "=&");
        if (key_len < len && is_called(at, key_len, name)) {
            if (value != NULL)
                return -1;
            value = at + key_len + 1;
            value_len = len - key_len - 1;
        }
        at += len + (at[len] == '&');
    }
    return value == NULL ? -1 : decode_all(value, value_len, plus, buffer, room);
}

long guard_request_query(const struct guard_request *request, const char *name, char *buffer,
                         size_t room)
{
    return find(request, name, PLUS_SPACE, buffer, room);
}

long guard_request_query_literal(const struct guard_request *request, const char *name,
                                 char *buffer, size_t room)
{
    return find(request, name, PLUS_LITERAL, buffer, room);
}
