/* SPDX-License-Identifier: MIT */
/*
 * Signed requests for tests: a check made from JSON, and a request put together by hand, or signed
 * as `weir sign` would.
 */
#ifndef TESTS_SIGNED_H
#define TESTS_SIGNED_H

#include "signature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base64.h"
#include "hex.h"
#include "test.h"

#define HEADERS_MAX 8

static struct weir_error error;

static inline int make(void **out, const char *text, const char *secret, const char *other)
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

static inline void *preset(const char *name, const char *secret, const char *other)
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

static inline void set_body(struct sent *sent, const char *body)
{
    sent->request.body = (const unsigned char *)body;
    sent->request.body_len = strlen(body);
}

static inline struct sent with(const char *body, int64_t now)
{
    struct sent sent = {.request = {.method = "POST", .path = "/hook", .now = now * 1000000}};

    set_body(&sent, body);
    return sent;
}

static inline void add(struct sent *sent, const char *name, const char *value)
{
    sent->headers[sent->request.headers_count++] = (struct request_header){name, value};
}

static inline bool passes(const void *check, struct sent *sent)
{
    sent->request.headers = sent->headers;
    return check_signature.judge(check, &sent->request, &error) == 0;
}

static inline bool once(const char *name, const char *secret, struct sent *sent)
{
    void *check = preset(name, secret, NULL);
    bool good = passes(check, sent);

    check_signature.free(check);
    return good;
}

#define STANDARD_SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define STANDARD_BODY   "{\"test\": 2432232314}"
#define STANDARD_SIGNED "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static inline struct sent standard(const char *brand, const char *signature)
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

/* ---- Signed by the code that verifies ---- */

struct signed_request {
    struct sent sent;
    char names[HEADERS_MAX][64], values[HEADERS_MAX][1024];
    json_t *body;
    char *text;
};

static inline void put_place(json_t *body, const char *pointer, const char *value)
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

static inline void emit(void *context, const char *name, const char *pointer, const char *value)
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
static inline void make_key(struct keeper *keeper, const char *name)
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

static inline void sign(struct signed_request *to, const void *check, struct keeper *keeper,
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
    if (strcmp(name, "twilio-json") == 0)
        add(&to->sent, "content-type", "application/json");
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

#endif
