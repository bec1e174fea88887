/* SPDX-License-Identifier: MIT */
#include "address.h"

#include <string.h>

#include "request.h"
#include "secret.h"
#include "test.h"

static struct weir_error error;

static struct address of(const char *text)
{
    struct address address;

    CHECK(address_parse(&address, text, strlen(text)));
    return address;
}

static void reads_addresses(void)
{
    static const char *const bad[] = {"",          "1.2.3",      "1.2.3.4.5", "1.2.3.256",
                                      "1.2.3.4 ",  "[::1]",      "::1%lo",    "1.2.3.4:80",
                                      "localhost", "fe80::1::2", "0x7f.0.0.1"};
    struct address address;
    char text[ADDRESS_TEXT_MAX];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!address_parse(&address, bad[i], strlen(bad[i])));
    CHECK(!address_parse(&address, "1.2.3.4\0", 8));
    address = of("2001:DB8:0::1");
    address_text(&address, text);
    CHECK_STRING(text, "2001:db8::1");
    address = of("192.0.2.7");
    address_text(&address, text);
    CHECK_STRING(text, "192.0.2.7");
    struct address mapped = of("::ffff:192.0.2.7");
    CHECK(address_equal(&address, &mapped));
    address.known = false;
    address_text(&address, text);
    CHECK_STRING(text, "unknown");
    address.local = true;
    address_text(&address, text);
    CHECK_STRING(text, "unix");
    CHECK(!address_equal(&address, &address));
}

static bool holds(const char *network, const char *address)
{
    struct networks networks = {.items = NULL};
    struct address parsed = of(address);

    CHECK_INT(networks_add(&networks, network, &error), 0);
    bool result = networks_hold(&networks, &parsed);
    networks_fini(&networks);
    return result;
}

static void compares_with_networks(void)
{
    CHECK(holds("192.0.2.0/24", "192.0.2.255") && !holds("192.0.2.0/24", "192.0.3.0"));
    CHECK(holds("192.0.2.1", "192.0.2.1") && !holds("192.0.2.1", "192.0.2.2"));
    CHECK(holds("10.0.0.0/9", "10.127.255.255") && !holds("10.0.0.0/9", "10.128.0.0"));
    CHECK(holds("0.0.0.0/0", "8.8.8.8") && !holds("0.0.0.0/0", "2001:db8::1"));
    CHECK(!holds("::/0", "192.0.2.1") && !holds("::/90", "192.0.2.1"));
    CHECK(holds("::ffff:0:0/96", "192.0.2.1"));
    CHECK(holds("::/0", "2001:db8::1") && holds("2001:db8::/33", "2001:db8:7fff::1"));
    CHECK(!holds("2001:db8::/33", "2001:db8:8000::1"));
    CHECK(holds("192.0.2.0/24", "::ffff:192.0.2.9"));
}

static void refuses_networks_that_are_none(void)
{
    static const char *const bad[] = {"",
                                      "/8",
                                      "10.0.0.0/",
                                      "10.0.0.0/33",
                                      "10.0.0.0/x",
                                      "10.0.0.1/8",
                                      "10.0.0.0/8/8",
                                      "::1/129",
                                      "2001:db8::1/64",
                                      "10.0.0.0/-1",
                                      "10.0.0.0/+8",
                                      "any"};
    struct networks networks = {.items = NULL};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_INT(networks_add(&networks, bad[i], &error), WEIR_EINVAL);
    CHECK_INT((long long)networks.count, 0);
    networks_fini(&networks);
}

static void reads_lists_and_writes_networks_down(void)
{
    static const char *const texts[] = {"10.0.0.0/8", "192.0.2.1", "2001:db8::/32",
                                        "::1",        "0.0.0.0/0", "::/0"};
    struct networks networks = {.items = NULL};
    char text[NETWORK_TEXT_MAX];

    CHECK_INT(networks_add_list(&networks, NULL, &error), 0);
    CHECK_INT(networks_add_list(&networks, " ,\t\n", &error), 0);
    CHECK_INT((long long)networks.count, 0);
    CHECK_INT(networks_add_list(
                  &networks, " 10.0.0.0/8,192.0.2.1 2001:db8::/32\n::1,, 0.0.0.0/0 ::/0,", &error),
              0);
    CHECK_INT((long long)networks.count, 6);
    for (size_t i = 0; i < networks.count; i++) {
        network_text(&networks.items[i], text);
        CHECK_STRING(text, texts[i]);
    }
    CHECK_INT(networks_add_list(&networks, "10.0.0.0/8;::1", &error), WEIR_EINVAL);
    CHECK_INT(networks_add_list(
                  &networks, "::1 an.entry.that.is.far.too.long.to.be.any.address.at.all", &error),
              WEIR_EINVAL);
    networks_fini(&networks);
}

static void finds_query_parameters(void)
{
    struct guard_request request = {.query =
                                        "a=1&%74oken=x%2By+z&token&empty=&flag&b%zz=1&c=1&%63=1"};
    char value[16];

    CHECK_INT(guard_request_query(&request, "token", value, sizeof(value)), 5);
    CHECK_STRING(value, "x+y z");
    CHECK_INT(guard_request_query(&request, "a", value, sizeof(value)), 1);
    CHECK_INT(guard_request_query(&request, "empty", value, sizeof(value)), 0);
    CHECK_INT(guard_request_query(&request, "flag", value, sizeof(value)), -1);
    CHECK_INT(guard_request_query(&request, "token", value, 5), -1);
    CHECK_INT(guard_request_query(&request, "c", value, sizeof(value)), -1); /* which one? */
    CHECK_INT(guard_request_query(&request, "toke", value, sizeof(value)), -1);
    request.query = "t=%4";
    CHECK_INT(guard_request_query(&request, "t", value, sizeof(value)), -1);
    request.query = NULL;
    CHECK_INT(guard_request_query(&request, "t", value, sizeof(value)), -1);
}

static void keeps_secrets(void)
{
    struct secrets secrets = {.count = 0}, copy;

    CHECK_INT(secrets_add(&secrets, "", 0, &error), WEIR_EINVAL);
    CHECK_INT(secrets_add(&secrets, "a\0b", 3, &error), 0);
    CHECK_INT(secrets_add(&secrets, "second", 6, &error), 0);
    CHECK(secrets_hold(&secrets, "a\0b", 3) && secrets_hold(&secrets, "second", 6));
    CHECK(!secrets_hold(&secrets, "a", 1) && !secrets_hold(&secrets, "secon", 5));
    CHECK(!secrets_hold(&secrets, "", 0));
    CHECK_INT(secrets_copy(&copy, &secrets, &error), 0);
    while (secrets.count < SECRETS_MAX)
        CHECK_INT(secrets_add(&secrets, "more", 4, &error), 0);
    CHECK_INT(secrets_add(&secrets, "one", 3, &error), WEIR_ELIMIT);
    secrets_fini(&secrets);
    CHECK(!secrets_hold(&secrets, "second", 6) && secrets_hold(&copy, "second", 6));
    secrets_fini(&copy);
}

TEST_MAIN(TEST(reads_addresses), TEST(compares_with_networks), TEST(refuses_networks_that_are_none),
          TEST(reads_lists_and_writes_networks_down), TEST(finds_query_parameters),
          TEST(keeps_secrets))
