/* SPDX-License-Identifier: MIT */
/*
 * Owns: the header that a proxy puts before a connection's own bytes.
 * Never does: decide who may send one. Lock: none.
 */
#include "proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define V1_MAX    107 /* bytes of a line with its CRLF */
#define V2_HEADER 16

static const char v2_signature[12] = {'\r', '\n', '\r', '\n', '\0', '\r',
                                      '\n', 'Q',  'U',  'I',  'T',  '\n'};

static size_t word_of(const char *at, const char *end)
{
    const char *space = memchr(at, ' ', (size_t)(end - at));

    return (size_t)((space == NULL ? end : space) - at);
}

static bool is_port(const char *text, size_t len)
{
    unsigned value = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    return len > 0 && len <= 5 && value <= 65535;
}

/* "TCP4 SOURCE DESTINATION PORT PORT", without "PROXY " and CRLF. */
static bool parse_line(const char *at, const char *end, struct address *client)
{
    struct address source, destination, *const addresses[] = {&source, &destination};

    if (word_of(at, end) == 7 && memcmp(at, "UNKNOWN", 7) == 0) {
        *client = (struct address){.known = false};
        return true;
    }
    if (end - at < 5 || (memcmp(at, "TCP4 ", 5) != 0 && memcmp(at, "TCP6 ", 5) != 0))
        return false;
    bool four = at[3] == '4';
    at += 5;
    for (int i = 0; i < 4; i++) {
        size_t len = word_of(at, end);
        bool colon = memchr(at, ':', len) != NULL;
        bool good =
            i < 2 ? address_parse(addresses[i], at, len) && colon != four : is_port(at, len);
        if (!good || (at + len == end) != (i == 3))
            return false;
        at += len + 1;
    }
    *client = source;
    return true;
}

static enum proxy_result parse_v1(const char *bytes, size_t len, size_t *taken,
                                  struct address *client)
{
    const char *end = memchr(bytes, '\n', len < V1_MAX ? len : V1_MAX);

    if (end == NULL)
        return len >= V1_MAX ? PROXY_BAD : PROXY_MORE;
    *taken = (size_t)(end - bytes) + 1;
    if (*taken < 8 || end[-1] != '\r')
        return PROXY_BAD;
    return parse_line(bytes + 6, end - 1, client) ? PROXY_DONE : PROXY_BAD;
}

static void take_address(int family, const char *bytes, struct address *client)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};

    if (family == AF_INET) {
        memcpy(&four.sin_addr, bytes, sizeof(four.sin_addr));
        address_from_socket(client, (const struct sockaddr *)(const void *)&four);
    } else {
        memcpy(&six.sin6_addr, bytes, sizeof(six.sin6_addr));
        address_from_socket(client, (const struct sockaddr *)(const void *)&six);
    }
}

static enum proxy_result parse_v2(const char *bytes, size_t len, size_t *taken,
                                  struct address *client)
{
    if (len < V2_HEADER)
        return PROXY_MORE;
    unsigned char version = (unsigned char)bytes[12], family = (unsigned char)bytes[13];
    size_t rest = (size_t)(unsigned char)bytes[14] << 8 | (unsigned char)bytes[15];

    if (version >> 4 != 2 || (version & 15) > 1 || V2_HEADER + rest > PROXY_MAX)
        return PROXY_BAD;
    *taken = V2_HEADER + rest;
    if (len < *taken)
        return PROXY_MORE;
    if ((version & 15) == 0)
        return PROXY_DONE;
    if (family >> 4 == 1 && rest >= 12)
        take_address(AF_INET, bytes + V2_HEADER, client);
    else if (family >> 4 == 2 && rest >= 36)
        take_address(AF_INET6, bytes + V2_HEADER, client);
    else if (family >> 4 == 1 || family >> 4 == 2)
        return PROXY_BAD;
    else
        *client = (struct address){.known = false};
    return PROXY_DONE;
}

enum proxy_result proxy_parse(const char *bytes, size_t len, size_t *taken, struct address *client)
{
    static const char v1[] = "PROXY ";
    size_t v1_len = len < 6 ? len : 6, v2_len = len < 12 ? len : 12;

    if (memcmp(bytes, v1, v1_len) == 0)
        return len < 6 ? PROXY_MORE : parse_v1(bytes, len, taken, client);
    if (memcmp(bytes, v2_signature, v2_len) == 0)
        return len < 12 ? PROXY_MORE : parse_v2(bytes, len, taken, client);
    return PROXY_BAD;
}
