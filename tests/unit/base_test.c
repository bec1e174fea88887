/* SPDX-License-Identifier: MIT */
/* The base room: clock sums, lists, SHA-256 against FIPS vectors, UTF-8, "did you mean". */
#include "test.h"

#include <stdint.h>
#include <stdlib.h>

#include "clock.h"
#include "list.h"
#include "random.h"
#include "sha256.h"
#include "template.h"
#include "text.h"

static void clock_sums_saturate(void)
{
    CHECK(clock_add(CLOCK_NEVER, 1) == CLOCK_NEVER);
    CHECK(clock_add(CLOCK_NEVER - 1, 2) == CLOCK_NEVER);
    CHECK_INT(clock_add(5, 7), 12);
    CHECK(clock_from_seconds(1e300) == CLOCK_NEVER);
    CHECK_INT(clock_from_seconds(0.25), CLOCK_SECOND / 4);
    CHECK_INT(clock_poll_ms(CLOCK_NEVER), -1);
    CHECK_INT(clock_poll_ms(0), 0);
}

static void stamps_are_rfc_3339(void)
{
    char text[CLOCK_STAMP_MAX];

    clock_stamp(1700000000123456, 6, text);
    CHECK_STRING(text, "2023-11-14T22:13:20.123456Z");
    clock_stamp(1700000000023456, 3, text);
    CHECK_STRING(text, "2023-11-14T22:13:20.023Z");
}

static void lists_keep_order(void)
{
    struct list head, other, a, b, c;

    list_init(&head);
    list_init(&other);
    CHECK(list_pop_front(&head) == NULL);
    list_push_back(&head, &a);
    list_push_front(&head, &b);
    list_push_back(&other, &c);
    list_splice_back(&head, &other);
    CHECK(list_empty(&other));
    CHECK(list_pop_front(&head) == &b);
    list_remove(&a);
    list_remove(&a);
    CHECK(list_first(&head) == &c && list_last(&head) == &c);
}

static const char *digest_of(const char *text, size_t repeat)
{
    static char hex[SHA256_HEX];
    struct sha256 hash;
    uint8_t digest[SHA256_LEN];

    sha256_init(&hash);
    for (size_t i = 0; i < repeat; i++)
        sha256_update(&hash, text, strlen(text));
    sha256_final(&hash, digest);
    sha256_hex(digest, hex);
    return hex;
}

/* The examples published with FIPS 180-4, and the lengths around a block's end. */
static void sha256_matches_fips(void)
{
    CHECK_STRING(digest_of("", 1),
                 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK_STRING(digest_of("abc", 1),
                 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK_STRING(digest_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1),
                 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK_STRING(digest_of("a", 1000000),
                 "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    CHECK_STRING(digest_of("a", 55),
                 "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
    CHECK_STRING(digest_of("a", 64),
                 "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
}

static void utf8_is_strict(void)
{
    static const char *const bad[] = {
        "\xc0\x80",         "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5",     "\x80",         "\xe2\x82"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!text_utf8_valid(bad[i], strlen(bad[i])));
    CHECK(text_utf8_valid("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10));
    CHECK(text_utf8_valid("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", 10));
    CHECK(!text_printable("a\tb", 3));
    CHECK(!text_printable("\x7f", 1));
    CHECK(!text_printable("\xc2\x85", 2));
    CHECK(text_printable("gr\xc3\xbc\xc3\x9f", 6));
}

static void nearest_word_is_the_one_meant(void)
{
    static const char *const keys[] = {"host", "port", "password", "pool_max_size"};

    CHECK_INT(text_distance("abcd", "acbd"), 1);
    CHECK_INT(text_distance("", "abc"), 3);
    CHECK_STRING(text_nearest("pasword", keys, 4), "password");
    CHECK_STRING(text_nearest("pool_maxsize", keys, 4), "pool_max_size");
    CHECK(text_nearest("completely_else", keys, 4) == NULL);
}

static void random_stays_within(void)
{
    uint64_t state = 7;

    for (int i = 0; i < 1000; i++) {
        int64_t n = random_between(&state, -3, 3);
        CHECK(n >= -3 && n <= 3);
    }
}

static void templates_have_places(void)
{
    static const char *const names[] = {"id", "path", NULL}, *const values[] = {"7", "/a"};
    struct template template;
    char out[16];

    CHECK(template_compile(&template, "{path}:x{{y}}:{id}", names) == NULL);
    CHECK(!template_is_literal(&template));
    CHECK_INT(template_expand(&template, values, out, sizeof(out)), 9);
    CHECK_STRING(out, "/a:x{y}:7");
    CHECK(template_expand(&template, values, out, 9) == SIZE_MAX);
    CHECK(template_compile(&template, "plain}}", names) == NULL);
    CHECK(template_is_literal(&template));
    CHECK(template_compile(&template, "", names) == NULL);
    CHECK_INT(template_expand(&template, values, out, 1), 0);
    CHECK(template_compile(&template, "{id", names) != NULL);
    CHECK(template_compile(&template, "id}", names) != NULL);
    CHECK(template_compile(&template, "{who}", names) != NULL);
    CHECK(template_compile(&template, "{}", names) != NULL);
    CHECK(template_compile(&template,
                           "{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}{id}"
                           "{id}{id}",
                           names) != NULL);
}

TEST_MAIN(TEST(clock_sums_saturate), TEST(stamps_are_rfc_3339), TEST(lists_keep_order),
          TEST(sha256_matches_fips), TEST(utf8_is_strict), TEST(nearest_word_is_the_one_meant),
          TEST(random_stays_within), TEST(templates_have_places))
