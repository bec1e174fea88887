/* SPDX-License-Identifier: MIT */
/*
 * Owns: writing a request's headers as a JSON object.
 * Never does: store a credential, a cookie or a signature, or what is untrue of the stored body;
 * write anything that is not UTF-8.
 * Lock: none.
 */
#include "headers.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

#define ESCAPE_MAX 6 /* bytes that one byte may become */

struct text {
    char *bytes;
    size_t len;
};

/* Whole names: credentials, and how long the body was on the wire, and in which coding. */
static const char *const whole_names[] = {
    "authorization", "proxy-authorization", "cookie",           "cookie2",
    "set-cookie",    "content-length",      "content-encoding", "transfer-encoding"};

/* Parts of names that do: signatures of many senders, and secrets sent as they are. */
static const char *const secret_parts[] = {"signature", "hmac",   "token",   "secret",
                                           "api-key",   "apikey", "password"};

static bool ends_with(const char *name, const char *end)
{
    size_t len = strlen(name), end_len = strlen(end);

    return len >= end_len && strcmp(name + len - end_len, end) == 0;
}

bool headers_storable(const char *name)
{
    for (size_t i = 0; i < sizeof(whole_names) / sizeof(whole_names[0]); i++)
        if (strcmp(name, whole_names[i]) == 0)
            return false;
    for (size_t i = 0; i < sizeof(secret_parts) / sizeof(secret_parts[0]); i++)
        if (strstr(name, secret_parts[i]) != NULL)
            return false;
    return !ends_with(name, "-sig");
}

static void put(struct text *text, const char *bytes, size_t len)
{
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
}

static void put_escaped(struct text *text, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    const char escape[ESCAPE_MAX] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};

    put(text, escape, sizeof(escape));
}

/* The inside of a JSON string. */
static void put_string(struct text *text, const char *value)
{
    for (size_t left = strlen(value); left > 0;) {
        size_t len = text_utf8_sequence(value, left);
        unsigned char byte = (unsigned char)*value;
        if (len == 0) {
            put(text, "\xef\xbf\xbd", 3);
            len = 1;
        } else if (byte < 0x20 || byte == 0x7f || byte == '"' || byte == '\\') {
            put_escaped(text, byte);
        } else {
            put(text, value, len);
        }
        value += len;
        left -= len;
    }
}

/* Most bytes that one pair can take, quotes and separators included. */
static size_t room_of(const struct request_header *header)
{
    return ESCAPE_MAX * (strlen(header->name) + strlen(header->value)) + 8;
}

static bool seen_before(const struct request_header *headers, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(headers[i].name, headers[index].name) == 0)
            return true;
    return false;
}

/* One name with all of its values, the first of which is headers[first]. */
static void put_pair(struct text *text, const struct request_header *headers, size_t count,
                     size_t first, size_t *left)
{
    const char *name = headers[first].name;

    put(text, text->len > 1 ? ",\"" : "\"", text->len > 1 ? 2 : 1);
    put_string(text, name);
    put(text, "\":\"", 3);
    for (size_t i = first; i < count; i++) {
        size_t room = room_of(&headers[i]);
        if (strcmp(headers[i].name, name) != 0 || (i > first && room > *left))
            continue;
        if (i > first)
            put(text, ", ", 2);
        put_string(text, headers[i].value);
        *left -= room;
    }
    put(text, "\"", 1);
}

char *headers_json(const struct request_header *headers, size_t count, const struct guard *guard,
                   const struct redact *redact, size_t *len)
{
    struct text text = {NULL, 0};
    size_t size = 2, left;

    for (size_t i = 0; i < count && size < HEADERS_JSON_MAX; i++)
        size += room_of(&headers[i]);
    size = size < HEADERS_JSON_MAX ? size : HEADERS_JSON_MAX;
    text.bytes = malloc(size + 1);
    if (text.bytes == NULL)
        return NULL;
    left = size - 2;
    put(&text, "{", 1);
    for (size_t i = 0; i < count; i++)
        if (headers_storable(headers[i].name) && !guard_reads_header(guard, headers[i].name) &&
            !redact_has_header(redact, headers[i].name) && !seen_before(headers, i) &&
            room_of(&headers[i]) <= left)
            put_pair(&text, headers, count, i, &left);
    put(&text, "}", 1);
    text.bytes[text.len] = '\0';
    *len = text.len;
    return text.bytes;
}
