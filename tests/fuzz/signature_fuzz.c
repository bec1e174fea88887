/* SPDX-License-Identifier: MIT */
/*
 * Signatures of every preset. The first byte chooses one; then come the query, headers, an empty
 * line and the body. Whatever the headers say, judging them is orderly; and what is signed here is
 * accepted, but not with another body.
 */
#include <stdbool.h>

#include "lines.h"
#include "presets.h"
#include "signature.h"

#define PRESETS_MAX 32
#define HEADERS_MAX 32
#define NOW         INT64_C(1700000000) /* the seeds' */

static const char shared[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/* RFC 8032, 7.1, test 1: the public key in both of its forms, and the private one */
static const char whpk[] = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
static const unsigned char seed[] =
    "\x9d\x61\xb1\x9d\xef\xfd\x5a\x60\xba\x84\x4a\xf4\x92\xec\x2c\xc4"
    "\x44\x49\xc5\x69\x7b\x32\x69\x19\x70\x3b\xac\x03\x1c\xae\x7f\x60";
static const char ed25519[] = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
/* of SendGrid's published test vector */
static const char p256[] =
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF"
    "9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==";

static void *checks[PRESETS_MAX];
static size_t count;
static struct secret secret;
static EVP_PKEY *private;

/* Presets that take an Ed25519 key beside a shared one. */
static bool takes_both(const struct preset *preset)
{
    return strcmp(preset->name, "standard-webhooks") == 0 || strcmp(preset->name, "svix") == 0;
}

static void make_check(const struct preset *preset)
{
    struct weir_error error = {.status = 0};
    struct secrets secrets = {.count = 0};
    json_t *object = preset_load(preset->name, &error);
    const char *key = strcmp(preset->name, "discord") == 0    ? ed25519
                      : strcmp(preset->name, "sendgrid") == 0 ? p256
                                                              : shared;

    PROMISE(secrets_add(&secrets, key, strlen(key), &error) == 0);
    PROMISE(!takes_both(preset) || secrets_add(&secrets, whpk, strlen(whpk), &error) == 0);
    PROMISE(check_signature.make(&checks[count++], object, &secrets, &error) == 0);
    secrets_fini(&secrets);
    json_decref(object);
}

static void make_checks(void)
{
    size_t all;
    const struct preset *presets = presets_all(&all);

    PROMISE(all <= PRESETS_MAX);
    for (size_t i = 0; i < all; i++)
        make_check(&presets[i]);
    private = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed) - 1);
    PROMISE(private != NULL);
    secret = (struct secret){(unsigned char *)(void *)(uintptr_t)shared, sizeof(shared) - 1};
}

static bool judge(const void *check, const struct guard_request *request)
{
    struct weir_error error = {.status = 0};
    char id[SIGNATURE_ID_MAX];
    int64_t seconds;

    bool good = check_signature.judge(check, request, &error) == 0;
    PROMISE(good || error.detail[0] != '\0');
    signature_timestamp(check, request, &seconds);
    PROMISE(!signature_delivery_id(check, request, id) || strlen(id) < sizeof(id));
    return good;
}

/* ---- There and back -------------------------------------------------------------------------- */

struct envelope {
    char values[8][1024];
    struct request_header headers[8];
    size_t count;
    bool inside; /* a part belongs into the body */
};

static void emit(void *context, const char *name, const char *pointer, const char *value)
{
    struct envelope *envelope = context;
    (void)pointer;

    envelope->inside |= name == NULL;
    if (name == NULL)
        return;
    PROMISE(envelope->count < 7 && strlen(value) < sizeof(envelope->values[0]));
    char *copy = strcpy(envelope->values[envelope->count], value);
    envelope->headers[envelope->count++] = (struct request_header){name, copy};
}

static const char *time_of(const void *check)
{
    switch (signature_unit(check)) {
    case SIGNATURE_MILLISECONDS: return "1700000000000";
    case SIGNATURE_ISO8601: return "2023-11-14T22:13:20Z";
    default: return "1700000000";
    }
}

/* Names may come in any case; the gateway's are lower. */
static void lower(struct envelope *envelope, char names[8][128])
{
    for (size_t i = 0; i < envelope->count; i++) {
        char *at = strncpy(names[i], envelope->headers[i].name, 127);
        for (names[i][127] = '\0'; *at != '\0'; at++)
            *at = (char)tolower((unsigned char)*at);
        envelope->headers[i].name = names[i];
    }
}

static void there_and_back(const void *check, const struct preset *preset,
                           struct guard_request request, EVP_PKEY *with)
{
    bool form = strcmp(preset->name, "twilio") == 0;
    const char *id = strstr(preset->json, "{id}") != NULL ? "msg_1" : NULL;
    struct envelope envelope = {.count = 0};
    struct weir_error error = {.status = 0};
    struct signature_key key = {.secret = &secret, .key = with};
    struct request_header type = {"content-type", "application/x-www-form-urlencoded"};
    char names[8][128];

    request.headers = &type;
    request.headers_count = form;
    if (signature_sign(check, &request, &key, time_of(check), id, emit, &envelope, &error) != 0 ||
        envelope.inside)
        return;
    lower(&envelope, names);
    envelope.headers[envelope.count] = type;
    request.headers = envelope.headers;
    request.headers_count = envelope.count + form;
    PROMISE(judge(check, &request));
    if (form || request.body_len == 0)
        return;
    unsigned char *other = (unsigned char *)text_of(request.body, request.body_len);
    other[request.body_len / 2] ^= 1;
    request.body = other;
    bool whole = check_signature.needs_body(check);
    PROMISE(judge(check, &request) != whole);
    free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct request_header headers[HEADERS_MAX];
    struct guard_request request = {.method = "POST",
                                    .path = "/webhook/x",
                                    .now = NOW * 1000000,
                                    .public_url = "https://hooks.example.com",
                                    .headers = headers};
    if (count == 0)
        make_checks();
    if (size == 0)
        return 0;
    char *text = text_of(data + 1, size - 1), *at = text;
    size_t all;
    size_t chosen = data[0] % count;
    request.query = next_line(&at);
    while (request.headers_count < HEADERS_MAX && at != NULL) {
        char *line = next_line(&at);
        if (!header_of(line, &headers[request.headers_count]))
            break;
        request.headers_count++;
    }
    request.body = (const unsigned char *)(at == NULL ? "" : at);
    request.body_len = at == NULL ? 0 : size - 1 - (size_t)(at - text);
    const struct preset *preset = &presets_all(&all)[chosen];
    bool only = signature_is_asymmetric(checks[chosen]);
    judge(checks[chosen], &request);
    if (!only)
        there_and_back(checks[chosen], preset, request, NULL);
    if (takes_both(preset) || strcmp(preset->name, "discord") == 0)
        there_and_back(checks[chosen], preset, request, private);
    free(text);
    return 0;
}
