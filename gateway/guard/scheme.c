/* SPDX-License-Identifier: MIT */
/*
 * Owns: reading a scheme's description, strictly, and decoding its keys.
 * Never does: look at a request (verdict.c). Lock: none.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "base64.h"
#include "hex.h"
#include "object.h"
#include "scheme_parts.h"
#include "vault.h"

#define TOLERANCE_MAX 86400
#define KEY_BYTES_MAX 4096

struct word {
    const char *name;
    int value;
};

static const struct word algorithms[] = {{"hmac-sha1", SCHEME_HMAC_SHA1},
                                         {"hmac-sha256", SCHEME_HMAC_SHA256},
                                         {"hmac-sha512", SCHEME_HMAC_SHA512},
                                         {"sha256", SCHEME_SHA256},
                                         {"ed25519", SCHEME_ED25519},
                                         {"ecdsa-p256", SCHEME_ECDSA_P256},
                                         {"equal", SCHEME_EQUAL},
                                         {NULL, 0}};
static const struct word encodings[] = {
    {"hex", SCHEME_HEX}, {"base64", SCHEME_BASE64}, {"base64url", SCHEME_BASE64URL}, {NULL, 0}};
static const struct word key_kinds[] = {{"raw", SCHEME_KEY_RAW},   {"base64", SCHEME_KEY_BASE64},
                                        {"hex", SCHEME_KEY_HEX},   {"whsec", SCHEME_KEY_WHSEC},
                                        {"whpk", SCHEME_KEY_WHPK}, {"pem", SCHEME_KEY_PEM},
                                        {"spki", SCHEME_KEY_SPKI}, {NULL, 0}};
static const struct word units[] = {{"s", SIGNATURE_SECONDS},
                                    {"ms", SIGNATURE_MILLISECONDS},
                                    {"iso8601", SIGNATURE_ISO8601},
                                    {NULL, 0}};

enum signature_unit scheme_unit(const struct scheme *scheme)
{
    return scheme->unit;
}

bool scheme_is_asymmetric(const struct scheme *scheme)
{
    return scheme->algorithm == SCHEME_ED25519 || scheme->algorithm == SCHEME_ECDSA_P256;
}

bool scheme_is_armed(const struct scheme *scheme)
{
    return scheme->secrets.count > 0 || scheme->keys.count > 0;
}

const EVP_MD *scheme_md(const struct scheme *scheme)
{
    switch (scheme->algorithm) {
    case SCHEME_HMAC_SHA1: return EVP_sha1();
    case SCHEME_HMAC_SHA512: return EVP_sha512();
    case SCHEME_ED25519: return NULL;
    default: return EVP_sha256();
    }
}

/* ---- Members --------------------------------------------------------------------------------- */

static int read_word(const json_t *object, const char *key, const struct word *words, int fallback,
                     int *out, struct weir_error *error)
{
    const char *text;
    int status = object_text(object, key, NULL, false, &text, error);

    *out = fallback;
    if (status != 0 || text == NULL)
        return status;
    for (; words->name != NULL; words++)
        if (strcmp(words->name, text) == 0) {
            *out = words->value;
            return 0;
        }
    return weir_fail_key(error, WEIR_EINVAL, key, "%s is not one of those that are known", text);
}

static int read_text(const json_t *object, const char *key, char **out, struct weir_error *error)
{
    const char *text;
    int status = object_text(object, key, NULL, false, &text, error);

    if (status != 0 || text == NULL)
        return status;
    *out = strdup(text);
    return *out == NULL ? weir_fail(error, WEIR_ENOMEM, "out of memory") : 0;
}

/* Of anything else nothing would ever be found. */
static int read_pointer(const json_t *object, const char *key, char **out, struct weir_error *error)
{
    int status = read_text(object, key, out, error);

    return status != 0 || *out == NULL || **out == '/'
               ? status
               : weir_fail_key(error, WEIR_EINVAL, key,
                               "must be a JSON pointer, which begins with /");
}

static int read_character(const json_t *object, const char *key, char *out,
                          struct weir_error *error)
{
    const char *text;
    int status = object_text(object, key, NULL, false, &text, error);

    if (status != 0 || text == NULL)
        return status;
    *out = text[0];
    return text[1] == '\0' ? 0 : weir_fail_key(error, WEIR_EINVAL, key, "must be one character");
}

static int add_name(void *context, const char *text, struct weir_error *error)
{
    struct scheme_names *names = context;
    json_t *object = json_pack("{s:s}", "header", text);
    int status = object_header_name(object, "header", NULL, &names->items[names->count], error);

    json_decref(object);
    names->count += status == 0;
    return status;
}

static int read_names(const json_t *object, const char *key, struct scheme_names *names,
                      struct weir_error *error)
{
    return object_each_text(object, key, SCHEME_NAMES_MAX, add_name, names, error);
}

/* "{hash}" in it is the algorithm's: sha1, sha256, sha512. */
static int read_prefix(struct scheme *scheme, const json_t *object, struct weir_error *error)
{
    static const char mark[] = "{hash}";
    static const char *const hashes[] = {"sha1", "sha256", "sha512"};
    int status = read_text(object, "prefix", &scheme->prefix, error);
    char *at = scheme->prefix == NULL ? NULL : strstr(scheme->prefix, mark);

    if (status != 0 || at == NULL)
        return status;
    if (scheme->algorithm > SCHEME_HMAC_SHA512)
        return weir_fail_key(error, WEIR_EINVAL, "prefix", "{hash} is for the hmac algorithms");
    const char *hash = hashes[scheme->algorithm];
    size_t rest = strlen(at + strlen(mark)) + 1, len = strlen(hash);
    memmove(at + len, at + strlen(mark), rest);
    memcpy(at, hash, len);
    return 0;
}

static int read_content(struct scheme *scheme, const json_t *object, struct weir_error *error)
{
    const char *text;
    int status = object_text(object, "content", "{body}", false, &text, error);

    if (status == 0)
        status = content_new(&scheme->content, text, error);
    if (status != 0 && error->key[0] == '\0')
        return weir_fail_key(error, status, "content", "%s", error->detail);
    if (status == 0 && content_has_secret(scheme->content) != (scheme->algorithm == SCHEME_SHA256))
        return weir_fail_key(error, WEIR_EINVAL, "content",
                             "{secret} belongs to the algorithm sha256, and to it alone");
    return status;
}

/* ---- Making ---------------------------------------------------------------------------------- */

/* Hex and base64 hold either. */
static bool is_for(enum scheme_key_kind kind, bool asymmetric)
{
    if (kind == SCHEME_KEY_HEX || kind == SCHEME_KEY_BASE64)
        return true;
    return (kind == SCHEME_KEY_RAW || kind == SCHEME_KEY_WHSEC) != asymmetric;
}

static int read_kinds(struct scheme *scheme, const json_t *object, struct weir_error *error)
{
    int algorithm, encoding, key, unit;
    int status = read_word(object, "algorithm", algorithms, -1, &algorithm, error);

    if (status == 0 && algorithm < 0)
        return weir_fail_key(error, WEIR_EINVAL, "algorithm", "is required, or a preset");
    if (status == 0)
        status = read_word(object, "encoding", encodings, SCHEME_HEX, &encoding, error);
    if (status == 0)
        status = read_word(object, "key", key_kinds, SCHEME_KEY_RAW, &key, error);
    if (status == 0)
        status = read_word(object, "timestamp_unit", units, SIGNATURE_SECONDS, &unit, error);
    if (status != 0)
        return status;
    scheme->algorithm = (enum scheme_algorithm)algorithm;
    scheme->encoding = (enum scheme_encoding)encoding;
    scheme->key_kind = (enum scheme_key_kind)key;
    scheme->unit = (enum signature_unit)unit;
    return is_for(scheme->key_kind, scheme_is_asymmetric(scheme))
               ? 0
               : weir_fail_key(error, WEIR_EINVAL, "key", "is not of the algorithm's kind");
}

static int read_place(struct scheme *scheme, const json_t *object, struct weir_error *error)
{
    int status = read_names(object, "header", &scheme->headers, error);

    if (status == 0)
        status = read_text(object, "query", &scheme->query, error);
    if (status == 0)
        status = read_pointer(object, "body", &scheme->body, error);
    if (status == 0 &&
        (scheme->headers.count > 0) + (scheme->query != NULL) + (scheme->body != NULL) != 1)
        status = weir_fail_key(error, WEIR_EINVAL, "header",
                               "the signature stands in one of header, query and body");
    if (status == 0)
        status = read_prefix(scheme, object, error);
    if (status == 0)
        status = read_character(object, "separator", &scheme->separator, error);
    if (status == 0)
        status = read_text(object, "pick", &scheme->pick, error);
    scheme->assign = '=';
    return status != 0 ? status : read_character(object, "assign", &scheme->assign, error);
}

/* A tolerance for what anybody may write down keeps nobody out. */
static bool time_is_signed(const struct scheme *scheme)
{
    const struct content *content = scheme->content;

    if (scheme->algorithm == SCHEME_EQUAL)
        return false;
    if (content_has_timestamp(content))
        return true;
    if (scheme->time_body != NULL)
        return content_has_body(content) || content_has_place(content, scheme->time_body);
    for (size_t i = 0; i < scheme->time_headers.count; i++)
        if (!content_has_header(content, scheme->time_headers.items[i]))
            return false;
    return scheme->time_headers.count > 0;
}

static int read_time(struct scheme *scheme, const json_t *object, struct weir_error *error)
{
    int status = read_names(object, "timestamp_header", &scheme->time_headers, error);

    if (status == 0)
        status = read_text(object, "timestamp_pick", &scheme->time_pick, error);
    if (status == 0)
        status = read_pointer(object, "timestamp_body", &scheme->time_body, error);
    if (status == 0)
        status = object_seconds(object, "tolerance", 0, TOLERANCE_MAX, &scheme->tolerance, error);
    int places = (scheme->time_headers.count > 0) + (scheme->time_pick != NULL) +
                 (scheme->time_body != NULL);
    if (status == 0 && places > 1)
        status = weir_fail_key(error, WEIR_EINVAL, "timestamp_header",
                               "the timestamp stands in one of timestamp_header, timestamp_pick "
                               "and timestamp_body");
    if (status == 0 && scheme->time_pick != NULL && scheme->headers.count == 0)
        status = weir_fail_key(error, WEIR_EINVAL, "timestamp_pick",
                               "stands beside a signature in a header, and there is none");
    if (status == 0 && scheme->tolerance > 0 && places == 0)
        status = weir_fail_key(error, WEIR_EINVAL, "tolerance",
                               "needs timestamp_header, timestamp_pick or timestamp_body");
    if (status == 0 && scheme->tolerance > 0 && !time_is_signed(scheme))
        status = weir_fail_key(error, WEIR_EINVAL, "tolerance",
                               "needs {timestamp} in content: what is not signed can be changed");
    return status;
}

/* The hash vouches for the body, and must be vouched for itself. */
static int read_hash(struct scheme *scheme, const json_t *object, struct weir_error *error)
{
    int status = read_text(object, "body_hash_query", &scheme->hash_query, error);

    if (status == 0 && scheme->hash_query != NULL && !content_has_query(scheme->content))
        return weir_fail_key(error, WEIR_EINVAL, "body_hash_query",
                             "needs {url} or {query} in content: what is not signed can be "
                             "changed");
    return status;
}

static int read_scheme(struct scheme *scheme, const json_t *object, struct weir_error *error)
{
    static const char *const known[] = {"algorithm",
                                        "encoding",
                                        "key",
                                        "header",
                                        "query",
                                        "body",
                                        "prefix",
                                        "separator",
                                        "pick",
                                        "assign",
                                        "content",
                                        "timestamp_header",
                                        "timestamp_pick",
                                        "timestamp_body",
                                        "timestamp_unit",
                                        "tolerance",
                                        "id_header",
                                        "id_body",
                                        "body_hash_query",
                                        NULL};
    int status = object_check_keys(object, known, error);

    if (status == 0)
        status = read_kinds(scheme, object, error);
    if (status == 0)
        status = read_place(scheme, object, error);
    if (status == 0)
        status = read_content(scheme, object, error);
    if (status == 0)
        status = read_time(scheme, object, error);
    if (status == 0)
        status = read_names(object, "id_header", &scheme->id_headers, error);
    if (status == 0)
        status = read_pointer(object, "id_body", &scheme->id_body, error);
    return status != 0 ? status : read_hash(scheme, object, error);
}

int scheme_new(struct scheme **out, const json_t *object, struct weir_error *error)
{
    struct scheme *scheme = calloc(1, sizeof(*scheme));
    int status = scheme == NULL ? weir_fail(error, WEIR_ENOMEM, "out of memory")
                                : read_scheme(scheme, object, error);

    if (status != 0)
        scheme_free(&scheme);
    *out = scheme;
    return status;
}

static void free_names(struct scheme_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
}

void scheme_free(struct scheme **at)
{
    struct scheme *scheme = *at;

    *at = NULL;
    if (scheme == NULL)
        return;
    free_names(&scheme->headers);
    free_names(&scheme->time_headers);
    free_names(&scheme->id_headers);
    free(scheme->query);
    free(scheme->body);
    free(scheme->prefix);
    free(scheme->pick);
    free(scheme->time_pick);
    free(scheme->time_body);
    free(scheme->id_body);
    free(scheme->hash_query);
    content_free(&scheme->content);
    secrets_fini(&scheme->secrets);
    keys_fini(&scheme->keys);
    free(scheme);
}

/* ---- Keys ------------------------------------------------------------------------------------ */

/* Behind its mark, if that is there. */
static const char *behind(const struct secret *secret, const char *mark, size_t *len)
{
    const char *text = (const char *)secret->bytes;
    size_t skip = strlen(mark);

    if (secret->len < skip || memcmp(text, mark, skip) != 0)
        skip = 0;
    *len = secret->len - skip;
    return text + skip;
}

/* The bytes a secret stands for, into `bytes`; -1 if it is not of that kind. */
static long decode_key(const struct scheme *scheme, const struct secret *secret,
                       unsigned char bytes[KEY_BYTES_MAX])
{
    const char *mark = scheme->key_kind == SCHEME_KEY_WHSEC  ? "whsec_"
                       : scheme->key_kind == SCHEME_KEY_WHPK ? "whpk_"
                                                             : "";
    size_t len;
    const char *text = behind(secret, mark, &len);

    if (scheme->key_kind == SCHEME_KEY_HEX)
        return hex_decode(text, len, bytes, KEY_BYTES_MAX);
    if (scheme->key_kind == SCHEME_KEY_WHPK && len == secret->len)
        return -1;
    return base64_decode(BASE64_LAX, text, len, bytes, KEY_BYTES_MAX);
}

static int add_public(struct scheme *scheme, const unsigned char *bytes, size_t len,
                      struct weir_error *error)
{
    const unsigned char *at = bytes;
    EVP_PKEY *key;

    if (scheme->algorithm == SCHEME_ED25519 && len == 32)
        key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes, len);
    else
        key = d2i_PUBKEY(NULL, &at, (long)len);
    return keys_add(&scheme->keys, key, error);
}

static int check_public(struct scheme *scheme, struct weir_error *error)
{
    EVP_PKEY *key = scheme->keys.items[scheme->keys.count - 1];
    bool ed25519 = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;

    if (scheme->algorithm == SCHEME_ED25519 ? ed25519 : keys_is_on(key, KEYS_P256))
        return 0;
    EVP_PKEY_free(key);
    scheme->keys.count--;
    return weir_fail_key(error, WEIR_EINVAL, "secret", "is a key of another kind");
}

static int add_decoded(struct scheme *scheme, const unsigned char *bytes, long len,
                       struct weir_error *error)
{
    if (len <= 0)
        return weir_fail_key(error, WEIR_EINVAL, "secret", "is not of the key's kind, or empty");
    if (!scheme_is_asymmetric(scheme))
        return secrets_add(&scheme->secrets, bytes, (size_t)len, error);
    int status = add_public(scheme, bytes, (size_t)len, error);
    return status != 0 ? weir_fail_key(error, status, "secret", "%s", error->detail)
                       : check_public(scheme, error);
}

int scheme_add_secret(struct scheme *scheme, const struct secret *secret, struct weir_error *error)
{
    size_t len;

    if (scheme->algorithm == SCHEME_EQUAL && secret->len > SCHEME_BYTES_MAX)
        return weir_fail_key(error, WEIR_EINVAL, "secret", "is longer than %d bytes",
                             SCHEME_BYTES_MAX);
    if (scheme->key_kind == SCHEME_KEY_RAW)
        return secrets_add(&scheme->secrets, secret->bytes, secret->len, error);
    if (scheme->key_kind == SCHEME_KEY_PEM) {
        int status = keys_add_pem(&scheme->keys, (const char *)secret->bytes, error);
        return status != 0 ? weir_fail_key(error, status, "secret", "%s", error->detail)
                           : check_public(scheme, error);
    }
    behind(secret, "whpk_", &len);
    if (scheme->key_kind == SCHEME_KEY_WHSEC && len != secret->len)
        return weir_fail_key(error, WEIR_EINVAL, "secret", "is a public key");
    behind(secret, "whsk_", &len);
    if (len != secret->len)
        return weir_fail_key(error, WEIR_EINVAL, "secret",
                             "is a private key; only its public half (whpk_) belongs here");
    unsigned char *bytes = vault_alloc(KEY_BYTES_MAX);
    if (bytes == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    int status = add_decoded(scheme, bytes, decode_key(scheme, secret, bytes), error);
    vault_free(bytes, KEY_BYTES_MAX);
    return status;
}
