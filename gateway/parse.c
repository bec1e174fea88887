/* SPDX-License-Identifier: MIT */
/*
 * Owns: everything that knows which HTTP parser is used.
 * Never does: see a byte of a body, keep a parser from one request to the next.
 * Lock: none.
 */
#include "parse.h"

#include <http_parser.h>
#include <string.h>
#include <strings.h>

struct work {
    char *target;
    size_t target_len;
    struct request_header *headers;
    size_t count, max;
    bool whole;
};

static const char empty[] = "";

static int on_url(http_parser *parser, const char *at, size_t len)
{
    struct work *work = parser->data;

    if (work->target != NULL)
        return 1;
    work->target = (char *)(uintptr_t)at;
    work->target_len = len;
    return 0;
}

/* The head is in one piece, so that each name and each value comes in one piece, too. */
static int on_header_field(http_parser *parser, const char *at, size_t len)
{
    struct work *work = parser->data;

    if (len == 0 || work->count == work->max ||
        (work->count > 0 && work->headers[work->count - 1].value == NULL))
        return 1;
    work->headers[work->count++] = (struct request_header){.name = at};
    return 0;
}

static int on_header_value(http_parser *parser, const char *at, size_t len)
{
    struct work *work = parser->data;

    if (work->count == 0 || work->headers[work->count - 1].value != NULL)
        return 1;
    work->headers[work->count - 1].value = len == 0 ? empty : at;
    return 0;
}

static int on_headers_complete(http_parser *parser)
{
    struct work *work = parser->data;

    work->whole = true;
    return 0;
}

/* Does the parser see the same message as head_check did? */
static bool agrees(const http_parser *parser, const struct head *head)
{
    bool chunked = (parser->flags & F_CHUNKED) != 0;
    bool has_length = (parser->flags & F_CONTENTLENGTH) != 0;

    return parser->http_major == 1 && parser->http_minor == head->minor &&
           chunked == head->chunked && has_length == head->has_length &&
           (!has_length || parser->content_length == head->content_length);
}

/* A name ends at its colon, a value at its CR or the white space before it. */
static void finish_header(const struct request_header *header)
{
    char *at = (char *)(uintptr_t)header->name;

    for (; *at != ':'; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at | 0x20);
    *at = '\0';
    if (header->value == empty)
        return;
    at = (char *)(uintptr_t)header->value;
    char *end = at + strcspn(at, "\r");
    while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *end = '\0';
}

static void finish_target(struct parse *parse, char *target, size_t len)
{
    char *end = target + len;

    *end = '\0';
    if (target[0] != '/' && target[0] != '*')
        target = strstr(target, "://") + 3, target += strcspn(target, "/?");
    parse->query = NULL;
    char *mark = memchr(target, '?', (size_t)(end - target));
    if (mark != NULL) {
        *mark = '\0';
        parse->query = mark + 1;
        end = mark;
    }
    parse->path = end > target ? target : "/";
    parse->path_len = end > target ? (size_t)(end - target) : 1;
}

bool parse_head(struct parse *parse, char *bytes, size_t len, const struct head *head,
                struct request_header *headers, size_t headers_max)
{
    static const http_parser_settings settings = {.on_url = on_url,
                                                  .on_header_field = on_header_field,
                                                  .on_header_value = on_header_value,
                                                  .on_headers_complete = on_headers_complete};
    struct work work = {.headers = headers, .max = headers_max};
    http_parser parser;

    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = &work;
    size_t parsed = http_parser_execute(&parser, &settings, bytes, len);
    bool ok = parsed == len && HTTP_PARSER_ERRNO(&parser) == HPE_OK && work.whole &&
              work.target != NULL && agrees(&parser, head) &&
              (work.count == 0 || headers[work.count - 1].value != NULL);
    parse->method_unknown = HTTP_PARSER_ERRNO(&parser) == HPE_INVALID_METHOD;
    if (!ok)
        return false;
    parse->method = http_method_str((enum http_method)parser.method);
    parse->keep_alive = http_should_keep_alive(&parser) != 0;
    parse->headers_count = work.count;
    for (size_t i = 0; i < work.count; i++)
        finish_header(&headers[i]);
    finish_target(parse, work.target, work.target_len);
    return true;
}

void parse_start(void)
{
    http_parser_set_max_header_size(UINT32_MAX);
}
