/* SPDX-License-Identifier: MIT */
/*
 * Owns: the check of a JSON Web Token: JWS in compact form (RFC 7515), algorithms of RFC 7518 and
 * RFC 8037, claims of RFC 7519.
 * Never does: take a key or an algorithm on the token's word: the configuration has fixed both.
 * Lock: none.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include "base64.h"
#include "check.h"
#include "keys.h"
#include "object.h"
#include "wipe.h"

#define TOKEN_MAX     8192 /* bytes of a token; a head has no room for much more */
#define AUDIENCES_MAX 16
#define LEEWAY        60 /* seconds, unless configured */
#define LEEWAY_MAX    3600
#define MICROSECONDS  1e6

enum family { FAMILY_HMAC, FAMILY_RSA, FAMILY_PSS, FAMILY_ECDSA, FAMILY_EDDSA };

static const struct algorithm {
    const char *name;
    enum family family;
    const EVP_MD *(*md)(void);
    const char *curve; /* elliptic, of the keys */
} algorithms[] = {{"HS256", FAMILY_HMAC, EVP_sha256, NULL},
                  {"HS384", FAMILY_HMAC, EVP_sha384, NULL},
                  {"HS512", FAMILY_HMAC, EVP_sha512, NULL},
                  {"RS256", FAMILY_RSA, EVP_sha256, NULL},
                  {"RS384", FAMILY_RSA, EVP_sha384, NULL},
                  {"RS512", FAMILY_RSA, EVP_sha512, NULL},
                  {"PS256", FAMILY_PSS, EVP_sha256, NULL},
                  {"PS384", FAMILY_PSS, EVP_sha384, NULL},
                  {"PS512", FAMILY_PSS, EVP_sha512, NULL},
                  {"ES256", FAMILY_ECDSA, EVP_sha256, KEYS_P256},
                  {"ES384", FAMILY_ECDSA, EVP_sha384, KEYS_P384},
                  {"ES512", FAMILY_ECDSA, EVP_sha512, KEYS_P521},
                  {"EdDSA", FAMILY_EDDSA, NULL, NULL}};

#define ALGORITHMS (sizeof(algorithms) / sizeof(algorithms[0]))

struct jwt {
    struct secrets secrets; /* HS...; then there are no keys */
    struct keys keys;
    unsigned allowed; /* a bit for each of algorithms */
    char *header;     /* where it stands, lower case; NULL: the query parameter */
    char *query;
    char *issuer, *kid;
    char *audiences[AUDIENCES_MAX];
    size_t audiences_count;
    double leeway;
    bool require_exp;
};

static void jwt_free(void *check)
{
    struct jwt *jwt = check;

    if (jwt == NULL)
        return;
    secrets_fini(&jwt->secrets);
    keys_fini(&jwt->keys);
    free(jwt->header);
    free(jwt->query);
    free(jwt->issuer);
    free(jwt->kid);
    for (size_t i = 0; i < jwt->audiences_count; i++)
        free(jwt->audiences[i]);
    free(jwt);
}

/* ---- Making ---------------------------------------------------------------------------------- */

/* Can this key have signed by this algorithm? */
static bool fits(const struct algorithm *algorithm, EVP_PKEY *key)
{
    switch (algorithm->family) {
    case FAMILY_RSA:
    case FAMILY_PSS: return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
    case FAMILY_ECDSA: return keys_is_on(key, algorithm->curve);
    case FAMILY_EDDSA: return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
    default: return false;
    }
}

/* With the keys it has; what no key could verify is not allowed, whoever asks for it. */
static bool usable(const struct jwt *jwt, const struct algorithm *algorithm)
{
    if (algorithm->family == FAMILY_HMAC)
        return jwt->secrets.count > 0;
    for (size_t i = 0; i < jwt->keys.count; i++)
        if (fits(algorithm, jwt->keys.items[i]))
            return true;
    return false;
}

static int find_algorithm(const char *name)
{
    for (size_t i = 0; i < ALGORITHMS; i++)
        if (strcmp(algorithms[i].name, name) == 0)
            return (int)i;
    return -1;
}

static int allow(void *context, const char *name, struct weir_error *error)
{
    struct jwt *jwt = context;
    int i = find_algorithm(name);

    if (i < 0)
        return weir_fail(error, WEIR_EINVAL, "%s is not an algorithm that is taken here", name);
    if (!usable(jwt, &algorithms[i]))
        return weir_fail(error, WEIR_EINVAL,
                         "%s has no key: HS... needs a secret, the others a "
                         "public key of their kind",
                         name);
    jwt->allowed |= 1u << i;
    return 0;
}

static void allow_all(struct jwt *jwt)
{
    for (size_t i = 0; i < ALGORITHMS; i++)
        if (usable(jwt, &algorithms[i]))
            jwt->allowed |= 1u << i;
}

static int add_key(void *context, const char *pem, struct weir_error *error)
{
    return keys_add_pem(&((struct jwt *)context)->keys, pem, error);
}

static int add_audience(void *context, const char *text, struct weir_error *error)
{
    struct jwt *jwt = context;

    jwt->audiences[jwt->audiences_count] = strdup(text);
    if (jwt->audiences[jwt->audiences_count] == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    jwt->audiences_count++;
    return 0;
}

/* A public key that stood for a secret would let everybody who has it make tokens. */
static int refuse_pem(const struct secrets *secrets, struct weir_error *error)
{
    static const char mark[] = "-----BEGIN ";

    for (size_t i = 0; i < secrets->count; i++)
        if (memmem(secrets->items[i].bytes, secrets->items[i].len, mark, strlen(mark)) != NULL)
            return weir_fail_key(error, WEIR_EINVAL, "secret",
                                 "is a key or a certificate; a public one belongs in public_key");
    return 0;
}

static int read_keys(struct jwt *jwt, const json_t *object, const struct secrets *secrets,
                     struct weir_error *error)
{
    int status = refuse_pem(secrets, error);

    if (status == 0)
        status = secrets_copy(&jwt->secrets, secrets, error);
    if (status == 0)
        status = object_each_text(object, "public_key", 1, add_key, jwt, error);
    if (status == 0)
        status = object_each_text(object, "public_keys", KEYS_MAX, add_key, jwt, error);
    if (status != 0)
        return status;
    if (jwt->secrets.count > 0 && jwt->keys.count > 0)
        return weir_fail_key(error, WEIR_EINVAL, "public_keys",
                             "cannot stand beside a secret: a public key must never pass for one");
    if (jwt->secrets.count == 0 && jwt->keys.count == 0)
        return weir_fail_key(error, WEIR_EINVAL, "secret", "or public_key is required");
    status = object_each_text(object, "algorithms", ALGORITHMS, allow, jwt, error);
    if (status == 0 && jwt->allowed == 0)
        allow_all(jwt);
    return status;
}

static int copy_member(char **out, const json_t *object, const char *key, struct weir_error *error)
{
    const char *text;
    int status = object_text(object, key, NULL, false, &text, error);

    if (status != 0 || text == NULL)
        return status;
    *out = strdup(text);
    return *out == NULL ? weir_fail(error, WEIR_ENOMEM, "out of memory") : 0;
}

static int read_place(struct jwt *jwt, const json_t *object, struct weir_error *error)
{
    int status = copy_member(&jwt->query, object, "query", error);

    if (status == 0 && jwt->query != NULL && json_object_get(object, "header") != NULL)
        return weir_fail_key(error, WEIR_EINVAL, "query", "cannot stand beside header");
    if (status == 0 && jwt->query == NULL)
        status = object_header_name(object, "header", "authorization", &jwt->header, error);
    return status;
}

static int read_claims(struct jwt *jwt, const json_t *object, struct weir_error *error)
{
    int status = copy_member(&jwt->issuer, object, "issuer", error);

    if (status == 0)
        status = copy_member(&jwt->kid, object, "kid", error);
    if (status == 0)
        status = object_each_text(object, "audience", AUDIENCES_MAX, add_audience, jwt, error);
    if (status == 0)
        status = object_seconds(object, "leeway", LEEWAY, LEEWAY_MAX, &jwt->leeway, error);
    if (status == 0)
        status = object_boolean(object, "require_exp", true, &jwt->require_exp, error);
    return status;
}

static int jwt_make(void **out, const json_t *object, const struct secrets *secrets,
                    struct weir_error *error)
{
    static const char *const known[] = {"public_key", "public_keys", "algorithms", "header",
                                        "query",      "issuer",      "audience",   "kid",
                                        "leeway",     "require_exp", NULL};
    struct jwt *jwt = calloc(1, sizeof(*jwt));
    int status = jwt == NULL ? weir_fail(error, WEIR_ENOMEM, "out of memory")
                             : object_check_keys(object, known, error);

    if (status == 0)
        status = read_keys(jwt, object, secrets, error);
    if (status == 0)
        status = read_place(jwt, object, error);
    if (status == 0)
        status = read_claims(jwt, object, error);
    if (status != 0) {
        jwt_free(jwt);
        jwt = NULL;
    }
    *out = jwt;
    return status;
}

/* ---- The token's parts ----------------------------------------------------------------------- */

struct token {
    const char *text;
    size_t signed_len; /* header, dot, payload */
    const struct algorithm *algorithm;
    bool other_key; /* it names one that is not ours, which is told after its signature */
    json_t *payload;
    unsigned char signature[TOKEN_MAX];
    size_t signature_len;
};

/* The token as it was sent, in buffer; NULL if there is none. */
static const char *find_token(const struct jwt *jwt, const struct guard_request *request,
                              char buffer[TOKEN_MAX + 1])
{
    if (jwt->query != NULL)
        return guard_request_query(request, jwt->query, buffer, TOKEN_MAX + 1) > 0 ? buffer : NULL;
    const char *value = guard_request_header(request, jwt->header);
    if (value == NULL || guard_request_count(request, jwt->header) != 1)
        return NULL;
    if (strcmp(jwt->header, "authorization") != 0)
        return value;
    return strncasecmp(value, "Bearer ", 7) == 0 ? value + 7 + strspn(value + 7, " ") : NULL;
}

/* An object that says everything once; NULL if it is none. */
static json_t *decode_object(const char *text, size_t len)
{
    unsigned char bytes[TOKEN_MAX];
    long count = base64_decode(BASE64_URL, text, len, bytes, sizeof(bytes));
    json_t *object =
        count < 0 ? NULL
                  : json_loadb((const char *)bytes, (size_t)count, JSON_REJECT_DUPLICATES, NULL);

    if (json_is_object(object))
        return object;
    json_decref(object);
    return NULL;
}

/* Extensions that must be understood (crit) are none of ours. */
static const char *read_header(const struct jwt *jwt, struct token *token, const json_t *header)
{
    const char *name = json_string_value(json_object_get(header, "alg"));
    const char *kid = json_string_value(json_object_get(header, "kid"));
    int i = name == NULL ? -1 : find_algorithm(name);

    if (i < 0 || !(jwt->allowed & 1u << i))
        return "its algorithm is not allowed";
    if (json_object_get(header, "crit") != NULL)
        return "it has critical extensions";
    token->other_key = jwt->kid != NULL && (kid == NULL || strcmp(jwt->kid, kid) != 0);
    token->algorithm = &algorithms[i];
    return NULL;
}

/* NULL, or why it cannot be read; token->payload is to be freed in both cases. */
static const char *take_apart(const struct jwt *jwt, struct token *token, const char *text)
{
    const char *first = strchr(text, '.'), *second = first == NULL ? NULL : strchr(first + 1, '.');

    if (second == NULL || strchr(second + 1, '.') != NULL || strlen(text) > TOKEN_MAX)
        return "it does not have three parts";
    json_t *header = decode_object(text, (size_t)(first - text));
    const char *why =
        header == NULL ? "its header is not an object" : read_header(jwt, token, header);
    json_decref(header);
    if (why != NULL)
        return why;
    token->text = text;
    token->signed_len = (size_t)(second - text);
    token->payload = decode_object(first + 1, (size_t)(second - first - 1));
    long len = base64_decode(BASE64_URL, second + 1, strlen(second + 1), token->signature,
                             sizeof(token->signature));
    token->signature_len = len < 0 ? 0 : (size_t)len;
    if (token->payload == NULL || len <= 0)
        return "its payload is not an object, or its signature not base64url";
    return NULL;
}

/* ---- The signature --------------------------------------------------------------------------- */

static int judge_mac(const struct secret *secret, const struct token *token)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (HMAC(token->algorithm->md(), secret->bytes, (int)secret->len,
             (const unsigned char *)token->text, token->signed_len, mac, &len) == NULL)
        return WEIR_ENOMEM;
    bool same = token->signature_len == len && CRYPTO_memcmp(mac, token->signature, len) == 0;
    wipe(mac, sizeof(mac));
    return same ? 0 : WEIR_EDENIED;
}

/* Every key is tried, whatever the others said. */
static int judge_signature(const struct jwt *jwt, const struct token *token)
{
    const struct algorithm *algorithm = token->algorithm;
    struct keys_method method = {.md = algorithm->md == NULL ? NULL : algorithm->md(),
                                 .pss = algorithm->family == FAMILY_PSS,
                                 .raw = algorithm->family == FAMILY_ECDSA};
    int status = WEIR_EDENIED;

    if (algorithm->family == FAMILY_HMAC) {
        for (size_t i = 0; i < jwt->secrets.count; i++)
            status = keys_better(status, judge_mac(&jwt->secrets.items[i], token));
        return status;
    }
    for (size_t i = 0; i < jwt->keys.count; i++)
        if (fits(algorithm, jwt->keys.items[i]))
            status = keys_better(status, keys_verify(jwt->keys.items[i], &method, token->text,
                                                     token->signed_len, token->signature,
                                                     token->signature_len));
    return status;
}

/* ---- The claims ------------------------------------------------------------------------------ */

static bool has_audience(const struct jwt *jwt, const char *text)
{
    for (size_t i = 0; text != NULL && i < jwt->audiences_count; i++)
        if (strcmp(jwt->audiences[i], text) == 0)
            return true;
    return false;
}

static bool is_for_us(const struct jwt *jwt, const json_t *claim)
{
    if (jwt->audiences_count == 0)
        return true;
    if (json_is_string(claim))
        return has_audience(jwt, json_string_value(claim));
    for (size_t i = 0; i < json_array_size(claim); i++)
        if (has_audience(jwt, json_string_value(json_array_get(claim, i))))
            return true;
    return false;
}

static const char *wrong_claim(const struct jwt *jwt, const json_t *payload, double now)
{
    const json_t *exp = json_object_get(payload, "exp"), *nbf = json_object_get(payload, "nbf");
    const char *issuer = json_string_value(json_object_get(payload, "iss"));

    if (exp == NULL ? jwt->require_exp : !json_is_number(exp))
        return "it does not say when it expires";
    if (exp != NULL && now >= json_number_value(exp) + jwt->leeway)
        return "it has expired";
    if (nbf != NULL && (!json_is_number(nbf) || now < json_number_value(nbf) - jwt->leeway))
        return "it is not valid yet";
    if (jwt->issuer != NULL && (issuer == NULL || strcmp(jwt->issuer, issuer) != 0))
        return "it is another issuer's";
    if (!is_for_us(jwt, json_object_get(payload, "aud")))
        return "it is for another audience";
    return NULL;
}

/* ---- The check ------------------------------------------------------------------------------- */

static int jwt_judge(const void *check, const struct guard_request *request,
                     struct weir_error *error)
{
    const struct jwt *jwt = check;
    char buffer[TOKEN_MAX + 1];
    struct token token = {.payload = NULL};
    const char *text = find_token(jwt, request, buffer);
    const char *why =
        text == NULL ? "no token was sent, or two were" : take_apart(jwt, &token, text);
    int status = why == NULL ? judge_signature(jwt, &token) : WEIR_EDENIED;

    if (why == NULL && status != 0)
        why = "its signature is not one of a live key";
    if (why == NULL && token.other_key)
        why = "it names another key";
    if (why == NULL)
        why = wrong_claim(jwt, token.payload, (double)request->now / MICROSECONDS);
    json_decref(token.payload);
    wipe(buffer, sizeof(buffer));
    wipe(token.signature, sizeof(token.signature));
    if (status == WEIR_ENOMEM)
        return weir_fail(error, status, "out of memory");
    return why == NULL ? 0 : weir_fail(error, WEIR_EDENIED, "the token is refused: %s", why);
}

/* Tokens of one subject are one sender's; those without a subject are their issuer's. */
static void jwt_identify(const void *check, const struct guard_request *request,
                         struct sha256 *hash)
{
    const struct jwt *jwt = check;
    char buffer[TOKEN_MAX + 1];
    struct token token = {.payload = NULL};
    const char *text = find_token(jwt, request, buffer);

    if (text != NULL && take_apart(jwt, &token, text) == NULL) {
        const char *issuer = json_string_value(json_object_get(token.payload, "iss"));
        const char *subject = json_string_value(json_object_get(token.payload, "sub"));
        if (issuer != NULL)
            sha256_update(hash, issuer, strlen(issuer));
        sha256_update(hash, "", 1);
        if (subject != NULL)
            sha256_update(hash, subject, strlen(subject));
    }
    json_decref(token.payload);
    wipe(buffer, sizeof(buffer));
    wipe(token.signature, sizeof(token.signature));
}

static bool jwt_reads(const void *check, const char *name)
{
    const struct jwt *jwt = check;

    return jwt->header != NULL && strcmp(jwt->header, name) == 0;
}

const struct check_kind check_jwt = {.name = "jwt",
                                     .challenge = "Bearer realm=\"weir\"",
                                     .make = jwt_make,
                                     .judge = jwt_judge,
                                     .reads_header = jwt_reads,
                                     .identify = jwt_identify,
                                     .free = jwt_free};
