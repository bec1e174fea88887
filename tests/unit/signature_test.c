/* SPDX-License-Identifier: MIT */
/* Signed requests: what providers publish, what goes wrong, and every preset there and back. */
#include "signature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base64.h"
#include "content.h"
#include "hex.h"
#include "presets.h"
#include "test.h"

#define HEADERS_MAX 8

static struct weir_error error;

static int make(void **out, const char *text, const char *secret, const char *other)
{
    struct secrets secrets = {.count = 0};
    json_t *object = json_loads(text, 0, NULL);

    CHECK(object != NULL);
    error = (struct weir_error){.status = 0};
    if (secret != NULL)
        CHECK_INT(secrets_add(&secrets, secret, strlen(secret), &error), 0);
    if (other != NULL)
        CHECK_INT(secrets_add(&secrets, other, strlen(other), &error), 0);
    int status = check_signature.make(out, object, &secrets, &error);
    secrets_fini(&secrets);
    json_decref(object);
    return status;
}

static void *preset(const char *name, const char *secret, const char *other)
{
    char text[128];
    void *check;

    snprintf(text, sizeof(text), "{\"preset\":\"%s\"}", name);
    CHECK_INT(make(&check, text, secret, other), 0);
    return check;
}

struct sent {
    struct request_header headers[HEADERS_MAX];
    struct guard_request request;
};

static void set_body(struct sent *sent, const char *body)
{
    sent->request.body = (const unsigned char *)body;
    sent->request.body_len = strlen(body);
}

static struct sent with(const char *body, int64_t now)
{
    struct sent sent = {.request = {.method = "POST", .path = "/hook", .now = now * 1000000}};

    set_body(&sent, body);
    return sent;
}

static void add(struct sent *sent, const char *name, const char *value)
{
    sent->headers[sent->request.headers_count++] = (struct request_header){name, value};
}

static bool passes(const void *check, struct sent *sent)
{
    sent->request.headers = sent->headers;
    return check_signature.judge(check, &sent->request, &error) == 0;
}

static bool once(const char *name, const char *secret, struct sent *sent)
{
    void *check = preset(name, secret, NULL);
    bool good = passes(check, sent);

    check_signature.free(check);
    return good;
}

/* ---- What providers publish ------------------------------------------------------------------ */

/* docs.github.com, "Validating webhook deliveries" */
static void github_publishes(void)
{
    static const char secret[] = "It's a Secret to Everybody";
    struct sent sent = with("Hello, World!", 0);

    add(&sent, "x-hub-signature-256",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
    CHECK(once("github", secret, &sent));
    CHECK(!once("github", "It's a secret to Everybody", &sent));
    sent.headers[0].value =
        "sha256=757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17";
    CHECK(once("github", secret, &sent));
    sent.headers[0].value = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    CHECK(!once("github", secret, &sent));
    sent.headers[0].value = "sha1=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    CHECK(!once("github", secret, &sent));
}

#define STANDARD_SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define STANDARD_BODY   "{\"test\": 2432232314}"
#define STANDARD_SIGNED "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static struct sent standard(const char *brand, const char *signature)
{
    static char names[3][32];
    struct sent sent = with(STANDARD_BODY, 1614265330);

    snprintf(names[0], sizeof(names[0]), "%s-id", brand);
    snprintf(names[1], sizeof(names[1]), "%s-timestamp", brand);
    snprintf(names[2], sizeof(names[2]), "%s-signature", brand);
    add(&sent, names[0], "msg_p5jXN8AQM9LWM0D4loKWxJek");
    add(&sent, names[1], "1614265330");
    add(&sent, names[2], signature);
    return sent;
}

/* github.com/standard-webhooks, and the same in Svix's documentation */
static void standard_webhooks_publishes(void)
{
    struct sent sent = standard("webhook", STANDARD_SIGNED);
    char id[SIGNATURE_ID_MAX];
    void *check = preset("standard-webhooks", STANDARD_SECRET, NULL);

    CHECK(passes(check, &sent));
    CHECK(signature_delivery_id(check, &sent.request, id));
    CHECK_STRING(id, "msg_p5jXN8AQM9LWM0D4loKWxJek");
    sent.headers[0].value = "msg_other";
    CHECK(!passes(check, &sent));
    check_signature.free(check);
    sent = standard("svix", STANDARD_SIGNED);
    CHECK(once("standard-webhooks", STANDARD_SECRET, &sent));
    CHECK(once("svix", STANDARD_SECRET, &sent));
    CHECK(once("svix", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &sent));
}

/* api.slack.com, "Verifying requests from Slack" */
static void slack_publishes(void)
{
    struct sent sent =
        with("token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id="
             "G8PSS9T3V"
             "&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-"
             "collect&text="
             "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554"
             "%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121."
             "803a0bc887a14d10d2c447fce8b6703c",
             1531420618);

    add(&sent, "x-slack-request-timestamp", "1531420618");
    add(&sent, "x-slack-signature",
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503");
    CHECK(once("slack", "8f742231b10e8888abcd99yyyzzz85a5", &sent));
}

/* github.com/twilio/twilio-python, tests/unit/test_request_validator.py */
static void twilio_publishes(void)
{
    struct sent sent =
        with("CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212"
             "&Caller=%2B14158675309",
             0);

    sent.request.public_url = "https://mycompany.com";
    sent.request.path = "/myapp.php";
    sent.request.query = "foo=1&bar=2";
    add(&sent, "content-type", "application/x-www-form-urlencoded; charset=utf-8");
    add(&sent, "x-twilio-signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    CHECK(once("twilio", "12345", &sent));
    sent.request.public_url = "http://mycompany.com";
    CHECK(!once("twilio", "12345", &sent));
    sent.request.public_url = NULL;
    CHECK(!once("twilio", "12345", &sent));
    CHECK(strstr(error.detail, "public_url") != NULL);
}

/* The same, of a JSON body: its hash is in the URL, and the URL is signed. */
static void twilio_publishes_for_json(void)
{
    struct sent sent = with("{\"property\": \"value\", \"boolean\": true}", 0);

    sent.request.public_url = "https://mycompany.com";
    sent.request.path = "/myapp.php";
    sent.request.query = "foo=1&bar=2&bodySHA256="
                         "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
    add(&sent, "content-type", "application/json");
    add(&sent, "x-twilio-signature", "a9nBmqA0ju/hNViExpshrM61xv4=");
    CHECK(once("twilio", "12345", &sent));
    set_body(&sent, "{\"property\": \"value\", \"boolean\": false}");
    CHECK(!once("twilio", "12345", &sent));
    sent.request.query = "foo=1&bar=2";
    CHECK(!once("twilio", "12345", &sent));
}

/* github.com/sendgrid/sendgrid-python, test/unit/test_eventwebhook.py: the CRLF at the end counts.
 */
static void sendgrid_publishes(void)
{
    static const char key[] = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/"
                              "7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+"
                              "2fNNRaINXvVpiglSI8eNEc6wEA3F+g==";
    static const char body[] =
        "[{\"email\":\"hello@world.com\",\"event\":\"dropped\",\"reason\":\"Bounced Address\","
        "\"sg_event_id\":\"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA\","
        "\"sg_message_id\":\"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-"
        "5F5FC76C-9."
        "0\",\"smtp-id\":\"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>\","
        "\"timestamp\":1600112492}]\r\n";
    struct sent sent = with(body, 0);

    add(&sent, "x-twilio-email-event-webhook-timestamp", "1600112502");
    add(&sent, "x-twilio-email-event-webhook-signature",
        "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+"
        "luQAbPIqHh89M15TluLtEZ"
        "tM=");
    CHECK(once("sendgrid", key, &sent));
    sent.request.body_len -= 2;
    CHECK(!once("sendgrid", key, &sent));
}

/* github.com/line/line-bot-sdk-nodejs, test/validate-signature.spec.ts */
static void line_publishes(void)
{
    struct sent sent = with("{\"hello\":\"world\"}", 0);

    add(&sent, "x-line-signature", "t7Hn4ZDHqs6e+wdvI5TyQIvzie0DmMUmuXEBqyyE/tM=");
    CHECK(once("line", "test_secret", &sent));
}

#define HUBSPOT_SECRET "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"

/* developers.hubspot.com, "Validating requests from HubSpot", and
 * github.com/HubSpot/hubspot-api-php */
static void hubspot_publishes(void)
{
    struct sent sent = with(
        "[{\"eventId\":1,\"subscriptionId\":12345,\"portalId\":62515,\"occurredAt\":1564113600000,"
        "\"subscriptionType\":\"contact.creation\",\"attemptNumber\":0,\"objectId\":123,"
        "\"changeSource\":\"CRM\",\"changeFlag\":\"NEW\",\"appId\":54321}]",
        0);

    add(&sent, "x-hubspot-signature",
        "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de");
    CHECK(once("hubspot-v1", HUBSPOT_SECRET, &sent));
    sent = with("", 0);
    sent.request.method = "GET";
    sent.request.public_url = "https://www.example.com";
    sent.request.path = "/webhook_uri";
    add(&sent, "x-hubspot-signature",
        "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e");
    CHECK(once("hubspot-v2", HUBSPOT_SECRET, &sent));
    sent.request.method = "POST";
    set_body(&sent, "{\"example_field\":\"example_value\"}");
    sent.headers[0].value = "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900";
    CHECK(once("hubspot-v2", HUBSPOT_SECRET, &sent));
}

/* github.com/HubSpot/hubspot-api-ruby, spec/helpers/signature_spec.rb */
static void hubspot_publishes_for_v3(void)
{
    struct sent sent = with("{'example_field':'example_value'}", 1700000300);

    sent.request.public_url = "https://www.example.com";
    sent.request.path = "/webhook_uri";
    add(&sent, "x-hubspot-request-timestamp", "1700000300000");
    add(&sent, "x-hubspot-signature-v3", "RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw=");
    CHECK(once("hubspot-v3", HUBSPOT_SECRET, &sent));
}

/* github.com/square/square-nodejs-sdk, test/webhooksHelper.test.ts */
static void square_publishes(void)
{
    struct sent sent = with(
        "{\"merchant_id\":\"MLEFBHHSJGVHD\",\"type\":\"webhooks.test_notification\",\"event_id\":"
        "\"ac3ac95b-f97d-458c-a6e6-18981597e05f\",\"created_at\":\"2022-07-13T20:30:59."
        "037339943Z\","
        "\"data\":{\"type\":\"webhooks\",\"id\":\"bc368e64-01aa-407e-b46e-3231809b1129\"}}",
        0);

    sent.request.public_url = "https://webhook.site";
    sent.request.path = "/679a4f3a-dcfa-49ee-bac5-9d0edad886b9";
    add(&sent, "x-square-hmacsha256-signature", "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4=");
    CHECK(once("square", "Ibxx_5AKakO-3qeNVR61Dw", &sent));
}

/* ---- Every preset, there and back ------------------------------------------------------------ */

struct signed_request {
    struct sent sent;
    char names[HEADERS_MAX][64], values[HEADERS_MAX][1024];
    json_t *body;
    char *text;
};

static void put_place(json_t *body, const char *pointer, const char *value)
{
    char segment[2][64] = {"", ""};

    CHECK(sscanf(pointer, "/%63[^/]/%63s", segment[0], segment[1]) >= 1);
    if (segment[1][0] == '\0') {
        json_object_set_new(body, segment[0], json_integer(strtoll(value, NULL, 10)));
        return;
    }
    if (json_object_get(body, segment[0]) == NULL)
        json_object_set_new(body, segment[0], json_object());
    json_object_set_new(json_object_get(body, segment[0]), segment[1], json_string(value));
}

static void emit(void *context, const char *name, const char *pointer, const char *value)
{
    struct signed_request *to = context;
    size_t at = to->sent.request.headers_count;

    if (name == NULL) {
        put_place(to->body, pointer, value);
        return;
    }
    snprintf(to->names[at], sizeof(to->names[at]), "%s", name);
    snprintf(to->values[at], sizeof(to->values[at]), "%s", value);
    add(&to->sent, to->names[at], to->values[at]);
}

struct keeper {
    char secret[512]; /* as it would be configured */
    EVP_PKEY *key;
};

/* A secret of the preset's kind. */
static void make_key(struct keeper *keeper, const char *name)
{
    unsigned char bytes[256], *at = bytes;
    size_t len = sizeof(bytes);

    *keeper = (struct keeper){.secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};
    if (strcmp(name, "discord") == 0) {
        keeper->key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        CHECK_INT(EVP_PKEY_get_raw_public_key(keeper->key, bytes, &len), 1);
        hex_encode(bytes, len, keeper->secret);
    }
    if (strcmp(name, "sendgrid") == 0) {
        keeper->key = EVP_EC_gen("P-256");
        len = (size_t)i2d_PUBKEY(keeper->key, &at);
        CHECK(base64_encode(BASE64_PLAIN, bytes, len, keeper->secret, sizeof(keeper->secret)));
    }
}

#define NOW "1700000000"

static void sign(struct signed_request *to, const void *check, struct keeper *keeper,
                 const char *name)
{
    struct secret secret = {(unsigned char *)keeper->secret, strlen(keeper->secret)};
    struct signature_key key = {.secret = &secret, .key = keeper->key};
    const char *time = strcmp(name, "hubspot-v3") == 0 || strcmp(name, "linear") == 0 ? NOW "123"
                       : strcmp(name, "zendesk") == 0 ? "2023-11-14T22:13:20Z"
                                                      : NOW;

    *to = (struct signed_request){.sent = with("", 1700000000)};
    to->sent.request.public_url = "https://hooks.example.com";
    to->sent.request.path = "/webhook/example";
    to->sent.request.query = "a=b%3Ac";
    to->body = json_pack("{s:s,s:i}", "event", "made", "n", 1);
    if (strcmp(name, "linear") == 0)
        put_place(to->body, "/webhookTimestamp", time);
    if (strcmp(name, "mailgun") == 0)
        put_place(to->body, "/signature/token", "msg_1");
    if (strcmp(name, "twilio") == 0)
        add(&to->sent, "content-type", "application/x-www-form-urlencoded");
    to->text = strcmp(name, "twilio") == 0 ? strdup("b=2&a=1&a=0") : json_dumps(to->body, 0);
    set_body(&to->sent, to->text);
    to->sent.request.headers = to->sent.headers;
    CHECK_INT(signature_sign(check, &to->sent.request, &key, time, "msg_1", emit, to, &error), 0);
    if (strcmp(name, "mailgun") == 0) {
        free(to->text);
        to->text = json_dumps(to->body, 0);
        set_body(&to->sent, to->text);
    }
}

static void every_flip_is_seen(const void *check, struct signed_request *made, const char *name)
{
    bool token = strcmp(name, "gitlab") == 0, mailgun = strcmp(name, "mailgun") == 0;

    for (size_t i = 0; !token && !mailgun && made->text[i] != '\0'; i++) {
        made->text[i] ^= 1;
        CHECK(!passes(check, &made->sent));
        made->text[i] ^= 1;
    }
    for (size_t h = 0; h < made->sent.request.headers_count; h++) {
        char *value = made->values[h];
        if (!check_signature.reads_header(check, made->names[h]))
            continue;
        for (size_t i = 0; value[i] != '\0'; i++) {
            value[i] ^= 1;
            CHECK(!passes(check, &made->sent));
            value[i] ^= 1;
        }
    }
    CHECK(passes(check, &made->sent));
}

static void what_is_signed_is_verified(void)
{
    size_t count;
    const struct preset *all = presets_all(&count);

    for (size_t i = 0; i < count; i++) {
        struct signed_request made;
        struct keeper keeper;
        printf("# %s\n", all[i].name);
        make_key(&keeper, all[i].name);
        void *check = preset(all[i].name, keeper.secret, NULL);
        sign(&made, check, &keeper, all[i].name);
        CHECK(passes(check, &made.sent));
        every_flip_is_seen(check, &made, all[i].name);
        free(made.text);
        json_decref(made.body);
        EVP_PKEY_free(keeper.key);
        check_signature.free(check);
    }
}

/* The URL and the method, where they are signed. */
static void the_url_is_signed_where_it_should_be(void)
{
    static const char *const names[] = {"twilio", "square", "hubspot-v2", "hubspot-v3"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct signed_request made;
        struct keeper keeper;
        make_key(&keeper, names[i]);
        void *check = preset(names[i], keeper.secret, NULL);
        sign(&made, check, &keeper, names[i]);
        made.sent.request.path = "/webhook/other";
        CHECK(!passes(check, &made.sent));
        made.sent.request.path = "/webhook/example";
        made.sent.request.query = NULL;
        CHECK(!passes(check, &made.sent));
        made.sent.request.query = "a=b%3Ac";
        made.sent.request.public_url = NULL;
        CHECK(!passes(check, &made.sent));
        free(made.text);
        json_decref(made.body);
        check_signature.free(check);
    }
}

/* ---- Traps ----------------------------------------------------------------------------------- */

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

TEST_MAIN(TEST(github_publishes), TEST(standard_webhooks_publishes), TEST(slack_publishes),
          TEST(twilio_publishes), TEST(twilio_publishes_for_json), TEST(sendgrid_publishes),
          TEST(line_publishes), TEST(hubspot_publishes), TEST(hubspot_publishes_for_v3),
          TEST(square_publishes), TEST(what_is_signed_is_verified),
          TEST(the_url_is_signed_where_it_should_be), TEST(stripe_keeps_its_mark),
          TEST(junk_and_several_signatures), TEST(timestamps_are_kept_both_ways),
          TEST(rotation_with_two_live_secrets), TEST(asymmetric_standard_webhooks),
          TEST(what_cannot_be_is_refused), TEST(github_with_sha512_where_configured))
