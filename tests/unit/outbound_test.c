/* SPDX-License-Identifier: MIT */
/* Which addresses may be connected to, by tables. */
#include "outbound.h"

#include <string.h>

#include "test.h"

static struct weir_error error;
static char why[OUTBOUND_WHY_MAX];

static bool permits(const char *allow, const char *deny, const char *text)
{
    struct outbound outbound;
    struct address address;

    CHECK(address_parse(&address, text, strlen(text)));
    CHECK_INT(outbound_init(&outbound, allow, deny, true, &error), 0);
    bool result = outbound_permits(&outbound, &address, why);
    outbound_fini(&outbound);
    return result;
}

/* The address at fault, so that a failing row of a table names itself. */
static void check_refused(const char *allow, const char *deny, const char *text)
{
    if (permits(allow, deny, text))
        CHECK_STRING(text, "refused");
}

static void check_permitted(const char *allow, const char *deny, const char *text)
{
    if (!permits(allow, deny, text))
        CHECK_STRING(why, "permitted");
}

/* The same IPv4 address, in every form in which IPv6 can carry it. */
static const char *const metadata_forms[] = {"169.254.169.254",
                                             "::ffff:169.254.169.254",
                                             "::ffff:0:169.254.169.254",
                                             "::169.254.169.254",
                                             "64:ff9b::169.254.169.254",
                                             "64:ff9b:1::169.254.169.254",
                                             "64:ff9b:1:a9fe:a9:fe00::",
                                             "64:ff9b:1:a9:fe:a9fe::",
                                             "64:ff9b:1:aaa9:fe:a9fe::",
                                             "64:ff9b:1:aaaa:a9:fea9:fe00:0",
                                             "2002:a9fe:a9fe::1",
                                             "2001::5601:5601",
                                             "2001:0:c000:201:0:ffff:5601:5601",
                                             "2001:db8::5efe:169.254.169.254",
                                             "2001:db8::200:5efe:169.254.169.254",
                                             NULL};

static void metadata_is_denied_unasked(void)
{
    static const char *const services[] = {
        "169.254.0.1",       "169.254.170.2",     "169.254.170.23",     "169.254.42.42",
        "169.254.0.23",      "169.254.255.255",   "fe80::a9fe:a9fe",    "fe80::1",
        "fd00:ec2::254",     "fd00:ec2::23",      "fd20:ce::254",       "168.63.129.16",
        "100.100.100.200",   "fd00:100::100:200", "192.0.0.192",        "fd00:c1::a9fe:a9fe",
        "fd00:a9fe:a9fe::1", "fd00:42::42",       "::ffff:192.0.0.192", "64:ff9b::100.100.100.200"};

    for (size_t i = 0; metadata_forms[i] != NULL; i++) {
        check_refused(NULL, NULL, metadata_forms[i]);
        check_refused(NULL, " ", metadata_forms[i]);
        check_refused(NULL, "192.0.2.0/24", metadata_forms[i]);
    }
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
        check_refused(NULL, NULL, services[i]);
    permits(NULL, NULL, "169.254.169.254");
    CHECK_STRING(why, "169.254.169.254 is where clouds keep metadata, denied by default "
                      "(169.254.0.0/16)");
}

static void everything_else_is_not(void)
{
    static const char *const others[] = {"127.0.0.1",       "::1",
                                         "10.0.0.1",        "192.168.1.1",
                                         "172.16.0.1",      "8.8.8.8",
                                         "0.0.0.0",         "::",
                                         "169.253.255.255", "169.255.0.0",
                                         "100.100.100.199", "fd00:42::41",
                                         "2001:db8::1",     "64:ff9b::8.8.8.8",
                                         "2002:808:808::1", "192.0.0.193",
                                         "fec0::1",         "fd00:ec3::254",
                                         "168.63.129.17",   "fd20:ce::253"};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        check_permitted(NULL, NULL, others[i]);
}

static void an_allow_list_alone_decides(void)
{
    check_permitted("10.20.0.0/16", NULL, "10.20.255.255");
    check_permitted("10.20.0.0/16", NULL, "::ffff:10.20.0.1");
    check_refused("10.20.0.0/16", NULL, "10.21.0.0");
    check_refused("10.20.0.0/16", NULL, "::1");
    check_refused("10.20.0.0/16", NULL, "169.254.169.254");
    check_permitted("10.20.0.0/16 2001:db8::/32", NULL, "2001:db8::1");
    check_permitted("10.20.0.0/16,2001:db8::/32", NULL, "10.20.0.1");
    CHECK(!permits("10.20.0.0/16", NULL, "192.0.2.1"));
    CHECK_STRING(why, "192.0.2.1 is not in the allow list");
    /* What only stands for an allowed address goes through somebody's relay. */
    check_refused("10.20.0.0/16", NULL, "64:ff9b::10.20.0.1");
    check_refused("10.20.0.0/16", NULL, "2002:a14:1::1");
    check_permitted("10.20.0.0/16 64:ff9b::/96", NULL, "64:ff9b::10.20.0.1");
}

static void an_allow_list_lets_metadata_through(void)
{
    check_permitted("169.254.169.254", NULL, "169.254.169.254");
    check_refused("169.254.169.254", NULL, "169.254.169.253");
    check_permitted("0.0.0.0/0", NULL, "169.254.169.254");
    check_permitted("fd00:ec2::254", NULL, "fd00:ec2::254");
    check_permitted("64:ff9b::/96", NULL, "64:ff9b::169.254.169.254");
}

static void deny_wins(void)
{
    check_refused("10.0.0.0/8", "10.1.0.0/16", "10.1.2.3");
    check_permitted("10.0.0.0/8", "10.1.0.0/16", "10.2.2.3");
    check_refused("10.1.2.3", "10.1.2.3", "10.1.2.3");
    check_refused(NULL, "2001:db8::/32", "2001:db8:1::1");
    check_refused(NULL, "0.0.0.0/0 ::/0", "192.0.2.1");
    check_refused(NULL, "::/0", "2001:db8::1");
    check_permitted(NULL, "::/0", "192.0.2.1"); /* of the other family */
    check_permitted(NULL, "0.0.0.0/0", "2001:db8::1");
    for (size_t i = 0; metadata_forms[i] != NULL; i++)
        check_refused("0.0.0.0/0 ::/0", "169.254.0.0/16", metadata_forms[i]);
    permits("::/0", "10.0.0.0/8", "64:ff9b::10.1.2.3");
    CHECK_STRING(why,
                 "64:ff9b::a01:203 stands for 10.1.2.3, which is in the deny list (10.0.0.0/8)");
}

static void any_address_is_this_machine(void)
{
    static const char *const forms[] = {"0.0.0.0", "::ffff:0.0.0.0", "64:ff9b::", "127.0.0.1",
                                        "::ffff:127.0.0.1"};

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        check_refused(NULL, "127.0.0.0/8", forms[i]);
    check_refused(NULL, "::1", "::");
    check_refused(NULL, "0.0.0.0", "0.0.0.0");
    check_permitted("127.0.0.1", NULL, "0.0.0.0");
    check_refused("0.0.0.0", NULL, "127.0.0.1");
    check_refused("10.0.0.0/8", NULL, "0.0.0.0");
    check_permitted("::1", NULL, "::");
    check_refused("127.0.0.1", NULL, "::");
    permits(NULL, "127.0.0.0/8", "0.0.0.0");
    CHECK_STRING(why, "0.0.0.0 stands for 127.0.0.1, which is in the deny list (127.0.0.0/8)");
}

static void lists_that_are_none_are_refused(void)
{
    struct outbound outbound;

    CHECK_INT(outbound_init(&outbound, "10.0.0.0/8 loopback", NULL, true, &error), WEIR_EINVAL);
    CHECK_STRING(error.key, "allow_addresses");
    outbound_fini(&outbound);
    CHECK_INT(outbound_init(&outbound, NULL, "10.0.0.1/8", true, &error), WEIR_EINVAL);
    CHECK_STRING(error.key, "deny_addresses");
    CHECK_STRING(error.detail, "10.0.0.1/8 has bits set behind its prefix");
    outbound_fini(&outbound);
    CHECK_INT(outbound_init(&outbound, " ", NULL, true, &error), WEIR_EINVAL);
    CHECK_STRING(error.key, "allow_addresses");
    outbound_fini(&outbound);
    CHECK_INT(outbound_init(&outbound, "300.0.0.0/8", NULL, true, NULL), WEIR_EINVAL);
    outbound_fini(&outbound);
}

TEST_MAIN(TEST(metadata_is_denied_unasked), TEST(everything_else_is_not),
          TEST(an_allow_list_alone_decides), TEST(an_allow_list_lets_metadata_through),
          TEST(deny_wins), TEST(any_address_is_this_machine), TEST(lists_that_are_none_are_refused))
