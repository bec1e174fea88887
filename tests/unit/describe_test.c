/* SPDX-License-Identifier: MIT */
/* Descriptions that operators write themselves: keys, what is signed, and what says so when not. */
#include "signed.h"

#include <openssl/hmac.h>
#include <openssl/pem.h>

static void mac_of(const void *key, size_t key_len, const char *text, char digits[65])
{
    unsigned char mac[32];
    unsigned len = sizeof(mac);

    CHECK(HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text, strlen(text), mac,
               &len) != NULL);
    hex_encode(mac, len, digits);
}

static bool is_key(const char *kind, const char *secret, const char *bytes, size_t len)
{
    char text[128], digits[65];
    struct sent sent = with("{}", 0);
    void *check;

    snprintf(text, sizeof(text),
             "{\"algorithm\":\"hmac-sha256\",\"header\":\"x-sig\",\"key\":\"%s\"}", kind);
    CHECK_INT(make(&check, text, secret, NULL), 0);
    mac_of(bytes, len, "{}", digits);
    add(&sent, "x-sig", digits);
    bool good = check != NULL && passes(check, &sent);
    check_signature.free(check);
    return good;
}

static void a_shared_secret_may_be_encoded(void)
{
    CHECK(is_key("raw", "AAECAw==", "AAECAw==", 8));
    CHECK(is_key("base64", "AAECAw==", "\0\1\2\3", 4));
    CHECK(is_key("hex", "00010203", "\0\1\2\3", 4));
    CHECK(is_key("hex", "000102FF", "\0\1\2\xff", 4));
    CHECK(is_key("whsec", "whsec_AAECAw==", "\0\1\2\3", 4));
}

/* Where a signature stands, how it is written, and the forms of keys: each as its name says. */
struct letter {
    char name[32], value[512];
};

static void note(void *context, const char *name, const char *pointer, const char *value)
{
    struct letter *letter = context;

    snprintf(letter->name, sizeof(letter->name), "%s", name == NULL ? pointer : name);
    snprintf(letter->value, sizeof(letter->value), "%s", value);
}

/* Sign, and be verified; but not if one letter is another one. */
static void there_and_back(const char *text, const char *secret, EVP_PKEY *private)
{
    struct sent sent = with("{}", 0);
    struct secret shared = {(unsigned char *)(uintptr_t)secret, strlen(secret)};
    struct signature_key key = {.secret = &shared, .key = private};
    struct letter letter;
    char query[600];
    void *check;

    printf("# %s\n", text);
    CHECK_INT(make(&check, text, secret, NULL), 0);
    sent.request.headers = sent.headers;
    CHECK_INT(signature_sign(check, &sent.request, &key, "1", NULL, note, &letter, &error), 0);
    bool in_query = strcmp(letter.name, "sig") == 0;
    if (!in_query)
        add(&sent, letter.name, letter.value);
    for (int i = 0; i < 2; i++) {
        snprintf(query, sizeof(query), "a=1&sig=%s", letter.value);
        sent.request.query = in_query ? query : NULL;
        CHECK(passes(check, &sent) == (i == 0));
        letter.value[8] = letter.value[8] == '0' ? '1' : '0';
    }
    check_signature.free(check);
}

static void text_of(EVP_PKEY *key, bool pem, char text[512])
{
    unsigned char bytes[256], *at = bytes;
    BIO *bio = BIO_new(BIO_s_mem());

    PEM_write_bio_PUBKEY(bio, key);
    int len = BIO_read(bio, text, 511);
    text[len > 0 ? len : 0] = '\0';
    BIO_free(bio);
    if (!pem)
        CHECK(base64_encode(BASE64_PLAIN, bytes, (size_t)i2d_PUBKEY(key, &at), text, 512));
}

static void every_place_and_form_is_taken(void)
{
    EVP_PKEY *ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), *p256 = EVP_EC_gen("P-256");
    char text[512];

    there_and_back(
        "{\"algorithm\":\"hmac-sha512\",\"header\":\"x-sig\",\"encoding\":\"base64url\"}", "k",
        NULL);
    there_and_back("{\"algorithm\":\"hmac-sha1\",\"query\":\"sig\"}", "k", NULL);
    there_and_back("{\"algorithm\":\"hmac-sha256\",\"query\":\"sig\",\"encoding\":\"base64url\"}",
                   "k", NULL);
    for (int pem = 0; pem < 2; pem++) {
        char description[128];
        const char *kind = pem ? "pem" : "spki";
        text_of(ed25519, pem, text);
        snprintf(description, sizeof(description),
                 "{\"algorithm\":\"ed25519\",\"header\":\"x-sig\",\"key\":\"%s\"}", kind);
        there_and_back(description, text, ed25519);
        text_of(p256, pem, text);
        snprintf(description, sizeof(description),
                 "{\"algorithm\":\"ecdsa-p256\",\"header\":\"x-sig\",\"key\":\"%s\"}", kind);
        there_and_back(description, text, p256);
    }
    EVP_PKEY_free(ed25519);
    EVP_PKEY_free(p256);
}

static void refused(const char *text, const char *secret, const char *key, const char *why)
{
    void *check;

    printf("# %s\n", text);
    CHECK_INT(make(&check, text, secret, NULL), WEIR_EINVAL);
    CHECK(check == NULL);
    CHECK_STRING(error.key, key);
    CHECK(strstr(error.detail, why) != NULL);
    if (check != NULL)
        check_signature.free(check);
}

static void a_key_is_of_the_algorithms_kind(void)
{
    static const char wrong[] = "not of the algorithm's kind";

    for (const char *const *kind = (const char *const[]){"whpk", "pem", "spki", NULL};
         *kind != NULL; kind++) {
        char text[128];
        snprintf(text, sizeof(text),
                 "{\"algorithm\":\"hmac-sha256\",\"header\":\"x\",\"key\":\"%s\"}", *kind);
        refused(text, "AAAA", "key", wrong);
    }
    refused("{\"algorithm\":\"ed25519\",\"header\":\"x\",\"key\":\"raw\"}", "x", "key", wrong);
    refused("{\"algorithm\":\"ed25519\",\"header\":\"x\",\"key\":\"whsec\"}", "x", "key", wrong);
    refused("{\"algorithm\":\"hmac-sha256\",\"header\":\"x\",\"key\":\"hex\"}", "xyz", "secret",
            "is not of the key's kind");
}

/* An operator who is told that something is wrong is told what. */
static void what_is_refused_says_why(void)
{
    refused("{\"preset\":\"sendgrid\"}", "AAAA", "secret", "is not a public key");
    refused("{\"preset\":\"github\",\"content\":\"{bdoy}\"}", "x", "content",
            "{bdoy} stands for nothing");
    refused("{\"preset\":\"github\",\"content\":\"{body\"}", "x", "content",
            "a brace is not closed");
}

/* A tolerance is for a timestamp that nobody but the sender can have written. */
static void the_timestamp_that_is_read_is_the_signed_one(void)
{
    static const char one[] = "stands in one of";
    static const char unsigned_[] = "what is not signed can be changed";
    void *check;

    refused("{\"preset\":\"linear\",\"timestamp_header\":\"x-time\"}", "x", "timestamp_header",
            one);
    refused("{\"preset\":\"slack\",\"timestamp_body\":\"/at\"}", "x", "timestamp_header", one);
    refused("{\"preset\":\"stripe\",\"timestamp_header\":\"x-time\"}", "x", "timestamp_header",
            one);
    refused("{\"algorithm\":\"hmac-sha256\",\"header\":\"x\",\"content\":\"{body:/token}\","
            "\"timestamp_body\":\"/at\",\"tolerance\":9}",
            "x", "tolerance", unsigned_);
    refused("{\"algorithm\":\"hmac-sha256\",\"header\":\"x\",\"content\":\"{form_sorted}\","
            "\"timestamp_body\":\"/at\",\"tolerance\":9}",
            "x", "tolerance", unsigned_);
    CHECK_INT(make(&check,
                   "{\"algorithm\":\"hmac-sha256\",\"header\":\"x\",\"content\":\"{body:/token}"
                   "{body:/at}\",\"timestamp_body\":\"/at\",\"tolerance\":9}",
                   "x", NULL),
              0);
    check_signature.free(check);
}

/* What covers a form covers no other body. */
static void a_form_that_is_none_is_refused(void)
{
    static const char text[] = "{\"algorithm\":\"hmac-sha256\",\"header\":\"x-sig\","
                               "\"content\":\"{path}{form_sorted}\"}";
    struct sent sent = with("{\"amount\":1}", 0);
    char digits[65];
    void *check;

    CHECK_INT(make(&check, text, "key", NULL), 0);
    mac_of("key", 3, "/hook", digits);
    add(&sent, "x-sig", digits);
    CHECK(!passes(check, &sent));
    CHECK_STRING(error.detail, "nothing that was signed covers its body");
    add(&sent, "content-type", "application/json");
    CHECK(!passes(check, &sent));
    set_body(&sent, "");
    CHECK(passes(check, &sent));
    sent.headers[1].value = "application/x-www-form-urlencoded";
    set_body(&sent, "b=2&a=1");
    mac_of("key", 3, "/hooka1b2", digits);
    CHECK(passes(check, &sent));
    check_signature.free(check);
}

/* A hash that anybody can write anew covers nothing. */
static void the_bodys_hash_is_signed(void)
{
    static const char *const signed_[] = {"{url}", "{url_with_port}", "{path}?{query}", NULL};
    void *check;

    refused("{\"algorithm\":\"hmac-sha256\",\"header\":\"x\",\"content\":\"{path}\","
            "\"body_hash_query\":\"h\"}",
            "x", "body_hash_query", "needs {url} or {query} in content");
    for (const char *const *content = signed_; *content != NULL; content++) {
        char text[160];
        snprintf(text, sizeof(text),
                 "{\"algorithm\":\"hmac-sha256\",\"header\":\"x\",\"content\":\"%s\","
                 "\"body_hash_query\":\"h\"}",
                 *content);
        CHECK_INT(make(&check, text, "x", NULL), 0);
        check_signature.free(check);
    }
}

static void a_form_beside_the_whole_body_needs_none(void)
{
    struct sent sent = with("{\"amount\":1}", 0);
    char digits[65];
    void *check;

    CHECK_INT(make(&check,
                   "{\"algorithm\":\"hmac-sha256\",\"header\":\"x-sig\","
                   "\"content\":\"{form_sorted}{body}\"}",
                   "key", NULL),
              0);
    mac_of("key", 3, "{\"amount\":1}", digits);
    add(&sent, "x-sig", digits);
    CHECK(passes(check, &sent));
    check_signature.free(check);
}

TEST_MAIN(TEST(a_shared_secret_may_be_encoded), TEST(every_place_and_form_is_taken),
          TEST(a_key_is_of_the_algorithms_kind), TEST(what_is_refused_says_why),
          TEST(the_timestamp_that_is_read_is_the_signed_one), TEST(a_form_that_is_none_is_refused),
          TEST(the_bodys_hash_is_signed), TEST(a_form_beside_the_whole_body_needs_none))
