/* SPDX-License-Identifier: MIT */
/* Signed requests: what goes wrong, trap by trap. */
#include "signed.h"

#include <openssl/hmac.h>

/* Stripe's key is the whole "whsec_..." text, Standard Webhooks' what it decodes to. */
static void stripe_keeps_its_mark(void)
{
    struct signed_request made;
    struct keeper keeper;

    make_key(&keeper, "stripe");
    void *check = preset("stripe", keeper.secret, NULL);
    void *bare = preset("stripe", keeper.secret + 6, NULL);
    sign(&made, check, &keeper, "stripe");
    CHECK(passes(check, &made.sent) && !passes(bare, &made.sent));
    free(made.text);
    json_decref(made.body);
    check_signature.free(check);
    check_signature.free(bare);
}

static void junk_and_several_signatures(void)
{
    struct sent sent =
        standard("webhook", "v1,AAAA v2,zzz v1,!!! v1a,AA== " STANDARD_SIGNED " v1,");
    static char many[4096];

    CHECK(once("standard-webhooks", STANDARD_SECRET, &sent));
    sent.headers[2].value = "v1," STANDARD_SIGNED;
    CHECK(!once("standard-webhooks", STANDARD_SECRET, &sent));
    sent.headers[2].value = "";
    CHECK(!once("standard-webhooks", STANDARD_SECRET, &sent));
    sent = standard("webhook", "v1,AAAA"); /* in a second header of the name */
    add(&sent, "webhook-signature", STANDARD_SIGNED);
    CHECK(once("standard-webhooks", STANDARD_SECRET, &sent));
    for (size_t i = 0; i < 40; i++)
        memcpy(many + 8 * i, "v1,AAAA ", 9);
    sent = standard("webhook", many); /* past the maximum nothing is looked at */
    add(&sent, "webhook-signature", STANDARD_SIGNED);
    CHECK(!once("standard-webhooks", STANDARD_SECRET, &sent));
}

static void timestamps_are_kept_both_ways(void)
{
    static const char *const bad[] = {"",
                                      "x",
                                      "-1614265330",
                                      "+1614265330",
                                      "1614265330.0",
                                      " 1614265330",
                                      "0x6037ba72",
                                      "99999999999999999999"};
    struct sent sent = standard("webhook", STANDARD_SIGNED);

    sent.request.now += INT64_C(300) * 1000000;
    CHECK(once("standard-webhooks", STANDARD_SECRET, &sent));
    sent.request.now += 1000000;
    CHECK(!once("standard-webhooks", STANDARD_SECRET, &sent));
    sent.request.now -= INT64_C(602) * 1000000; /* it was signed in the future */
    CHECK(!once("standard-webhooks", STANDARD_SECRET, &sent));
    sent = standard("webhook", STANDARD_SIGNED);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        sent.headers[1].value = bad[i];
        CHECK(!once("standard-webhooks", STANDARD_SECRET, &sent));
    }
    sent.headers[1].name = "x-other";
    CHECK(!once("standard-webhooks", STANDARD_SECRET, &sent));
    sent = standard("webhook", STANDARD_SIGNED); /* two of them: whose is it? */
    add(&sent, "webhook-timestamp", "1614265330");
    CHECK(!once("standard-webhooks", STANDARD_SECRET, &sent));
}

static void rotation_with_two_live_secrets(void)
{
    struct sent sent = standard("webhook", STANDARD_SIGNED);
    void *check = preset("standard-webhooks", "whsec_AAAAAAAAAAAAAAAAAAAAAAAA", STANDARD_SECRET);

    CHECK(passes(check, &sent));
    check_signature.free(check);
}

/* v1a: Ed25519, the public key behind whpk_, beside a symmetric one that is still live. */
static void asymmetric_standard_webhooks(void)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char bytes[64], signature[64];
    char secret[128] = "whpk_", header[256] = "v1a,";
    const char *content = "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330." STANDARD_BODY;
    size_t len = sizeof(bytes), signature_len = sizeof(signature);

    CHECK_INT(EVP_PKEY_get_raw_public_key(key, bytes, &len), 1);
    CHECK(base64_encode(BASE64_PLAIN, bytes, len, secret + 5, sizeof(secret) - 5));
    CHECK_INT(EVP_DigestSignInit(context, NULL, NULL, NULL, key), 1);
    CHECK_INT(EVP_DigestSign(context, signature, &signature_len, (const unsigned char *)content,
                             strlen(content)),
              1);
    CHECK(base64_encode(BASE64_PLAIN, signature, signature_len, header + 4, sizeof(header) - 4));
    void *check = preset("standard-webhooks", secret, STANDARD_SECRET);
    struct sent sent = standard("webhook", header);
    CHECK(passes(check, &sent));
    header[2] = ','; /* as a v1 it is nothing */
    header[3] = 'A';
    CHECK(!passes(check, &sent));
    sent = standard("webhook", STANDARD_SIGNED);
    CHECK(passes(check, &sent));
    check_signature.free(check);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
}

/* What takes long is not done for whoever asks: of public-key signatures the first four count. */
static void few_signatures_are_tried_with_public_keys(void)
{
    static const char public[] = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
    static const char good[] = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/"
                               "enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";
    char bad[sizeof(good)], list[1024];

    memcpy(bad, good, sizeof(good));
    bad[4] = 'A';
    snprintf(list, sizeof(list), "v1a,AAAA v1,AAAA %s %s %s v1a,AAAA %s", bad, bad, bad, good);
    struct sent sent = standard("webhook", list);
    CHECK(once("standard-webhooks", public, &sent));
    snprintf(list, sizeof(list), "%s %s %s %s %s", bad, bad, bad, bad, good);
    CHECK(!once("standard-webhooks", public, &sent));
}

static void refused(const char *text, const char *secret, const char *key)
{
    void *check;

    printf("# %s\n", text);
    CHECK_INT(make(&check, text, secret, NULL), WEIR_EINVAL);
    CHECK(check == NULL);
    CHECK_STRING(error.key, key);
}

static void what_cannot_be_is_refused(void)
{
    refused("{\"preset\":\"gihtub\"}", "x", "preset");
    CHECK(strstr(error.detail, "did you mean github") != NULL);
    refused("{\"preset\":\"github\",\"tolerence\":1}", "x", "tolerence");
    refused("{\"preset\":\"github\",\"tolerance\":1}", "x", "tolerance");
    refused("{\"preset\":\"github\",\"algorithm\":\"md5\"}", "x", "algorithm");
    refused("{\"preset\":\"github\",\"key\":\"pem\"}", "x", "key");
    refused("{\"preset\":\"github\",\"content\":\"{bdoy}\"}", "x", "content");
    refused("{\"preset\":\"github\",\"content\":\"{body\"}", "x", "content");
    refused("{\"preset\":\"github\",\"content\":\"{secret}{body}\"}", "x", "content");
    refused("{\"preset\":\"hubspot-v1\",\"content\":\"{body}\"}", "x", "content");
    refused("{\"header\":\"x\"}", "x", "algorithm");
    refused("{\"algorithm\":\"hmac-sha256\"}", "x", "header");
    refused("{\"algorithm\":\"hmac-sha256\",\"header\":\"x\",\"query\":\"y\"}", "x", "header");
    refused("{\"algorithm\":\"hmac-sha256\",\"header\":\"a b\"}", "x", "header");
    refused("{\"preset\":\"standard-webhooks\"}", "not base64!", "secret");
    refused("{\"preset\":\"standard-webhooks\"}", "whsec_", "secret");
    refused("{\"preset\":\"standard-webhooks\"}", "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "secret");
    refused("{\"preset\":\"standard-webhooks\",\"key\":\"raw\"}", "x", "key");
    refused("{\"preset\":\"twilio\",\"content\":\"{url}\"}", "x", "content");
    refused("{\"preset\":\"gitlab\",\"timestamp_header\":\"x-time\",\"tolerance\":9}", "x",
            "tolerance");
    refused("{\"preset\":\"gitlab\",\"timestamp_header\":\"x-time\",\"tolerance\":9,"
            "\"content\":\"{timestamp}\"}",
            "x", "tolerance");
    refused("{\"preset\":\"github\",\"timestamp_header\":\"x-time\",\"tolerance\":9}", "x",
            "tolerance");
    refused("{\"preset\":\"github\",\"timestamp_body\":\"/at\",\"content\":\"{path}\","
            "\"tolerance\":9}",
            "x", "tolerance");
    refused("{\"algorithm\":\"equal\",\"body\":\"token\"}", "x", "body");
    refused("{\"preset\":\"stripe\",\"id_body\":\"id\"}", "x", "id_body");
    refused("{\"preset\":\"linear\",\"timestamp_body\":\"webhookTimestamp\"}", "x",
            "timestamp_body");
    refused("{\"algorithm\":\"hmac-sha256\",\"query\":\"s\",\"timestamp_pick\":\"t\"}", "x",
            "timestamp_pick");
    refused("{\"preset\":\"discord\"}", "abcd", "secret");
    refused("{\"preset\":\"sendgrid\"}", "AAAA", "secret");
}

/* An entry of one's own: another hash, another place, a secret in base64. */
static void github_with_sha512_where_configured(void)
{
    struct signed_request made;
    struct keeper keeper;
    void *check, *plain;

    make_key(&keeper, "github");
    CHECK_INT(
        make(&check, "{\"preset\":\"github\",\"algorithm\":\"hmac-sha512\"}", keeper.secret, NULL),
        0);
    plain = preset("github", keeper.secret, NULL);
    sign(&made, check, &keeper, "github");
    CHECK(strstr(made.values[made.sent.request.headers_count - 1], "sha512=") != NULL);
    CHECK(passes(check, &made.sent) && !passes(plain, &made.sent));
    free(made.text);
    json_decref(made.body);
    check_signature.free(check);
    check_signature.free(plain);
}

/* A form's "%00": what stands behind it is not what was signed. */
static void nothing_hides_behind_a_nul(void)
{
    static const char *const bodies[] = {"b=2&a=1&a=0%00more", "b=2&a%00more=1&a=0",
                                         "b=2&a=1&a=0&%00=more"};
    struct signed_request made;
    struct keeper keeper;

    make_key(&keeper, "twilio");
    void *check = preset("twilio", keeper.secret, NULL);
    sign(&made, check, &keeper, "twilio");
    set_body(&made.sent, "a=0&a=1&b=2&&");
    CHECK(passes(check, &made.sent));
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        set_body(&made.sent, bodies[i]);
        CHECK(!passes(check, &made.sent));
    }
    check_signature.free(check);
    free(made.text);
    json_decref(made.body);
}

/* A form is what one Content-Type says is one; nothing covers another body but its hash. */
static void a_body_that_is_not_signed_is_refused(void)
{
    struct signed_request made;
    struct keeper keeper;

    make_key(&keeper, "twilio");
    void *check = preset("twilio", keeper.secret, NULL);
    sign(&made, check, &keeper, "twilio");
    made.sent.headers[0].value = "Application/X-WWW-Form-Urlencoded;charset=utf-8";
    CHECK(passes(check, &made.sent));
    made.sent.headers[0].value = "application/x-www-form-urlencodedx";
    CHECK(!passes(check, &made.sent));
    made.sent.headers[0].value = "application/x-www-form-urlencoded";
    add(&made.sent, "content-type", "application/x-www-form-urlencoded");
    CHECK(!passes(check, &made.sent));
    free(made.text);
    json_decref(made.body);
    sign(&made, check, &keeper, "twilio-json"); /* of the URL alone */
    CHECK(!passes(check, &made.sent));
    CHECK_STRING(error.detail, "nothing that was signed covers its body");
    set_body(&made.sent, "");
    CHECK(passes(check, &made.sent));
    free(made.text);
    json_decref(made.body);
    check_signature.free(check);
}

/* As long as it is, and no longer. */
static void a_part_of_a_signature_is_none(void)
{
    static const char hex[] = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    struct sent sent = with("Hello, World!", 0);
    char header[128];

    add(&sent, "x-hub-signature-256", header);
    for (int len = 0; len <= 64; len++) {
        snprintf(header, sizeof(header), "sha256=%.*s", len, hex);
        CHECK(once("github", "It's a Secret to Everybody", &sent) == (len == 64));
    }
    for (const char *const *more = (const char *const[]){"0", "00", " 00", "\t,", "g", NULL};
         *more != NULL; more++) {
        snprintf(header, sizeof(header), "sha256=%s%s", hex, *more);
        CHECK(!once("github", "It's a Secret to Everybody", &sent));
    }
}

/* What is there twice may be read either way. */
static void a_signed_value_stands_once_in_the_body(void)
{
#define TOKEN "5egbgr1vjgqxtrnp65xfznchgdccwh5d6i09vijqi3whgowmn6"
#define SIGNED                                                         \
    "{\"timestamp\":1403645220,\"token\":\"" TOKEN "\",\"signature\":" \
    "\"9cfc5c41582e51246e73c88d34db3af0a3a2692a76fbab81492842f000256d33\"}"
    static const char key[] = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0";
    struct sent sent = with("{\"signature\":" SIGNED "}", 1403645220);

    CHECK(once("mailgun", key, &sent));
    set_body(&sent, "{\"signature\":" SIGNED ",\"signature\":" SIGNED "}");
    CHECK(!once("mailgun", key, &sent));
    set_body(&sent, "{\"signature\":[" SIGNED "]}");
    CHECK(!once("mailgun", key, &sent));
#undef SIGNED
#undef TOKEN
}

/* Whoever knows the public key would else know a secret. */
static void a_public_key_is_never_a_secret(void)
{
    void *check = preset("svix", "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4", NULL);

    CHECK(signature_is_asymmetric(check));
    check_signature.free(check);
    check = preset("svix", STANDARD_SECRET, NULL);
    CHECK(!signature_is_asymmetric(check));
    check_signature.free(check);
}

/* Names of headers may be written in any case; of two headers neither is believed. */
static void a_signed_header_stands_once(void)
{
    struct sent sent = with("{}", 0);
    struct secret secret = {(unsigned char[]){"key"}, 3};
    struct signature_key key = {.secret = &secret};
    struct signed_request made = {.sent = sent};
    void *check;

    CHECK_INT(make(&check,
                   "{\"algorithm\":\"hmac-sha256\",\"header\":\"X-Sig\","
                   "\"content\":\"{header:X-Kind}.{body}\"}",
                   "key", NULL),
              0);
    add(&made.sent, "x-kind", "paid");
    made.sent.request.headers = made.sent.headers;
    CHECK_INT(signature_sign(check, &made.sent.request, &key, "0", NULL, emit, &made, &error), 0);
    CHECK(passes(check, &made.sent));
    add(&made.sent, "x-kind", "refunded");
    CHECK(!passes(check, &made.sent));
    made.sent.headers[0] = made.sent.headers[2];
    made.sent.request.headers_count = 2;
    CHECK(!passes(check, &made.sent));
    check_signature.free(check);
}

/* Where there is no tolerance, too: it stands next to the body in what is signed. */
static void a_timestamp_is_one(void)
{
    static const char *const moved[][2] = {{"1700000000", "[1,2]"},
                                           {"170000000", "0[1,2]"},
                                           {"", "1700000000[1,2]"},
                                           {"1700000000[", "1,2]"},
                                           {"1700000000[1,", "2]"}};
    static const char *const dates[] = {"2023-11-14T22:13:20Z", "2023-11-14T22:13:20z",
                                        "2023-11-14 22:13:20Z", "2023-11- 4T22:13:20Z",
                                        "+023-11-14T22:13:20Z", "2023-13-14T22:13:20Z",
                                        "2023-11-14T22:13:20+"};
    struct keeper keeper;
    struct signed_request made;

    make_key(&keeper, "discord");
    void *check = preset("discord", keeper.secret, NULL);
    sign(&made, check, &keeper, "discord");
    for (size_t i = 1; i < sizeof(moved) / sizeof(moved[0]); i++) {
        made.sent.headers[0].value = moved[i][0];
        set_body(&made.sent, moved[i][1]);
        CHECK(!passes(check, &made.sent));
        CHECK_STRING(error.detail,
                     i == 1 ? "no signature is one of a live key" : "its timestamp cannot be read");
    }
    check_signature.free(check);
    EVP_PKEY_free(keeper.key);
    free(made.text);
    json_decref(made.body);
    check = preset("zendesk", keeper.secret, NULL);
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        struct sent sent = with("{}", 1700000000);
        add(&sent, "x-zendesk-webhook-signature-timestamp", dates[i]);
        add(&sent, "x-zendesk-webhook-signature", "AAAA");
        CHECK(!passes(check, &sent));
        CHECK_STRING(error.detail, i == 0 ? "no signature is one of a live secret"
                                          : "its timestamp cannot be read");
    }
    check_signature.free(check);
}

/* What the operator reads is of the scheme that was followed, and there always is something. */
static void the_reason_is_of_the_scheme_that_was_used(void)
{
    static const char public[] = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
    struct sent sent = standard("webhook", "v1,AAAA");

    CHECK(!once("standard-webhooks", public, &sent));
    CHECK_STRING(error.detail, "no signature was sent, or in another form");
    sent =
        standard("webhook", "v1a,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                            "AAAAAAAAAAAAAAAAAAAAA==");
    CHECK(!once("standard-webhooks", public, &sent));
    CHECK_STRING(error.detail, "no signature is one of a live key");
    void *check = preset("standard-webhooks", STANDARD_SECRET, public);
    sent.request.now += INT64_C(301) * 1000000;
    CHECK(!passes(check, &sent));
    CHECK_STRING(error.detail, "its timestamp is not of our time");
    check_signature.free(check);
}

/* Zoom's challenge is answered by the secret with which it was signed, whichever is first. */
static void the_signer_is_known(void)
{
    struct signed_request made;
    struct keeper keeper;

    make_key(&keeper, "zoom");
    void *check = preset("zoom", keeper.secret, NULL);
    sign(&made, check, &keeper, "zoom");
    made.sent.request.headers = made.sent.headers;
    check_signature.free(check);
    check = preset("zoom", "the next one", keeper.secret);
    const struct secret *signer = signature_signer(check, &made.sent.request);
    CHECK(signer != NULL && secret_equals(signer, keeper.secret, strlen(keeper.secret)));
    made.text[0] ^= 1;
    CHECK(signature_signer(check, &made.sent.request) == NULL);
    check_signature.free(check);
    free(made.text);
    json_decref(made.body);
}

/* Nothing legitimate is turned away: what is no escape is signed as it stands. */
static void a_percent_that_is_no_escape_stays(void)
{
    static const char wanted[] = "https://hooks.example.com/hooka%zzb%1c%\t1d%0xe%";
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    char text[64];
    struct sent sent = with("a=%zz&b=%1&c=%\t1&d=%0x&e=%", 0);

    HMAC(EVP_sha1(), "key", 3, (const unsigned char *)wanted, strlen(wanted), mac, &len);
    CHECK(base64_encode(BASE64_PLAIN, mac, len, text, sizeof(text)));
    sent.request.public_url = "https://hooks.example.com";
    add(&sent, "content-type", "application/x-www-form-urlencoded");
    add(&sent, "x-twilio-signature", text);
    CHECK(once("twilio", "key", &sent));
}

/* Where schemes have ids of their own, it is the one that is there. */
static void an_id_is_of_any_scheme(void)
{
    static const char text[] =
        "{\"algorithm\":\"equal\",\"schemes\":[{\"header\":\"x-one\",\"id_header\":\"x-one-id\"},"
        "{\"header\":\"x-two\",\"id_body\":\"/id\"}]}";
    struct sent sent = with("{\"id\":\"two\"}", 0);
    char id[SIGNATURE_ID_MAX];
    void *check;

    CHECK_INT(make(&check, text, "k", NULL), 0);
    add(&sent, "x-two", "k");
    CHECK(passes(check, &sent));
    CHECK(signature_delivery_id(check, &sent.request, id));
    CHECK_STRING(id, "two");
    check_signature.free(check);
}

/* Twilio may be given a URL with a user and a password, and signs it as it was given. */
static void a_password_is_no_port(void)
{
    static const char *const contents[] = {"{url_without_port}", "{url_with_port}"};
    static const char *const origins[] = {"https://u:p@h.example.com",
                                          "https://u:p@h.example.com:443"};
    struct keeper keeper = {.secret = "k"};
    void *plain;

    CHECK_INT(make(&plain, "{\"algorithm\":\"hmac-sha1\",\"header\":\"x\",\"content\":\"{url}\"}",
                   "k", NULL),
              0);
    for (int i = 0; i < 4; i++) {
        char text[128];
        struct signed_request made;
        struct secret secret = {(unsigned char *)keeper.secret, 1};
        struct signature_key key = {.secret = &secret};
        void *check;
        snprintf(text, sizeof(text),
                 "{\"algorithm\":\"hmac-sha1\",\"header\":\"x\",\"content\":\"%s\"}",
                 contents[i % 2]);
        CHECK_INT(make(&check, text, "k", NULL), 0);
        made = (struct signed_request){.sent = with("", 0)};
        made.sent.request.public_url = origins[i / 2];
        CHECK_INT(signature_sign(check, &made.sent.request, &key, NOW, NULL, emit, &made, &error),
                  0);
        made.sent.request.public_url = origins[i % 2];
        CHECK(passes(plain, &made.sent));
        check_signature.free(check);
    }
    check_signature.free(plain);
}

static void what_cannot_be_a_scheme_is_refused(void)
{
    refused("{\"algorithm\":\"hmac-sha256\",\"header\":\"a\",\"schemes\":[\"x\"]}", "key",
            "schemes");
    CHECK(strstr(error.detail, "memory") == NULL);
    refused("{\"algorithm\":\"hmac-sha256\",\"header\":\"a\",\"schemes\":[{\"secret\":\"k\"}]}",
            "key", "schemes");
}

/* As long as P-256, and a signature of theirs as long as one of it. */
static void another_curve_is_refused(void)
{
    static const char *const curves[] = {"secp256k1", "brainpoolP256r1", "P-384"};

    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
        EVP_PKEY *key = EVP_EC_gen(curves[i]);
        unsigned char bytes[256], *at = bytes;
        char secret[512];
        CHECK(key != NULL);
        CHECK(base64_encode(BASE64_PLAIN, bytes, (size_t)i2d_PUBKEY(key, &at), secret,
                            sizeof(secret)));
        refused("{\"preset\":\"sendgrid\"}", secret, "secret");
        EVP_PKEY_free(key);
    }
}

TEST_MAIN(TEST(stripe_keeps_its_mark), TEST(junk_and_several_signatures),
          TEST(timestamps_are_kept_both_ways), TEST(rotation_with_two_live_secrets),
          TEST(asymmetric_standard_webhooks), TEST(few_signatures_are_tried_with_public_keys),
          TEST(what_cannot_be_is_refused), TEST(github_with_sha512_where_configured),
          TEST(nothing_hides_behind_a_nul), TEST(a_body_that_is_not_signed_is_refused),
          TEST(a_part_of_a_signature_is_none), TEST(a_signed_value_stands_once_in_the_body),
          TEST(a_public_key_is_never_a_secret), TEST(a_signed_header_stands_once),
          TEST(a_timestamp_is_one), TEST(the_reason_is_of_the_scheme_that_was_used),
          TEST(the_signer_is_known), TEST(another_curve_is_refused),
          TEST(a_percent_that_is_no_escape_stays), TEST(what_cannot_be_a_scheme_is_refused),
          TEST(a_password_is_no_port), TEST(an_id_is_of_any_scheme))
