/* SPDX-License-Identifier: MIT */
/*
 * Owns: the bytes of secrets, and comparing with them.
 * Never does: tell by its time, by an error or in a dump what they are. Lock: none.
 */
#include "secret.h"

#include <openssl/crypto.h>
#include <string.h>

#include "vault.h"

/* In the vault a digest stands behind the bytes and their NUL, for others to be compared with. */
static size_t room_of(size_t len)
{
    return len + 1 + SHA256_LEN;
}

/* By libweir: OpenSSL would need memory, without which one digest would stand for another. */
static unsigned char *digest_of(const struct secret *secret)
{
    return secret->bytes + secret->len + 1;
}

int secrets_add(struct secrets *secrets, const void *bytes, size_t len, struct weir_error *error)
{
    if (len == 0)
        return weir_fail(error, WEIR_EINVAL, "a secret must not be empty");
    if (len > SECRET_BYTES_MAX)
        return weir_fail(error, WEIR_ELIMIT, "a secret has at most %d bytes", SECRET_BYTES_MAX);
    if (secrets->count == SECRETS_MAX)
        return weir_fail(error, WEIR_ELIMIT, "at most %d secrets at a time", SECRETS_MAX);
    struct secret *secret = &secrets->items[secrets->count];
    secret->bytes = vault_alloc(room_of(len));
    if (secret->bytes == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    memcpy(secret->bytes, bytes, len);
    secret->len = len;
    sha256_of(secret->bytes, len, digest_of(secret));
    secrets->count++;
    return 0;
}

int secrets_copy(struct secrets *out, const struct secrets *secrets, struct weir_error *error)
{
    int status = 0;

    *out = (struct secrets){.count = 0};
    for (size_t i = 0; i < secrets->count && status == 0; i++)
        status = secrets_add(out, secrets->items[i].bytes, secrets->items[i].len, error);
    if (status != 0)
        secrets_fini(out);
    return status;
}

void secrets_fini(struct secrets *secrets)
{
    for (size_t i = 0; i < secrets->count; i++)
        vault_free(secrets->items[i].bytes, room_of(secrets->items[i].len));
    *secrets = (struct secrets){.count = 0};
}

static bool has_digest(const struct secret *secret, const uint8_t *digest)
{
    return CRYPTO_memcmp(digest_of(secret), digest, SHA256_LEN) == 0;
}

bool secret_equals(const struct secret *secret, const void *bytes, size_t len)
{
    uint8_t digest[SHA256_LEN];

    sha256_of(bytes, len, digest);
    return has_digest(secret, digest);
}

bool secrets_hold(const struct secrets *secrets, const void *bytes, size_t len)
{
    uint8_t digest[SHA256_LEN];
    unsigned hold = 0;

    sha256_of(bytes, len, digest);
    for (size_t i = 0; i < secrets->count; i++)
        hold |= has_digest(&secrets->items[i], digest);
    return hold != 0;
}

const struct secret *secrets_find(const struct secrets *secrets, const void *bytes, size_t len)
{
    for (size_t i = 0; i < secrets->count; i++)
        if (secret_equals(&secrets->items[i], bytes, len))
            return &secrets->items[i];
    return NULL;
}

size_t secret_file_len(const char *bytes, size_t len)
{
    if (len == 0 || bytes[len - 1] != '\n')
        return len;
    return len > 1 && bytes[len - 2] == '\r' ? len - 2 : len - 1;
}

void secret_identify(const struct secret *secret, struct sha256 *hash)
{
    if (secret != NULL)
        sha256_update(hash, digest_of(secret), SHA256_LEN);
}
