/* SPDX-License-Identifier: MIT */
/* What the guard says when OpenSSL has no memory: never that a request is good, or bad for good. */
#include <limits.h>

#include <openssl/crypto.h>

#include "signed.h"

static long left = LONG_MAX; /* allocations until there is no memory */

static void *give(size_t len, const char *file, int line)
{
    (void)file, (void)line;
    return left-- > 0 ? malloc(len) : NULL;
}

static void *give_more(void *bytes, size_t len, const char *file, int line)
{
    (void)file, (void)line;
    return left-- > 0 ? realloc(bytes, len) : NULL;
}

static void take(void *bytes, const char *file, int line)
{
    (void)file, (void)line;
    free(bytes);
}

/* With each number of allocations that succeed before the others fail. */
static void short_of_memory(const char *name, bool good)
{
    struct keeper keeper;
    struct signed_request made;

    make_key(&keeper, name);
    void *check = preset(name, keeper.secret, NULL);
    sign(&made, check, &keeper, name);
    made.sent.request.body_len -= !good;
    CHECK_INT(passes(check, &made.sent), good);
    for (long allowed = 0, ended = 0; !ended; allowed++) {
        left = allowed;
        bool passed = passes(check, &made.sent);
        ended = left >= 0;
        left = LONG_MAX;
        CHECK(good || !passed);
        CHECK(passed || ended || error.status == WEIR_ENOMEM || error.status == WEIR_EDENIED);
        CHECK(!good || passed || error.status == WEIR_ENOMEM);
    }
    check_signature.free(check);
    EVP_PKEY_free(keeper.key);
    free(made.text);
    json_decref(made.body);
}

static void a_good_request_is_not_refused_for_good(void)
{
    short_of_memory("github", true);
    short_of_memory("hubspot-v3", true);
}

static void a_bad_request_does_not_pass(void)
{
    short_of_memory("github", false);
    short_of_memory("hubspot-v3", false);
    short_of_memory("discord", false);
    short_of_memory("sendgrid", false);
}

/* OpenSSL does not always say why it cannot verify; where it has no context, it does. */
static void a_public_key_needs_memory(void)
{
    static const char *const names[] = {"discord", "sendgrid"};

    for (int i = 0; i < 2; i++) {
        struct keeper keeper;
        struct signed_request made;
        make_key(&keeper, names[i]);
        void *check = preset(names[i], keeper.secret, NULL);
        sign(&made, check, &keeper, names[i]);
        left = 0;
        int status = check_signature.judge(check, &made.sent.request, &error);
        left = LONG_MAX;
        CHECK_INT(status, WEIR_ENOMEM);
        CHECK(passes(check, &made.sent));
        check_signature.free(check);
        EVP_PKEY_free(keeper.key);
        free(made.text);
        json_decref(made.body);
    }
}

/* RFC 7515, A.1 */
static void a_web_token_is_not_refused_for_good(void)
{
    static const char key[] =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    static const char token[] =
        "Bearer eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KI"
        "CJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cn"
        "VlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX";
    char right[256], wrong[256];
    struct request_header header = {.name = "authorization"};
    struct guard_request request = {
        .headers = &header, .headers_count = 1, .now = INT64_C(1300819379) * 1000000};
    unsigned char bytes[64];
    struct secrets secrets = {.count = 0};
    json_t *object = json_object();
    void *check;

    snprintf(right, sizeof(right), "%sk", token);
    snprintf(wrong, sizeof(wrong), "%sg", token);
    CHECK_INT(base64_decode(BASE64_URL, key, strlen(key), bytes, sizeof(bytes)), 64);
    CHECK_INT(secrets_add(&secrets, bytes, sizeof(bytes), &error), 0);
    CHECK_INT(check_jwt.make(&check, object, &secrets, &error), 0);
    for (long allowed = 0, ended = 0; !ended; allowed++) {
        header.value = right;
        left = allowed;
        int good = check_jwt.judge(check, &request, &error);
        ended = left >= 0;
        header.value = wrong;
        left = allowed;
        int bad = check_jwt.judge(check, &request, &error);
        left = LONG_MAX;
        CHECK_INT(good, ended ? 0 : WEIR_ENOMEM);
        CHECK_INT(bad, ended ? WEIR_EDENIED : WEIR_ENOMEM);
    }
    check_jwt.free(check);
    secrets_fini(&secrets);
    json_decref(object);
}

/* Nor is a body good because the one before was: its hash stands where this one's would. */
static void another_body_is_not_taken_for_the_one_before(void)
{
    static const char query[] = "bodySHA256="
                                "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862";
    struct keeper keeper;
    struct signed_request made;

    make_key(&keeper, "twilio");
    void *check = preset("twilio", keeper.secret, NULL);
    sign(&made, check, &keeper, "twilio-json");
    made.sent.request.headers_count--; /* it is of another query */
    made.sent.request.query = query;
    struct secret secret = {(unsigned char *)keeper.secret, strlen(keeper.secret)};
    struct signature_key key = {.secret = &secret};
    CHECK_INT(signature_sign(check, &made.sent.request, &key, NOW, NULL, emit, &made, &error), 0);
    for (long allowed = 0; allowed < 64; allowed++) {
        set_body(&made.sent, "{\"a\":1}");
        CHECK(passes(check, &made.sent));
        left = allowed;
        int status = check_signature.judge(check, &made.sent.request, &error);
        set_body(&made.sent, "{\"a\":2}");
        bool other = passes(check, &made.sent);
        left = LONG_MAX;
        CHECK(!other);
        CHECK(status == 0 || status == WEIR_ENOMEM);
    }
    check_signature.free(check);
    free(made.text);
    json_decref(made.body);
}

/* ---- Secrets sent as they are ---------------------------------------------------------------- */

/* What the one before has left on the stack must not speak for the one who comes next. */
static void a_wrong_token_does_not_pass(void)
{
    struct secrets secrets = {.count = 0};

    CHECK_INT(secrets_add(&secrets, "the right one", 13, &error), 0);
    for (long allowed = 0; allowed < 8; allowed++) {
        bool right = secrets_hold(&secrets, "the right one", 13);
        left = allowed;
        bool wrong = secrets_hold(&secrets, "the wrong one", 13);
        bool other = secret_equals(&secrets.items[0], "the wrong one", 13);
        bool again = secrets_hold(&secrets, "the right one", 13);
        left = LONG_MAX;
        CHECK(right && again);
        CHECK(!wrong && !other);
    }
    secrets_fini(&secrets);
}

static size_t given;

static void *count(size_t len)
{
    given++;
    return malloc(len);
}

/* Else whoever knows no secret could keep weir busy with large bodies. */
static void a_body_is_read_once(void)
{
    struct sent sent = with("{\"signature\":{\"signature\":\"00\",\"timestamp\":\"1700000000\","
                            "\"token\":\"t\"}}",
                            1700000000);
    void *one = preset("mailgun", "first", NULL), *two = preset("mailgun", "first", "second");
    size_t counts[2];

    json_set_alloc_funcs(count, free);
    for (int i = 0; i < 2; i++) {
        given = 0;
        CHECK(!passes(i == 0 ? one : two, &sent));
        CHECK_STRING(error.detail, "no signature is one of a live secret");
        counts[i] = given;
    }
    given = 0;
    json_decref(json_loadb((const char *)sent.request.body, sent.request.body_len, 0, NULL));
    json_set_alloc_funcs(malloc, free);
    CHECK_INT(counts[1], counts[0]);
    CHECK(given > 0 && counts[0] < 2 * given);
    check_signature.free(one);
    check_signature.free(two);
}

int main(void)
{
    static const struct test tests[] = {TEST(a_good_request_is_not_refused_for_good),
                                        TEST(a_bad_request_does_not_pass),
                                        TEST(a_public_key_needs_memory),
                                        TEST(a_web_token_is_not_refused_for_good),
                                        TEST(another_body_is_not_taken_for_the_one_before),
                                        TEST(a_wrong_token_does_not_pass),
                                        TEST(a_body_is_read_once)};

    if (CRYPTO_set_mem_functions(give, give_more, take) != 1)
        return 1;
    return test_run(tests, sizeof(tests) / sizeof(tests[0]));
}
