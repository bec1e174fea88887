/* SPDX-License-Identifier: MIT */
/*
 * Owns: which heads are let through (RFC 9112, its strict reading), and their framing.
 * Never does: change a byte, allocate, or look past the empty line.
 * Lock: none.
 */
#include "head.h"

#include <string.h>
#include <strings.h>

#define LENGTH_DIGITS_MAX 18 /* of Content-Length: always fits 63 bits */

static bool token_char(char c)
{
    unsigned letter = ((unsigned char)c | 0x20u) - 'a', digit = (unsigned char)c - (unsigned)'0';

    if (letter < 26 || digit < 10 || c == '-')
        return true;
    return c != '\0' && strchr("!#$%&'*+.^_`|~", c) != NULL;
}

/* A head that begins like this will never be one: do not wait for its end. */
static bool hopeless(const struct head_scan *scan, const char *bytes)
{
    return !token_char(bytes[scan->start]) && bytes[scan->start] != '\r';
}

enum head_verdict head_scan(struct head_scan *scan, const char *bytes, size_t len)
{
    const char *lf;

    while ((lf = memchr(bytes + scan->seen, '\n', len - scan->seen)) != NULL) {
        size_t end = (size_t)(lf - bytes);
        if (end == scan->line || bytes[end - 1] != '\r')
            return HEAD_BAD;
        bool blank = end - scan->line == 1;
        scan->seen = scan->line = end + 1;
        if (blank && scan->lines > 0)
            return HEAD_WHOLE;
        if (blank ? scan->start > 0 : hopeless(scan, bytes))
            return HEAD_BAD;
        if (blank)
            scan->start = scan->seen;
        else
            scan->lines++;
    }
    scan->seen = len;
    return len > scan->start && hopeless(scan, bytes) ? HEAD_BAD : HEAD_MORE;
}

/* A piece of the head. */
struct span {
    const char *at;
    size_t len;
};

static bool span_is(struct span span, const char *lower)
{
    return span.len == strlen(lower) && strncasecmp(span.at, lower, span.len) == 0;
}

static bool starts_with(struct span span, const char *prefix)
{
    return span.len >= strlen(prefix) && strncasecmp(span.at, prefix, strlen(prefix)) == 0;
}

static bool visible(struct span span)
{
    for (size_t i = 0; i < span.len; i++)
        if (span.at[i] <= ' ' || span.at[i] > '~')
            return false;
    return true;
}

/* A host and perhaps a port; empty is allowed (RFC 9110, 7.2). */
static bool check_host(struct span host)
{
    for (size_t i = 0; i < host.len; i++)
        if (strchr("\"#/<>?@\\^`{|}", host.at[i]) != NULL)
            return false;
    return visible(host);
}

/* origin-form, absolute-form (which servers must accept, RFC 9112 3.2.2), or OPTIONS *. */
static bool check_target(struct span method, struct span target)
{
    if (target.len == 0 || !visible(target) || memchr(target.at, '#', target.len) != NULL)
        return false;
    if (target.at[0] == '/')
        return true;
    if (target.len == 1 && target.at[0] == '*')
        return span_is(method, "options");
    size_t scheme = starts_with(target, "http://") ? 7 : starts_with(target, "https://") ? 8 : 0;
    if (scheme == 0)
        return false;
    struct span authority = {target.at + scheme, 0};
    while (scheme + authority.len < target.len && authority.at[authority.len] != '/' &&
           authority.at[authority.len] != '?')
        authority.len++;
    return authority.len > 0 && check_host(authority);
}

static bool check_request_line(struct span line, struct head *head)
{
    struct span method = {line.at, 0}, target, version;

    while (method.len < line.len && token_char(line.at[method.len]))
        method.len++;
    if (method.len == 0 || method.len == line.len || line.at[method.len] != ' ')
        return false;
    target.at = line.at + method.len + 1;
    target.len = line.len - method.len - 1;
    const char *space = memchr(target.at, ' ', target.len);
    if (space == NULL)
        return false;
    version.at = space + 1;
    version.len = target.len - (size_t)(space - target.at) - 1;
    target.len = (size_t)(space - target.at);
    if (version.len != 8 || memcmp(version.at, "HTTP/1.", 7) != 0)
        return false;
    head->minor = (unsigned char)version.at[7] - (unsigned)'0';
    return head->minor <= 1 && check_target(method, target);
}

static bool check_length(struct span value, struct head *head)
{
    if (head->has_length || value.len == 0 || value.len > LENGTH_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        unsigned digit = (unsigned char)value.at[i] - (unsigned)'0';
        if (digit > 9)
            return false;
        head->content_length = head->content_length * 10 + digit;
    }
    head->has_length = true;
    return true;
}

/* No control character but the tab; bytes past ASCII are opaque (RFC 9110, 5.5). */
static bool check_value(struct span value)
{
    unsigned bad = 0;

    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.at[i];
        bad |= (unsigned)((c < 0x20) & (c != '\t')) | (unsigned)(c == 0x7f);
    }
    return bad == 0;
}

static bool check_header(struct span line, struct head *head, unsigned *hosts)
{
    struct span name = {line.at, 0};

    while (name.len < line.len && token_char(line.at[name.len]))
        name.len++;
    if (name.len == 0 || name.len == line.len || line.at[name.len] != ':')
        return false;
    struct span value = {line.at + name.len + 1, line.len - name.len - 1};
    while (value.len > 0 && (value.at[0] == ' ' || value.at[0] == '\t')) {
        value.at++;
        value.len--;
    }
    while (value.len > 0 && (value.at[value.len - 1] == ' ' || value.at[value.len - 1] == '\t'))
        value.len--;
    if (!check_value(value))
        return false;
    if (span_is(name, "host")) {
        ++*hosts;
        return check_host(value);
    }
    if (span_is(name, "content-length"))
        return check_length(value, head);
    if (span_is(name, "transfer-encoding")) {
        bool again = head->chunked;
        head->chunked = true;
        return !again && span_is(value, "chunked");
    }
    /* HTTP/1.0 has no interim answers (RFC 9110, 10.1.1). */
    if (span_is(name, "expect") && span_is(value, "100-continue"))
        head->expects_continue = head->minor > 0;
    return true;
}

bool head_check(const char *bytes, size_t len, struct head *head)
{
    unsigned hosts = 0;

    *head = (struct head){0};
    for (size_t at = 0; at < len;) {
        const char *lf = memchr(bytes + at, '\n', len - at);
        if (lf == NULL || lf == bytes + at || lf[-1] != '\r')
            return false;
        struct span line = {bytes + at, (size_t)(lf - bytes) - at - 1};
        bool first = at == 0;
        at += line.len + 2;
        if (line.len == 0 && !first) {
            bool framed = !head->chunked || (!head->has_length && head->minor == 1);
            return at == len && framed && (hosts == 1 || (hosts == 0 && head->minor == 0));
        }
        if (first ? !check_request_line(line, head) : !check_header(line, head, &hosts))
            return false;
    }
    return false;
}
