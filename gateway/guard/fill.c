/* SPDX-License-Identifier: MIT */
/*
 * Owns: filling in a template of signed content with the bytes as they came.
 * Never does: encode anything again. Lock: none.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "content_parts.h"
#include "hex.h"
#include "json_place.h"
#include "wipe.h"

struct buffer {
    unsigned char *bytes;
    size_t len, room;
    bool failed;
};

void content_drop(unsigned char *content, size_t len)
{
    if (content != NULL)
        wipe(content, len);
    free(content);
}

static void put(struct buffer *buffer, const void *bytes, size_t len)
{
    if (buffer->failed || len == 0)
        return;
    if (buffer->room - buffer->len < len) {
        size_t room = 2 * buffer->room + len;
        unsigned char *more = malloc(room);
        if (more == NULL) {
            buffer->failed = true;
            return;
        }
        if (buffer->len > 0)
            memcpy(more, buffer->bytes, buffer->len);
        content_drop(buffer->bytes, buffer->len);
        buffer->bytes = more;
        buffer->room = room;
    }
    memcpy(buffer->bytes + buffer->len, bytes, len);
    buffer->len += len;
}

static bool put_text(struct buffer *buffer, const char *text)
{
    if (text == NULL)
        return false;
    put(buffer, text, strlen(text));
    return true;
}

/* Where the host's port begins; NULL: it has none. A user and a password may stand before it. */
static const char *find_port(const char *host, const char *end)
{
    const char *user = memrchr(host, '@', (size_t)(end - host));

    host = user == NULL ? host : user;
    const char *bracket = memchr(host, ']', (size_t)(end - host));

    host = bracket == NULL ? host : bracket;
    return memchr(host, ':', (size_t)(end - host));
}

/*
 * Scheme and host, with or without the port, whichever way it was configured (Twilio), and the path
 * that a proxy takes away.
 */
static bool put_public(struct buffer *buffer, const char *url, enum piece_kind kind)
{
    const char *host = url == NULL ? NULL : strstr(url, "://");

    if (host == NULL)
        return false;
    const char *path = host + 3 + strcspn(host + 3, "/");
    const char *port = find_port(host + 3, path);
    const char *end = port != NULL && kind == PIECE_URL_WITHOUT_PORT ? port : path;
    put(buffer, url, (size_t)(end - url));
    if (port == NULL && kind == PIECE_URL_WITH_PORT)
        put_text(buffer, strncmp(url, "http://", 7) == 0 ? ":80" : ":443");
    return put_text(buffer, path);
}

static bool put_url(struct buffer *buffer, const struct guard_request *request,
                    enum piece_kind kind)
{
    if (!put_public(buffer, request->public_url, kind))
        return false;
    put_text(buffer, request->path);
    if (request->query != NULL) {
        put(buffer, "?", 1);
        put_text(buffer, request->query);
    }
    return true;
}

/* HubSpot signs the URL with these escapes undone, and no others (its "URL-encoded characters"). */
static bool put_url_decoded(struct buffer *buffer, const struct guard_request *request)
{
    static const char escapes[][4] = {"%3A", "%2F", "%3F", "%40", "%21", "%24",
                                      "%27", "%28", "%29", "%2A", "%2C", "%3B"};
    static const char characters[] = ":/?@!$'()*,;";
    struct buffer url = {.bytes = NULL};
    bool good = put_url(&url, request, PIECE_URL);

    for (size_t i = 0; good && i < url.len; i++) {
        size_t found = 0;
        while (
            found < sizeof(characters) - 1 &&
            (url.len - i < 3 || strncasecmp((const char *)url.bytes + i, escapes[found], 3) != 0))
            found++;
        bool escape = found < sizeof(characters) - 1;
        put(buffer, escape ? &characters[found] : (const char *)url.bytes + i, 1);
        i += escape ? 2 : 0;
    }
    buffer->failed = buffer->failed || url.failed;
    free(url.bytes);
    return good;
}

/* ---- Forms: names and values, decoded, in order of name, each pair once (Twilio) ------------- */

struct pair {
    char *name, *value;
};

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *left = a, *right = b;
    int order = strcmp(left->name, right->name);

    return order != 0 ? order : strcmp(left->value, right->value);
}

/*
 * Decoded in place, within the copy of the body. NULL if there is a NUL in it: what stands behind
 * one would not be signed.
 */
static char *decode(char *text, size_t len)
{
    char *to = text;

    for (size_t i = 0; i < len; i++) {
        unsigned char byte;
        if (text[i] == '%' && len - i > 2 && hex_decode(text + i + 1, 2, &byte, 1) == 1) {
            *to++ = (char)byte;
            i += 2;
        } else {
            *to++ = text[i] == '+' ? ' ' : text[i];
        }
    }
    *to = '\0';
    return memchr(text, '\0', (size_t)(to - text)) == NULL ? text : NULL;
}

/* Pairs point into copy, which has room for a NUL behind it; how many, -1 if that cannot be. */
static int split_form(char *copy, size_t len, struct pair *pairs)
{
    int count = 0;

    for (char *at = copy, *end = copy + len; at < end;) {
        char *next = memchr(at, '&', (size_t)(end - at));
        char *stop = next == NULL ? end : next;
        char *equals = memchr(at, '=', (size_t)(stop - at));
        if (count == CONTENT_FORM_MAX)
            return -1;
        char *value = equals == NULL ? stop : equals + 1;
        pairs[count].value = decode(value, (size_t)(stop - value));
        pairs[count].name = decode(at, (size_t)((equals == NULL ? stop : equals) - at));
        if (pairs[count].name == NULL || pairs[count].value == NULL)
            return -1;
        if (pairs[count].name != pairs[count].value)
            count++;
        at = stop + 1;
    }
    return count;
}

static bool put_form(struct buffer *buffer, const struct guard_request *request)
{
    if (!guard_request_is_form(request) || request->body_len == 0)
        return true;
    char *copy = malloc(request->body_len + 1);
    struct pair *pairs = calloc(CONTENT_FORM_MAX, sizeof(*pairs));
    int count = 0;
    if (copy != NULL && pairs != NULL) {
        memcpy(copy, request->body, request->body_len);
        copy[request->body_len] = '\0';
        count = split_form(copy, request->body_len, pairs);
    } else {
        buffer->failed = true;
    }
    if (count > 0)
        qsort(pairs, (size_t)count, sizeof(*pairs), compare_pairs);
    for (int i = 0; i < count; i++) {
        if (i > 0 && compare_pairs(&pairs[i - 1], &pairs[i]) == 0)
            continue;
        put_text(buffer, pairs[i].name);
        put_text(buffer, pairs[i].value);
    }
    free(pairs);
    free(copy);
    return count >= 0;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static bool put_json(struct buffer *buffer, const struct guard_request *request,
                     const char *pointer)
{
    char text[JSON_PLACE_MAX];

    return json_place(request, pointer, text) && put_text(buffer, text);
}

/* Of two, the one that was signed need not be the one that somebody believes. */
static bool put_header(struct buffer *buffer, const struct guard_request *request, const char *name)
{
    return guard_request_count(request, name) == 1 &&
           put_text(buffer, guard_request_header(request, name));
}

static bool put_piece(struct buffer *buffer, const struct piece *piece,
                      const struct guard_request *request, const struct content_values *values)
{
    switch (piece->kind) {
    case PIECE_TEXT: return put_text(buffer, piece->text);
    case PIECE_METHOD: return put_text(buffer, request->method);
    case PIECE_URL:
    case PIECE_URL_WITH_PORT:
    case PIECE_URL_WITHOUT_PORT: return put_url(buffer, request, piece->kind);
    case PIECE_URL_DECODED: return put_url_decoded(buffer, request);
    case PIECE_PATH: return put_text(buffer, request->path);
    case PIECE_QUERY: return put_text(buffer, request->query == NULL ? "" : request->query);
    case PIECE_TIMESTAMP: return put_text(buffer, values->timestamp);
    case PIECE_ID: return put_text(buffer, values->id);
    case PIECE_BODY: put(buffer, request->body, request->body_len); return true;
    case PIECE_SECRET: put(buffer, values->secret->bytes, values->secret->len); return true;
    case PIECE_FORM: return put_form(buffer, request);
    case PIECE_HEADER: return put_header(buffer, request, piece->text);
    case PIECE_JSON: return put_json(buffer, request, piece->text);
    }
    return false;
}

static int missing(const struct piece *piece, struct weir_error *error)
{
    const char *name = content_piece_name(piece);

    return weir_fail(error, WEIR_EDENIED, "{%s%s%.64s} is signed, and not in the request",
                     name == NULL ? "" : name, piece->text[0] == '\0' ? "" : ":", piece->text);
}

int content_fill(const struct content *content, const struct guard_request *request,
                 const struct content_values *values, unsigned char **out, size_t *len,
                 struct weir_error *error)
{
    struct buffer buffer = {.bytes = malloc(request->body_len + 512),
                            .room = request->body_len + 512};
    const struct piece *at = content->pieces, *end = at + content->count;

    while (buffer.bytes != NULL && at < end && put_piece(&buffer, at, request, values))
        at++;
    *out = NULL;
    if (buffer.bytes != NULL && at == end && !buffer.failed) {
        *out = buffer.bytes;
        *len = buffer.len;
        return 0;
    }
    bool no_memory = buffer.bytes == NULL || buffer.failed;
    content_drop(buffer.bytes, buffer.len);
    return no_memory ? weir_fail(error, WEIR_ENOMEM, "out of memory") : missing(at, error);
}
