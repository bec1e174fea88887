/* SPDX-License-Identifier: MIT */
/*
 * What providers publish: the requests, secrets and signatures of their documentation and of the
 * tests of their own libraries, each with where it is from.
 */
#include "signed.h"

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
    sent.request.public_url =
        "https://mycompany.com:443"; /* with it or without, Twilio does both */
    CHECK(once("twilio", "12345", &sent));
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

/* github.com/octokit/webhooks-methods.js, test/verify.test.ts */
static void octokit_publishes(void)
{
    struct sent sent = with("{\"foo\":\"bar\"}", 0);

    add(&sent, "x-hub-signature-256",
        "sha256=4864d2759938a15468b5df9ade20bf161da9b4f737ea61794142f3484236bda3");
    CHECK(once("github", "mysecret", &sent));
    CHECK(!once("github", "foo", &sent));
    sent =
        with("{\"foo\":\"Foo\\n\\u001B[34mbar: ♥♥♥♥♥♥♥♥\\nthis-is-lost\\u001B[0m\\u001B[2K\"}", 0);
    add(&sent, "x-hub-signature-256",
        "sha256=afecc3caa27548bb90d51a50384cb2868b9a3327b4ad6a01c9bd4ed0f8b0b12c");
    CHECK(once("github", "development", &sent));
    sent = with("{\"foo\":\"\\\\u001b\"}", 0);
    add(&sent, "x-hub-signature-256",
        "sha256=6f8326efbacfbd04e870cea25b5652e635be8c9807f2fd5348ef60753c9e96ed");
    CHECK(once("github", "development", &sent));
}

/* support.atlassian.com/bitbucket-cloud, "Manage webhooks" */
static void bitbucket_publishes(void)
{
    struct sent sent = with("Hello World!", 0);

    add(&sent, "x-hub-signature",
        "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9");
    CHECK(once("bitbucket", "It's a Secret to Everybody", &sent));
    set_body(&sent, "Hello, World!");
    CHECK(!once("bitbucket", "It's a Secret to Everybody", &sent));
}

/* github.com/svix/svix-webhooks, README.md and server/svix-server/src/worker.rs: v1a */
static void svix_publishes_for_ed25519(void)
{
    static const char public[] = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
    static const char v1a[] = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/"
                              "enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";
    struct sent sent = standard("svix", v1a);

    CHECK(once("svix", public, &sent));
    CHECK(once("standard-webhooks", public, &sent));
    CHECK(!once("standard-webhooks", STANDARD_SECRET, &sent));
    set_body(&sent, "{\"test\": 2432232315}");
    CHECK(!once("svix", public, &sent));
}

/* github.com/standard-webhooks, libraries/javascript and libraries/python */
static void standard_webhooks_publishes_what_is_wrong(void)
{
    struct sent sent = standard("webhook", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=");

    CHECK(!once("standard-webhooks", STANDARD_SECRET, &sent));
    sent.headers[2].value = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= "
                            "v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= " STANDARD_SIGNED
                            " v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";
    CHECK(once("standard-webhooks", STANDARD_SECRET, &sent));
}

static struct sent twilio(const char *origin, const char *query, const char *type, const char *body)
{
    struct sent sent = with(body, 0);

    sent.request.public_url = origin;
    sent.request.path = "/myapp.php";
    sent.request.query = query;
    add(&sent, "content-type", type);
    return sent;
}

static bool twilio_passes(struct sent sent, const char *signature)
{
    add(&sent, "x-twilio-signature", signature);
    return once("twilio", "12345", &sent);
}

#define FORM "application/x-www-form-urlencoded"
#define TWILIO_FORM                                                               \
    "CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212" \
    "&Caller=%2B14158675309"

/* github.com/twilio/twilio-python, tests/unit/test_request_validator.py: either way of writing it
 */
static void twilio_publishes_ports(void)
{
    static const struct {
        const char *origin, *signature;
    } vectors[] = {
        {"https://mycompany.com:1234", "RSOYDt4T1cUTdK1PDd93/VVr8B8="}, /* without its port */
        {"http://mycompany.com:1234", "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="},  /* with it */
        {"https://mycompany.com", "kvajT1Ptam85bY51eRf/AJRuM3w="},      /* with 443 */
        {"http://mycompany.com", "0ZXoZLH/DfblKGATFgpif+LLRf4="},       /* with 80 */
    };

    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
        CHECK(twilio_passes(twilio(vectors[i].origin, "foo=1&bar=2", FORM, TWILIO_FORM),
                            vectors[i].signature));
    for (size_t i = 1; i < sizeof(vectors) / sizeof(vectors[0]); i++)
        CHECK(!twilio_passes(twilio("https://mycompany.com:1234", "foo=1&bar=2", FORM, TWILIO_FORM),
                             vectors[i].signature));
}

/* The same: names and values are sorted, and what is there twice counts once. */
static void twilio_publishes_duplicates(void)
{
    CHECK(twilio_passes(twilio("https://mycompany.com", "foo=1&bar=2", FORM,
                               "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234"),
                        "IK+Dwps556ElfBT0I3Rgjkr1wJU="));
}

/* github.com/twilio/twilio-go, client/request_validator_test.go */
static void twilio_publishes_for_go(void)
{
    static const char form[] = TWILIO_FORM "&ReasonConferenceEnded=test&Reason=Participant";
    static const char json[] = "{\"property\": \"value\", \"boolean\": true}";

    CHECK(twilio_passes(twilio("https://mycompany.com", "foo=1&bar=2", FORM, form),
                        "vOEb5UThFn24KEfnOFLQY2AE5FY="));
    CHECK(twilio_passes(twilio("http://mycompany.com:1234", "foo=1&bar=2", FORM, form),
                        "n2xBNyzSW7rfYStDtOFiFMv7qNo="));
    CHECK(!twilio_passes(twilio("https://mycompany.com", "foo=1&bar=2", FORM, form),
                         "95+Bu0JVPi0r/SsESZCVf0dWAjw="));
    CHECK(twilio_passes(
        twilio("https://mycompany.com", "foo=1&bar=2", FORM, "property=value&boolean=true"),
        "NBdBDr/T/lgjI+tlgpXjKZQZs/k="));
    CHECK(twilio_passes(
        twilio("https://mycompany.com",
               "bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620",
               "application/json", json),
        "y77kIzt2vzLz71DgmJGsen2scGs="));
    CHECK(!twilio_passes(twilio("https://mycompany.com", "foo=1&bar=2", "application/json", json),
                         "vOEb5UThFn24KEfnOFLQY2AE5FY="));
}

/* github.com/PaddleHQ/paddle-node-sdk, src/__tests__/notifications/webhooks-validator.node.test.ts
 */
static void paddle_publishes(void)
{
    struct sent sent = with("{\"data\": [\"1\", \"2\"]}", 1698796800);

    add(&sent, "paddle-signature",
        "ts=1698796800;h1=a300428748dce5c70e4da19bffd60769591ea969c99dea3105d0ec9612cf43f9");
    CHECK(once("paddle", "VALID_SECRET", &sent));
    CHECK(!once("paddle", "INVALID_VALID_SECRET", &sent));
    sent.request.now = INT64_C(1698796805) * 1000000;
    CHECK(once("paddle", "VALID_SECRET", &sent));
    sent.request.now = INT64_C(1698796806) * 1000000;
    CHECK(!once("paddle", "VALID_SECRET", &sent));
    sent.request.now = INT64_C(1698796800) * 1000000;
    set_body(&sent, "{ \"data\": [ \"1\", \"2\" ]}");
    CHECK(!once("paddle", "VALID_SECRET", &sent));
    sent = with("{\"data\": \"value\"}", 1698796800);
    add(&sent, "paddle-signature",
        "ts=1698796800;h1=28981e941fae76e53db32f3d2a83cb69db41476595e84e1970a1b5d98f62b261"
        ";h1=28981e941fae76e53db32f3d2a83cb69db41476595e84e1970a1b5d98f62b261;h2=RANDOM_HASH");
    CHECK(once("paddle", "VALID_SECRET", &sent));
    for (const char *const *wrong = (const char *const[]){"invalid_header", "h1=invalid_header",
                                                          "ts=1234;h2=invalid_header",
                                                          "ts=1234;h1=invalid_signature", NULL};
         *wrong != NULL; wrong++) {
        sent.headers[0].value = *wrong;
        CHECK(!once("paddle", "VALID_SECRET", &sent));
    }
}

/* github.com/mailgun/mailgun-php, tests/Api/WebhookTest.php */
static void mailgun_publishes(void)
{
    static const char key[] = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0";
    struct sent sent = with("{\"signature\":{\"timestamp\":1403645220,\"token\":"
                            "\"5egbgr1vjgqxtrnp65xfznchgdccwh5d6i09vijqi3whgowmn6\",\"signature\":"
                            "\"9cfc5c41582e51246e73c88d34db3af0a3a2692a76fbab81492842f000256d33\"},"
                            "\"event-data\":{}}",
                            1403645220);

    CHECK(once("mailgun", key, &sent));
    set_body(&sent, "{\"signature\":{\"timestamp\":1403645220,\"token\":"
                    "\"owyldpe6nxhmrn78epljl6bj0orrki1u3d2v5e6cnlmmuox8jr\",\"signature\":"
                    "\"9cfc5c41582e51246e73c88d34db3af0a3a2692a76fbab81492842f000256d33\"}}");
    CHECK(!once("mailgun", key, &sent));
    set_body(&sent, "{\"signature\":{\"timestamp\":0,\"token\":\"\",\"signature\":\"\"}}");
    CHECK(!once("mailgun", key, &sent));
}

/* github.com/square/square-python-sdk, tests/integration/test_webhooks_helper.py */
static void square_publishes_what_is_escaped(void)
{
    struct sent sent = with("{\"data\":{\"type\":\"webhooks\",\"id\":\">id<\"}}", 0);

    sent.request.public_url = "https://webhook.site";
    sent.request.path = "/webhooks";
    add(&sent, "x-square-hmacsha256-signature", "Cxt7+aTi4rKgcA0bC4g9EHdVtLSDWdqccmL5MvihU4U=");
    CHECK(once("square", "signature-key", &sent));
    CHECK(!once("square", "MCmhFRxGX82xMwg5FsaoQA", &sent));
}

/* github.com/line/line-bot-sdk-python, tests/test_webhook.py */
static void line_publishes_for_python(void)
{
    struct sent sent = with("bodybodybodybody", 0);

    add(&sent, "x-line-signature", "/gg9a+LvFevTH1sd7XCQycD7tsWclCsInj7MhBHxN7k=");
    CHECK(once("line", "channel_secret", &sent));
    sent.headers[0].value = "invalid_signature";
    CHECK(!once("line", "channel_secret", &sent));
}

/* github.com/sendgrid/sendgrid-python, test/unit/test_eventwebhook.py */
static void sendgrid_publishes_what_is_wrong(void)
{
    static const char key[] = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/"
                              "7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+"
                              "2fNNRaINXvVpiglSI8eNEc6wEA3F+g==";
    static const char other[] = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqTxd43gyp8IOEto2LdIfjRQrIbsd4S"
                                "XZkLW6jDutdhXSJCWHw8REntlo7aNDthvj+y7GjUuFDb/R1NGe1OPzpA==";
    struct sent sent = with("payload", 0);

    add(&sent, "x-twilio-email-event-webhook-timestamp", "1600112502");
    add(&sent, "x-twilio-email-event-webhook-signature",
        "MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYN"
        "H3j/0=");
    CHECK(!once("sendgrid", key, &sent));
    CHECK(!once("sendgrid", other, &sent));
    sent.headers[0].value = "timestamp";
    CHECK(!once("sendgrid", key, &sent));
    CHECK_STRING(error.detail, "its timestamp cannot be read");
}

TEST_MAIN(TEST(github_publishes), TEST(standard_webhooks_publishes), TEST(slack_publishes),
          TEST(twilio_publishes), TEST(twilio_publishes_for_json), TEST(sendgrid_publishes),
          TEST(line_publishes), TEST(hubspot_publishes), TEST(hubspot_publishes_for_v3),
          TEST(square_publishes), TEST(octokit_publishes), TEST(bitbucket_publishes),
          TEST(svix_publishes_for_ed25519), TEST(standard_webhooks_publishes_what_is_wrong),
          TEST(twilio_publishes_ports), TEST(twilio_publishes_duplicates),
          TEST(twilio_publishes_for_go), TEST(paddle_publishes), TEST(mailgun_publishes),
          TEST(square_publishes_what_is_escaped), TEST(line_publishes_for_python),
          TEST(sendgrid_publishes_what_is_wrong))
