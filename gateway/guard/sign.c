/* SPDX-License-Identifier: MIT */
/*
 * Owns: signing a request as a sender would, by the same scheme that verifies it.
 * Never does: run in the daemon. Lock: none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "base64.h"
#include "hex.h"
#include "scheme_parts.h"

#define TEXT_MAX (2 * SCHEME_BYTES_MAX + 256)

static int sign_with_key(const struct scheme *scheme, EVP_PKEY *key, const unsigned char *content,
                         size_t len, unsigned char *out, size_t *out_len)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context != NULL &&
                EVP_DigestSignInit(context, NULL, scheme_md(scheme), NULL, key) == 1 &&
                EVP_DigestSign(context, out, out_len, content, len) == 1;

    EVP_MD_CTX_free(context);
    return good ? 0 : WEIR_EINVAL;
}

static int sign_content(const struct scheme *scheme, const struct signature_key *key,
                        const unsigned char *content, size_t len, unsigned char *out,
                        size_t *out_len)
{
    const struct secret *secret = scheme->secrets.count > 0 ? &scheme->secrets.items[0] : NULL;
    unsigned mac_len = 0;

    if (scheme_is_asymmetric(scheme))
        return key->key == NULL ? WEIR_EINVAL
                                : sign_with_key(scheme, key->key, content, len, out, out_len);
    if (secret == NULL)
        return WEIR_EINVAL;
    if (scheme->algorithm == SCHEME_SHA256) {
        SHA256(content, len, out);
        mac_len = SHA256_DIGEST_LENGTH;
    } else if (HMAC(scheme_md(scheme), secret->bytes, (int)secret->len, content, len, out,
                    &mac_len) == NULL) {
        return WEIR_EINTERNAL;
    }
    *out_len = mac_len;
    return 0;
}

static bool encode(const struct scheme *scheme, const unsigned char *bytes, size_t len, char *text)
{
    switch (scheme->encoding) {
    case SCHEME_HEX: hex_encode(bytes, len, text); return true;
    case SCHEME_BASE64: return base64_encode(BASE64_PLAIN, bytes, len, text, TEXT_MAX);
    case SCHEME_BASE64URL: return base64_encode(BASE64_URL, bytes, len, text, TEXT_MAX);
    }
    return false;
}

/* The header's whole value: the timestamp beside it, its key, its prefix. */
static void dress(const struct scheme *scheme, const char *signature, const char *timestamp,
                  char *value, size_t room)
{
    char time[SIGNATURE_ID_MAX + 8] = "", pick[64] = "";

    if (scheme->time_pick != NULL)
        snprintf(time, sizeof(time), "%s%c%s%c", scheme->time_pick, scheme->assign, timestamp,
                 scheme->separator == '\0' ? ' ' : scheme->separator);
    if (scheme->pick != NULL)
        snprintf(pick, sizeof(pick), "%s%c", scheme->pick, scheme->assign);
    snprintf(value, room, "%s%s%s%s", time, pick, scheme->prefix == NULL ? "" : scheme->prefix,
             signature);
}

static void emit_rest(const struct scheme *scheme, const char *timestamp, const char *id,
                      signature_emit *emit, void *context)
{
    if (scheme->id_headers.count > 0 && id != NULL)
        emit(context, scheme->id_headers.items[0], NULL, id);
    if (scheme->id_headers.count == 0 && scheme->id_body != NULL && id != NULL)
        emit(context, NULL, scheme->id_body, id);
    if (scheme->time_headers.count > 0)
        emit(context, scheme->time_headers.items[0], NULL, timestamp);
    if (scheme->time_body != NULL)
        emit(context, NULL, scheme->time_body, timestamp);
}

/* What is sent as it is needs no content. */
static int make_text(const struct scheme *scheme, const struct guard_request *request,
                     const struct signature_key *key, const char *timestamp, const char *id,
                     char text[TEXT_MAX], struct weir_error *error)
{
    struct content_values values = {.timestamp = timestamp, .id = id, .secret = key->secret};
    unsigned char bytes[SCHEME_BYTES_MAX];
    size_t len, bytes_len = sizeof(bytes);

    if (scheme->algorithm == SCHEME_EQUAL) {
        snprintf(text, TEXT_MAX, "%s", (const char *)key->secret->bytes);
        return 0;
    }
    unsigned char *content;
    if (content_fill(scheme->content, request, &values, &content, &len, error) != 0)
        return WEIR_EINVAL;
    int status = sign_content(scheme, key, content, len, bytes, &bytes_len);
    content_drop(content, len);
    if (status != 0 || !encode(scheme, bytes, bytes_len, text))
        return weir_fail(error, WEIR_EINVAL, "cannot be signed with this key");
    return 0;
}

int scheme_sign(const struct scheme *scheme, const struct guard_request *request,
                const struct signature_key *key, const char *timestamp, const char *id,
                signature_emit *emit, void *context, struct weir_error *error)
{
    char text[TEXT_MAX], value[TEXT_MAX + 512];
    emit_rest(scheme, timestamp, id, emit, context); /* also of one that cannot be signed yet */
    int status = make_text(scheme, request, key, timestamp, id, text, error);
    if (status != 0)
        return status;
    dress(scheme, text, timestamp, value, sizeof(value));
    if (scheme->headers.count > 0)
        emit(context, scheme->headers.items[0], NULL, value);
    else if (scheme->query != NULL)
        emit(context, NULL, scheme->query, value);
    else
        emit(context, NULL, scheme->body, value);
    return 0;
}
