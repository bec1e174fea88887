/* SPDX-License-Identifier: MIT */
/*
 * Owns: reading the chain of proxies that a request came through.
 * Never does: believe a hop that a trusted one has not told of. Lock: none.
 */
#include "forwarded.h"

#include <string.h>
#include <strings.h>

struct span {
    const char *text;
    size_t len;
};

static struct span trim(struct span span)
{
    while (span.len > 0 && (*span.text == ' ' || *span.text == '\t'))
        span.text++, span.len--;
    while (span.len > 0 && (span.text[span.len - 1] == ' ' || span.text[span.len - 1] == '\t'))
        span.len--;
    return span;
}

/* Up to the separator, or the end; where quotes count, a quoted one does not. */
static struct span next_part(const char **at, const char *end, char separator, bool quotes)
{
    const char *from = *at;
    bool quoted = false;

    for (; *at < end && (quoted || **at != separator); (*at)++)
        quoted ^= quotes && **at == '"';
    struct span part = {from, (size_t)(*at - from)};
    *at += *at < end;
    return trim(part);
}

/* "1.2.3.4", "1.2.3.4:80", "::1", "[::1]", "[::1]:80". */
static bool parse_hop(struct address *out, struct span hop)
{
    if (hop.len > 0 && hop.text[0] == '[') {
        const char *close = memchr(hop.text, ']', hop.len);
        bool good = close != NULL && (close + 1 == hop.text + hop.len || close[1] == ':');
        return good && address_parse(out, hop.text + 1, (size_t)(close - hop.text - 1));
    }
    const char *colon = memchr(hop.text, ':', hop.len);
    bool port =
        colon != NULL && memchr(colon + 1, ':', hop.len - (size_t)(colon + 1 - hop.text)) == NULL;
    return address_parse(out, hop.text, port ? (size_t)(colon - hop.text) : hop.len);
}

/* The "for" of one element of Forwarded. */
static bool parse_element(struct address *out, struct span element)
{
    const char *at = element.text, *end = element.text + element.len;

    while (at < end) {
        struct span pair = next_part(&at, end, ';', true);
        if (pair.len < 4 || strncasecmp(pair.text, "for=", 4) != 0)
            continue;
        struct span hop = {pair.text + 4, pair.len - 4};
        if (hop.len >= 2 && hop.text[0] == '"' && hop.text[hop.len - 1] == '"')
            hop.text++, hop.len -= 2;
        return parse_hop(out, hop);
    }
    return false;
}

/*
 * A quote that a client leaves open would swallow what proxies put behind it: then nothing of the
 * line can be told apart.
 */
static bool quotes_match(const char *line)
{
    bool open = false;

    for (; *line != '\0'; line++)
        open ^= *line == '"';
    return !open;
}

/* All elements of all lines, in order; -1 if there are too many, or they cannot be told apart. */
static int collect(struct span *hops, const char *header, const struct request_header *headers,
                   size_t count)
{
    bool quotes = strcmp(header, "forwarded") == 0;
    int found = 0;

    for (size_t i = 0; i < count; i++) {
        if (strcmp(headers[i].name, header) != 0)
            continue;
        if (quotes && !quotes_match(headers[i].value))
            return -1;
        const char *at = headers[i].value, *end = at + strlen(at);
        while (at < end) {
            struct span part = next_part(&at, end, ',', quotes);
            if (part.len == 0)
                continue;
            if (found == FORWARDED_HOPS_MAX)
                return -1;
            hops[found++] = part;
        }
    }
    return found;
}

void forwarded_client(struct address *out, const struct address *peer,
                      const struct networks *trusted, const char *header,
                      const struct request_header *headers, size_t count)
{
    struct span hops[FORWARDED_HOPS_MAX];

    *out = *peer;
    if (!networks_hold(trusted, peer))
        return;
    int left = collect(hops, header, headers, count);
    if (left < 0)
        *out = (struct address){.known = false};
    while (left > 0 && networks_hold(trusted, out)) {
        struct span hop = hops[--left];
        bool good =
            strcmp(header, "forwarded") == 0 ? parse_element(out, hop) : parse_hop(out, hop);
        if (!good)
            *out = (struct address){.known = false};
    }
}
