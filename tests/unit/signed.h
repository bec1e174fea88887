/* SPDX-License-Identifier: MIT */
/* Signed requests for tests: a check made from JSON, and a request put together by hand. */
#ifndef TESTS_SIGNED_H
#define TESTS_SIGNED_H

#include "signature.h"

#include <stdio.h>
#include <string.h>

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

#endif
