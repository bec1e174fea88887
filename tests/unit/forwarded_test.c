/* SPDX-License-Identifier: MIT */
#include "forwarded.h"

#include <string.h>

#include "proxy.h"
#include "test.h"

static struct networks trusted;

static const char *client_of(const char *peer, const char *header, const char *first,
                             const char *second)
{
    static char text[ADDRESS_TEXT_MAX];
    struct request_header headers[] = {{header, first}, {"x-real-ip", "6.6.6.6"}, {header, second}};
    struct address from, client;

    CHECK(address_parse(&from, peer, strlen(peer)));
    forwarded_client(&client, &from, &trusted, header, headers, second == NULL ? 2 : 3);
    address_text(&client, text);
    return text;
}

static void set_up(void)
{
    struct weir_error error;

    CHECK_INT(networks_add(&trusted, "10.0.0.0/8", &error), 0);
    CHECK_INT(networks_add(&trusted, "2001:db8::/32", &error), 0);
}

static void only_what_trusted_ones_say(void)
{
    static const char xff[] = "x-forwarded-for";

    set_up();
    CHECK_STRING(client_of("192.0.2.1", xff, "1.1.1.1", NULL), "192.0.2.1");
    CHECK_STRING(client_of("10.0.0.1", xff, "1.1.1.1", NULL), "1.1.1.1");
    CHECK_STRING(client_of("10.0.0.1", xff, "9.9.9.9, 1.1.1.1", NULL), "1.1.1.1");
    CHECK_STRING(client_of("10.0.0.1", xff, "9.9.9.9, 1.1.1.1 , 10.2.3.4", NULL), "1.1.1.1");
    CHECK_STRING(client_of("10.0.0.1", xff, "9.9.9.9", "1.1.1.1"), "1.1.1.1");
    CHECK_STRING(client_of("10.0.0.1", xff, "10.0.0.3,10.0.0.2", NULL), "10.0.0.3");
    CHECK_STRING(client_of("10.0.0.1", xff, "", NULL), "10.0.0.1");
    CHECK_STRING(client_of("2001:db8::1", xff, "[2001:DB9::7]:99", NULL), "2001:db9::7");
    CHECK_STRING(client_of("10.0.0.1", xff, "1.1.1.1:1234", NULL), "1.1.1.1");
    CHECK_STRING(client_of("10.0.0.1", xff, "2001:db9::7", NULL), "2001:db9::7");
    CHECK_STRING(client_of("10.0.0.1", xff, "[2001:db9::7]junk", NULL), "unknown");
    CHECK_STRING(client_of("10.0.0.1", xff, "unknown", NULL), "unknown");
    CHECK_STRING(client_of("10.0.0.1", xff, "1.1.1.1, garbage", NULL), "unknown");
    networks_fini(&trusted);
}

static void proxies_on_a_unix_socket_can_be_trusted(void)
{
    struct address local = {.local = true}, unknown = {.known = false}, client;
    struct request_header header = {"x-forwarded-for", "1.1.1.1"};
    char text[ADDRESS_TEXT_MAX], hops[2 * (FORWARDED_HOPS_MAX + 1) + 1];
    struct weir_error error;

    set_up();
    forwarded_client(&client, &local, &trusted, header.name, &header, 1);
    CHECK(!client.known && client.local);
    CHECK_INT(networks_add_peer(&trusted, "unix", &error), 0);
    forwarded_client(&client, &local, &trusted, header.name, &header, 1);
    address_text(&client, text);
    CHECK_STRING(text, "1.1.1.1");
    header.value = "1.1.1.1, garbage"; /* what cannot be read is no Unix socket */
    forwarded_client(&client, &local, &trusted, header.name, &header, 1);
    CHECK(!client.known && !client.local);
    for (int i = 0; i <= FORWARDED_HOPS_MAX; i++)
        memcpy(hops + 2 * i, "x,", 3);
    header.value = hops; /* nor is what has too many hops, or a quote left open */
    forwarded_client(&client, &local, &trusted, header.name, &header, 1);
    CHECK(!client.known && !client.local);
    header = (struct request_header){"forwarded", "for=1.1.1.1;x=\""};
    forwarded_client(&client, &local, &trusted, header.name, &header, 1);
    CHECK(!client.known && !client.local);
    for (int i = 0; i < 4; i++) { /* nor one of which nothing is read, nor who stands before it */
        static const char *const unread[] = {"1.1.1.1, [::1", "1.1.1.1, []", "for=1.1.1.1, by=x",
                                             "for=1.1.1.1, for"};
        header = (struct request_header){i < 2 ? "x-forwarded-for" : "forwarded", unread[i]};
        forwarded_client(&client, &local, &trusted, header.name, &header, 1);
        CHECK(!client.known && !client.local);
    }
    header = (struct request_header){"x-forwarded-for", "1.1.1.1"};
    forwarded_client(&client, &unknown, &trusted, header.name, &header, 1);
    CHECK(!client.known && !client.local);
    networks_fini(&trusted);
}

static void forwarded_of_rfc_7239(void)
{
    static const char name[] = "forwarded";

    set_up();
    CHECK_STRING(client_of("10.0.0.1", name, "For=\"[2001:db9:cafe::17]:4711\"", NULL),
                 "2001:db9:cafe::17");
    CHECK_STRING(client_of("10.0.0.1", name, "for=192.0.2.60;proto=http;by=203.0.113.43", NULL),
                 "192.0.2.60");
    CHECK_STRING(client_of("10.0.0.1", name, "for=192.0.2.43, for=198.51.100.17", NULL),
                 "198.51.100.17");
    CHECK_STRING(client_of("10.0.0.1", name, "proto=https; for=1.1.1.1", "for=10.1.1.1"),
                 "1.1.1.1");
    CHECK_STRING(client_of("10.0.0.1", name, "for=\"_a,b\"", NULL), "unknown");
    CHECK_STRING(client_of("10.0.0.1", name, "for=_hidden, for=10.1.1.1", NULL), "unknown");
    CHECK_STRING(client_of("10.0.0.1", name, "by=1.1.1.1", NULL), "unknown");
    networks_fini(&trusted);
}

/* A client's open quote must not hide the hop that a trusted proxy has written behind it. */
static void a_quote_left_open_hides_nobody(void)
{
    static const char name[] = "forwarded";

    set_up();
    CHECK_STRING(client_of("10.0.0.1", name, "for=1.1.1.1;x=\", for=9.9.9.9", NULL), "unknown");
    CHECK_STRING(client_of("10.0.0.1", name, "for=1.1.1.1;x=\", for=\"[2001:db9::7]\"", NULL),
                 "unknown");
    CHECK_STRING(client_of("10.0.0.1", name, "for=1.1.1.1;x=\"\\\", for=9.9.9.9", NULL), "9.9.9.9");
    CHECK_STRING(client_of("10.0.0.1", name, "for=1.1.1.1;x=\"", "for=9.9.9.9"), "unknown");
    CHECK_STRING(client_of("10.0.0.1", "x-forwarded-for", "1.1.1.1\", 9.9.9.9", NULL), "9.9.9.9");
    networks_fini(&trusted);
}

static void too_many_hops_are_nobodys(void)
{
    char hops[12 * (FORWARDED_HOPS_MAX + 1) + 1] = "";

    set_up();
    for (int i = 0; i <= FORWARDED_HOPS_MAX; i++)
        memcpy(hops + 9 * i, "10.0.0.2,", 10);
    CHECK_STRING(client_of("10.0.0.1", "x-forwarded-for", hops, NULL), "unknown");
    networks_fini(&trusted);
}

/* ---- The PROXY protocol ---------------------------------------------------------------------- */

static enum proxy_result parse(const char *bytes, size_t len, const char *wanted)
{
    char text[ADDRESS_TEXT_MAX];
    struct address client;
    size_t taken = 0;

    CHECK(address_parse(&client, "10.0.0.1", 8));
    /* Every beginning of it asks for more. */
    enum proxy_result result = proxy_parse(bytes, len, &taken, &client);
    for (size_t i = 0; result == PROXY_DONE && i < taken; i++) {
        size_t ignored;
        struct address other;
        CHECK_INT(proxy_parse(bytes, i, &ignored, &other), PROXY_MORE);
    }
    address_text(&client, text);
    if (wanted != NULL)
        CHECK_STRING(text, wanted);
    return result;
}

#define LINE(text) (text), sizeof(text) - 1

static void lines_of_version_1(void)
{
    CHECK_INT(parse(LINE("PROXY TCP4 1.1.1.1 2.2.2.2 1 65535\r\nGET"), "1.1.1.1"), PROXY_DONE);
    CHECK_INT(parse(LINE("PROXY TCP6 2001:db8::7 ::1 1 2\r\n"), "2001:db8::7"), PROXY_DONE);
    CHECK_INT(parse(LINE("PROXY UNKNOWN\r\n"), "unknown"), PROXY_DONE);
    CHECK_INT(parse(LINE("PROXY UNKNOWN a b c d\r\n"), "unknown"), PROXY_DONE);
    CHECK_INT(parse(LINE("PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n"), NULL), PROXY_BAD);
    CHECK_INT(parse(LINE("PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n"), NULL), PROXY_BAD);
    CHECK_INT(parse(LINE("PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n"), NULL), PROXY_BAD);
    CHECK_INT(parse(LINE("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n"), NULL), PROXY_BAD);
    CHECK_INT(parse(LINE("PROXY TCP4 2001:db8::7 2.2.2.2 1 2\r\n"), NULL), PROXY_BAD);
    CHECK_INT(parse(LINE("PROXY TCP6 1.1.1.1 ::1 1 2\r\n"), NULL), PROXY_BAD);
    CHECK_INT(parse(LINE("PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n"), NULL), PROXY_BAD);
    CHECK_INT(parse(LINE("PROXY \r\n"), NULL), PROXY_BAD);
    CHECK_INT(parse(LINE("GET / HTTP/1.1\r\n"), NULL), PROXY_BAD);
    CHECK_INT(parse(LINE("PROXY UNKNOWN "
                         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
                    NULL),
              PROXY_BAD);
}

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

static void headers_of_version_2(void)
{
    static const char four[] = SIGNATURE "\x21\x11\0\x0c\1\1\1\1\2\2\2\2\0\1\0\2";
    static const char six[] = SIGNATURE "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7"
                                        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\1\0\2";
    static const char local[] = SIGNATURE "\x20\0\0\0";
    static const char with_more[] = SIGNATURE "\x21\x11\0\x0f\1\1\1\1\2\2\2\2\0\1\0\2\4\0\0";
    static const char unix_socket[] = SIGNATURE "\x21\x31\0\2ab";
    static const char too_short[] = SIGNATURE "\x21\x11\0\4\1\1\1\1";
    static const char version_1[] = SIGNATURE "\x11\x11\0\0";
    static const char command_2[] = SIGNATURE "\x22\x11\0\0";
    static const char too_long[] = SIGNATURE "\x21\x11\xff\xff";

    CHECK_INT(parse(LINE(four), "1.1.1.1"), PROXY_DONE);
    CHECK_INT(parse(LINE(six), "2001:db8::7"), PROXY_DONE);
    CHECK_INT(parse(LINE(local), "10.0.0.1"), PROXY_DONE);
    CHECK_INT(parse(LINE(with_more), "1.1.1.1"), PROXY_DONE);
    CHECK_INT(parse(LINE(unix_socket), "unknown"), PROXY_DONE);
    CHECK_INT(parse(LINE(too_short), NULL), PROXY_BAD);
    CHECK_INT(parse(LINE(version_1), NULL), PROXY_BAD);
    CHECK_INT(parse(LINE(command_2), NULL), PROXY_BAD);
    CHECK_INT(parse(LINE(too_long), NULL), PROXY_BAD);
}

TEST_MAIN(TEST(only_what_trusted_ones_say), TEST(proxies_on_a_unix_socket_can_be_trusted),
          TEST(forwarded_of_rfc_7239), TEST(a_quote_left_open_hides_nobody),
          TEST(too_many_hops_are_nobodys), TEST(lines_of_version_1), TEST(headers_of_version_2))
