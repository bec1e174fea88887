/* SPDX-License-Identifier: MIT */
/*
 * Owns: the bytes of secrets, and comparing with them.
 * Never does: tell by its time, by an error or in a dump what they are. Lock: none.
 */
#include "secret.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

#include "vault.h"

int secrets_add(struct secrets *secrets, const void *bytes, size_t len, struct weir_error *error)
{
    if (len == 0)
        return weir_fail(error, WEIR_EINVAL, "a secret must not be empty");
    if (len > SECRET_BYTES_MAX)
        return weir_fail(error, WEIR_ELIMIT, "a secret has at most %d bytes", SECRET_BYTES_MAX);
    if (secrets->count == SECRETS_MAX)
        return weir_fail(error, WEIR_ELIMIT, "at most %d secrets at a time", SECRETS_MAX);
    struct secret *secret = &secrets->items[secrets->count];
    secret->bytes = (unsigned char *)vault_copy(bytes, len);
    if (secret->bytes == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    secret->len = len;
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
        vault_free(secrets->items[i].bytes, secrets->items[i].len + 1);
    *secrets = (struct secrets){.count = 0};
}

bool secret_equals(const struct secret *secret, const void *bytes, size_t len)
{
    unsigned char wanted[SHA256_DIGEST_LENGTH], got[SHA256_DIGEST_LENGTH];

    SHA256(secret->bytes, secret->len, wanted);
    SHA256(bytes, len, got);
    return CRYPTO_memcmp(wanted, got, sizeof(wanted)) == 0;
}

bool secrets_hold(const struct secrets *secrets, const void *bytes, size_t len)
{
    unsigned hold = 0;

    for (size_t i = 0; i < secrets->count; i++)
        hold |= secret_equals(&secrets->items[i], bytes, len);
    return hold != 0;
}
