/* SPDX-License-Identifier: MIT */
/*
 * Authorization headers: bearer, basic and JSON Web Tokens by a shared secret and by a public key.
 * Nothing is let in but what is known to be good.
 */
#include <stdbool.h>
#include <strings.h>

#include "guard.h"
#include "lines.h"

#define NOW INT64_C(1700000000)

/* RFC 7515, A.3: its key; A.3.1 signs other claims than are asked for here. */
static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
                          "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
                          "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
                          "-----END PUBLIC KEY-----\n";

/* HS256 by "swordfish"; exp is 2000000000. In the corpus, too. */
static const char good_token[] =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ4IiwiZXhwIjoyMDAwMDAwMDAwfQ.oXcb8C4CjqBijFDSq-"
    "ynWm3ndTEUBec-BUev8DWnwGU";

static struct guard *bearer, *basic, *shared, *public;

static struct guard *guard_of(const char *text, const char *secret)
{
    struct weir_error error = {.status = 0};
    struct secrets secrets = {.count = 0};
    struct guard *guard;
    json_t *object = json_loads(text, 0, NULL);

    if (secret == NULL)
        json_object_set_new(object, "public_key", json_string(pem));
    else
        PROMISE(secrets_add(&secrets, secret, strlen(secret), &error) == 0);
    PROMISE(guard_new(&guard, &error) == 0);
    PROMISE(guard_add(guard, object, &secrets, &error) == 0);
    secrets_fini(&secrets);
    json_decref(object);
    return guard;
}

static bool passes(const struct guard *guard, const struct guard_request *request)
{
    struct weir_error error = {.status = 0};
    bool good = guard_judge_head(guard, request, &error) == GUARD_PASS;

    PROMISE(good || error.detail[0] != '\0');
    return good;
}

/* Behind its scheme; "" if that is another. */
static const char *credential(const char *value, const char *scheme)
{
    size_t len = strlen(scheme);

    if (strncasecmp(value, scheme, len) != 0 || value[len] != ' ')
        return "";
    return value + len + strspn(value + len, " ");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *value = text_of(data, size);
    struct request_header header = {"authorization", value};
    struct guard_request request = {.method = "POST",
                                    .path = "/webhook/x",
                                    .headers = &header,
                                    .headers_count = 1,
                                    .now = NOW * 1000000};

    if (bearer == NULL) {
        bearer = guard_of("{\"type\":\"bearer\"}", "swordfish");
        basic = guard_of("{\"type\":\"basic\",\"user\":\"user\"}", "swordfish");
        shared = guard_of("{\"type\":\"jwt\"}", "swordfish");
        public = guard_of("{\"type\":\"jwt\"}", NULL);
    }
    PROMISE(!passes(bearer, &request) || strcmp(credential(value, "Bearer"), "swordfish") == 0);
    PROMISE(!passes(basic, &request) ||
            strcmp(credential(value, "Basic"), "dXNlcjpzd29yZGZpc2g=") == 0);
    PROMISE(!passes(shared, &request) || strcmp(credential(value, "Bearer"), good_token) == 0);
    PROMISE(!passes(public, &request));
    free(value);
    return 0;
}
