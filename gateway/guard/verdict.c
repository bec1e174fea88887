/* SPDX-License-Identifier: MIT */
/*
 * Owns: following a scheme: finding what was sent, filling in what was signed, comparing.
 * Never does: stop at the first good signature, or let a reason quote what was sent.
 * Lock: none.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "base64.h"
#include "hex.h"
#include "json_place.h"
#include "scheme_parts.h"
#include "wipe.h"

#define CANDIDATES_MAX 32 /* signatures in one request; the rest is not looked at */
#define PUBLIC_MAX     4 /* those to be verified by public keys, which takes a tenth of a ms each */
#define ED25519_BYTES  64
#define QUERY_MAX      2048

struct candidate {
    unsigned char bytes[SCHEME_BYTES_MAX];
    size_t len;
};

struct candidates {
    struct candidate *items; /* CANDIDATES_MAX */
    size_t count;
};

static int refuse(struct weir_error *error, const char *reason)
{
    return weir_fail(error, WEIR_EDENIED, "%s", reason);
}

/* ---- What was sent --------------------------------------------------------------------------- */

static long decode(const struct scheme *scheme, const char *text, size_t len, unsigned char *bytes)
{
    if (scheme->algorithm == SCHEME_EQUAL) {
        if (len > SCHEME_BYTES_MAX)
            return -1;
        memcpy(bytes, text, len);
        return (long)len;
    }
    switch (scheme->encoding) {
    case SCHEME_HEX: return hex_decode(text, len, bytes, SCHEME_BYTES_MAX);
    case SCHEME_BASE64: return base64_decode(BASE64_PLAIN, text, len, bytes, SCHEME_BYTES_MAX);
    case SCHEME_BASE64URL: return base64_decode(BASE64_URL, text, len, bytes, SCHEME_BYTES_MAX);
    }
    return -1;
}

static bool starts_with(const char *text, size_t len, const char *start)
{
    return strlen(start) <= len && memcmp(text, start, strlen(start)) == 0;
}

/* One part: with its key, with its prefix. What is of another form is not for us. */
static void add_part(struct candidates *candidates, const struct scheme *scheme, const char *text,
                     size_t len)
{
    size_t skip = scheme->pick == NULL ? 0 : strlen(scheme->pick);

    if (skip > 0) {
        if (len <= skip || !starts_with(text, len, scheme->pick) || text[skip] != scheme->assign)
            return;
        text += skip + 1;
        len -= skip + 1;
    }
    if (scheme->prefix != NULL) {
        if (!starts_with(text, len, scheme->prefix))
            return;
        text += strlen(scheme->prefix);
        len -= strlen(scheme->prefix);
    }
    if (candidates->count == (scheme_is_asymmetric(scheme) ? PUBLIC_MAX : CANDIDATES_MAX))
        return;
    struct candidate *candidate = &candidates->items[candidates->count];
    long decoded = decode(scheme, text, len, candidate->bytes);
    if (decoded <= 0 || (scheme->algorithm == SCHEME_ED25519 && decoded != ED25519_BYTES))
        return;
    candidate->len = (size_t)decoded;
    candidates->count++;
}

const char *scheme_next_part(const char **at, char separator, size_t *len)
{
    const char *from = *at + strspn(*at, separator == ' ' ? "" : " \t");
    const char *end = separator == '\0' ? NULL : strchr(from, separator);

    if (end == NULL)
        end = from + strlen(from);
    *at = *end == '\0' ? end : end + 1;
    while (end > from && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *len = (size_t)(end - from);
    return from;
}

static void add_list(struct candidates *candidates, const struct scheme *scheme, const char *text)
{
    while (*text != '\0') {
        size_t len;
        const char *part = scheme_next_part(&text, scheme->separator, &len);
        add_part(candidates, scheme, part, len);
    }
}

static bool is_one_of(const struct scheme_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

/* Every header of the name is looked at, so that junk before it hides nothing. */
static void gather(struct candidates *candidates, const struct scheme *scheme,
                   const struct guard_request *request)
{
    char text[QUERY_MAX > JSON_PLACE_MAX ? QUERY_MAX : JSON_PLACE_MAX];

    for (size_t i = 0; i < request->headers_count; i++)
        if (is_one_of(&scheme->headers, request->headers[i].name))
            add_list(candidates, scheme, request->headers[i].value);
    if (scheme->query != NULL && guard_request_query(request, scheme->query, text, QUERY_MAX) > 0)
        add_list(candidates, scheme, text);
    if (scheme->body != NULL && json_place(request, scheme->body, text))
        add_list(candidates, scheme, text);
    wipe(text, sizeof(text));
}

const char *scheme_header(const struct guard_request *request, const struct scheme_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        size_t count = guard_request_count(request, names->items[i]);
        if (count > 0)
            return count == 1 ? guard_request_header(request, names->items[i]) : NULL;
    }
    return NULL;
}

/* ---- Comparing ------------------------------------------------------------------------------- */

static bool has_mac(const struct candidates *candidates, const unsigned char *mac, size_t len)
{
    unsigned same = 0;

    for (size_t i = 0; i < candidates->count; i++)
        same |= candidates->items[i].len == len &&
                CRYPTO_memcmp(candidates->items[i].bytes, mac, len) == 0;
    return same != 0;
}

static int judge_key(const struct scheme *scheme, const struct candidates *candidates,
                     EVP_PKEY *key, const unsigned char *content, size_t len)
{
    struct keys_method method = {.md = scheme_md(scheme)};
    int status = WEIR_EDENIED;

    for (size_t i = 0; i < candidates->count; i++)
        status =
            keys_better(status, keys_verify(key, &method, content, len, candidates->items[i].bytes,
                                            candidates->items[i].len));
    return status;
}

/* 0: it has been signed by this secret, else the reason. */
static int judge_secret(const struct scheme *scheme, const struct candidates *candidates,
                        const struct secret *secret, const unsigned char *content, size_t len,
                        struct weir_error *error)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned mac_len = SHA256_DIGEST_LENGTH;
    bool made = scheme->algorithm == SCHEME_SHA256
                    ? SHA256(content, len, mac) != NULL
                    : HMAC(scheme_md(scheme), secret->bytes, (int)secret->len, content, len, mac,
                           &mac_len) != NULL;

    bool same = made && has_mac(candidates, mac, mac_len);
    wipe(mac, sizeof(mac)); /* with it anybody could send this body */
    if (!made)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    return same ? 0 : refuse(error, "no signature is one of a live secret");
}

static int judge_equal(const struct scheme *scheme, const struct candidates *candidates,
                       struct weir_error *error)
{
    unsigned same = 0;

    for (size_t i = 0; i < candidates->count; i++)
        same |=
            secrets_hold(&scheme->secrets, candidates->items[i].bytes, candidates->items[i].len);
    return same ? 0 : refuse(error, "the token is not a live one");
}

static int judge_keys(const struct scheme *scheme, const struct candidates *candidates,
                      const struct guard_request *request, const struct content_values *values,
                      struct weir_error *error)
{
    size_t len;
    unsigned char *content;
    int status = content_fill(scheme->content, request, values, &content, &len, error);

    if (status != 0)
        return status;
    status = WEIR_EDENIED;
    for (size_t i = 0; i < scheme->keys.count; i++)
        status =
            keys_better(status, judge_key(scheme, candidates, scheme->keys.items[i], content, len));
    content_drop(content, len);
    if (status == WEIR_ENOMEM)
        return weir_fail(error, status, "out of memory");
    return status == 0 ? 0 : refuse(error, "no signature is one of a live key");
}

/* A form that was signed covers nothing else that comes in its place. */
static int judge_cover(const struct scheme *scheme, const struct guard_request *request,
                       struct weir_error *error)
{
    bool covered = content_has_body(scheme->content) || request->body_len == 0 ||
                   guard_request_is_form(request);

    return covered ? 0 : refuse(error, "nothing that was signed covers its body");
}

/* The body's SHA-256 in the query, which the signed URL covers (Twilio). */
static int judge_hash(const struct scheme *scheme, const struct guard_request *request,
                      struct weir_error *error)
{
    unsigned char sent[SHA256_DIGEST_LENGTH], wanted[SHA256_DIGEST_LENGTH];
    char text[QUERY_MAX];

    if (scheme->hash_query == NULL && !content_has_form(scheme->content))
        return 0;
    long len = scheme->hash_query == NULL
                   ? -1
                   : guard_request_query(request, scheme->hash_query, text, sizeof(text));
    if (len < 0)
        return judge_cover(scheme, request, error);
    if (SHA256(request->body, request->body_len, wanted) == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    if (hex_decode(text, (size_t)len, sent, sizeof(sent)) != (long)sizeof(sent) ||
        CRYPTO_memcmp(sent, wanted, sizeof(sent)) != 0)
        return refuse(error, "the body's hash is another one");
    return 0;
}

/* Filling in may mean to read the body as JSON: once, unless the content holds the secret. */
static int judge_secrets(const struct scheme *scheme, const struct candidates *candidates,
                         const struct guard_request *request, struct content_values *values,
                         const struct secret **signer, struct weir_error *error)
{
    bool each = content_has_secret(scheme->content);
    int status = WEIR_EDENIED, filled = WEIR_EDENIED;
    unsigned char *content = NULL;
    size_t len = 0;

    for (size_t i = 0; i < scheme->secrets.count; i++) {
        const struct secret *secret = &scheme->secrets.items[i];
        if (i == 0 || each) {
            content_drop(content, len);
            values->secret = secret;
            filled = content_fill(scheme->content, request, values, &content, &len, error);
        }
        int one =
            filled != 0 ? filled : judge_secret(scheme, candidates, secret, content, len, error);
        if (one == 0)
            *signer = secret;
        if (status != 0 && one != WEIR_EDENIED)
            status = one;
    }
    content_drop(content, len);
    return status;
}

static int judge_all(const struct scheme *scheme, const struct candidates *candidates,
                     const struct guard_request *request, struct content_values *values,
                     const struct secret **signer, struct weir_error *error)
{
    if (scheme->algorithm == SCHEME_EQUAL)
        return judge_equal(scheme, candidates, error);
    if (scheme_is_asymmetric(scheme))
        return judge_keys(scheme, candidates, request, values, error);
    return judge_secrets(scheme, candidates, request, values, signer, error);
}

static int judge_rest(const struct scheme *scheme, const struct guard_request *request,
                      const char *time, struct weir_error *error)
{
    const char *why = scheme_wrong_time(scheme, request, time);

    if (why == NULL && content_has_url(scheme->content) && request->public_url == NULL)
        why = "it signs the public URL, and public_url is not configured";
    return why != NULL ? refuse(error, why) : judge_hash(scheme, request, error);
}

/* What is wrong with the rest counts before a wrong signature, and want of memory after both. */
static int outcome_of(int signature, int rest, const struct weir_error *reason,
                      struct weir_error *error)
{
    if (rest != WEIR_EDENIED && (rest == 0 || signature != 0))
        return signature;
    if (error != NULL)
        *error = *reason;
    return rest;
}

static int judge(const struct scheme *scheme, const struct guard_request *request,
                 struct scheme_verdict *verdict, struct weir_error *error)
{
    struct candidates candidates = {.items = calloc(CANDIDATES_MAX, sizeof(struct candidate))};
    char time[SIGNATURE_ID_MAX], id[SIGNATURE_ID_MAX];
    struct content_values values = {.timestamp =
                                        scheme_time_text(scheme, request, time) ? time : NULL};
    struct weir_error reason;

    if (content_has_id(scheme->content) && scheme_delivery_id(scheme, request, id))
        values.id = id;
    *verdict = (struct scheme_verdict){.sent = false};
    if (candidates.items == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    gather(&candidates, scheme, request);
    int status = judge_all(scheme, &candidates, request, &values, &verdict->signer, error);
    verdict->sent = candidates.count > 0;
    wipe(candidates.items, candidates.count * sizeof(struct candidate)); /* may be secrets */
    free(candidates.items);
    int rest = judge_rest(scheme, request, values.timestamp, &reason);
    if (!verdict->sent)
        rest = refuse(&reason, "no signature was sent, or in another form");
    status = outcome_of(status, rest, &reason, error);
    if (status != 0)
        verdict->signer = NULL;
    return status;
}

/* Its places in the body are looked up in one reading of it. */
int scheme_judge(const struct scheme *scheme, const struct guard_request *request,
                 struct scheme_verdict *verdict, struct weir_error *error)
{
    struct json_body json = {.read = false};
    struct guard_request once = *request;

    once.json = &json;
    int status = judge(scheme, &once, verdict, error);
    json_decref(json.root);
    return status;
}

/* ---- What else a request says ---------------------------------------------------------------- */

bool scheme_delivery_id(const struct scheme *scheme, const struct guard_request *request,
                        char id[SIGNATURE_ID_MAX])
{
    char place[JSON_PLACE_MAX];
    const char *value = scheme_header(request, &scheme->id_headers);

    if (value == NULL && scheme->id_body != NULL && json_place(request, scheme->id_body, place))
        value = place;
    if (value == NULL || value[0] == '\0' || strlen(value) >= SIGNATURE_ID_MAX)
        return false;
    memcpy(id, value, strlen(value) + 1);
    return true;
}

bool scheme_needs_body(const struct scheme *scheme)
{
    return scheme->algorithm != SCHEME_EQUAL || scheme->body != NULL || scheme->time_body != NULL;
}

bool scheme_needs_url(const struct scheme *scheme)
{
    return content_has_url(scheme->content);
}

/* A timestamp, or an id, that is neither signed nor judged may be absent. */
static bool needs_json(const struct scheme *scheme)
{
    const struct content *content = scheme->content;
    bool time = scheme->tolerance > 0 || content_has_timestamp(content);
    bool id = scheme->id_headers.count == 0 && content_has_id(content);

    return scheme->body != NULL || content_has_places(content) ||
           (scheme->time_body != NULL && time) || (scheme->id_body != NULL && id);
}

enum guard_takes scheme_takes(const struct scheme *scheme)
{
    if (scheme->algorithm == SCHEME_SHA256 && !content_ends_in_secret(scheme->content))
        return GUARD_TAKES_JSON;
    return needs_json(scheme) ? GUARD_TAKES_NO_FORM : GUARD_TAKES_ANY;
}

bool scheme_reads_header(const struct scheme *scheme, const char *name)
{
    return is_one_of(&scheme->headers, name);
}
