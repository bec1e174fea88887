/* SPDX-License-Identifier: MIT */
/*
 * Owns: the way from a webhook's "auth" to its guard: environment, secrets, places of problems.
 * Never does: know a check's keys; the guard does. Lock: none.
 */
#include "config_auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_secret.h"
#include "guard.h"
#include "vault.h"
#include "wipe.h"

static json_t *resolve(const struct source *source, const json_t *value, const char *pointer,
                       const char *key);

/* ---- A copy with its variables put in and its files read; NULL: a problem was added ---------- */

static json_t *resolve_string(const struct source *source, const json_t *value, const char *pointer,
                              const char *key)
{
    char *text = config_secret_string(source, value, pointer, key);
    json_t *copy = text == NULL ? NULL : json_string(text);

    if (text != NULL && copy == NULL)
        source_problem(source, pointer, key, "must be UTF-8");
    vault_free_string(text);
    return copy;
}

/* Takes value, which may be NULL. */
static bool put(json_t *object, const char *key, json_t *value)
{
    return value != NULL && json_object_set_new(object, key, value) == 0;
}

/* Without the secrets of its own, if it may have some; the guard knows no such keys. */
static json_t *resolve_object(const struct source *source, const json_t *object,
                              const char *pointer, bool own_secrets)
{
    char inner[SOURCE_POINTER_MAX];
    json_t *copy = json_object(), *value;
    const char *key;

    json_object_foreach((json_t *)object, key, value)
    {
        if (own_secrets && (strcmp(key, "secret") == 0 || strcmp(key, "secrets") == 0))
            continue;
        source_pointer(inner, pointer, key);
        if (put(copy, key, resolve(source, value, inner, key)))
            continue;
        json_decref(copy);
        return NULL;
    }
    return copy;
}

static json_t *resolve_array(const struct source *source, const json_t *array, const char *pointer,
                             const char *key)
{
    char inner[SOURCE_POINTER_MAX], index[24];
    json_t *copy = json_array();

    for (size_t i = 0; copy != NULL && i < json_array_size(array); i++) {
        snprintf(index, sizeof(index), "%zu", i);
        source_pointer(inner, pointer, index);
        json_t *value = resolve(source, json_array_get(array, i), inner, key);
        if (value == NULL || json_array_append_new(copy, value) != 0) {
            json_decref(copy);
            return NULL;
        }
    }
    return copy;
}

static json_t *resolve(const struct source *source, const json_t *value, const char *pointer,
                       const char *key)
{
    if (json_is_string(value) || config_is_reference(value))
        return resolve_string(source, value, pointer, key);
    if (json_is_object(value))
        return resolve_object(source, value, pointer, false);
    if (json_is_array(value))
        return resolve_array(source, value, pointer, key);
    return json_copy((json_t *)value);
}

/* ---- Checks ---------------------------------------------------------------------------------- */

static void problem(const struct source *source, const json_t *entry, const char *base,
                    const struct weir_error *error)
{
    char pointer[SOURCE_POINTER_MAX];

    if (error->key[0] == '\0') {
        source_problem(source, base, NULL, "%s", error->detail);
    } else if (json_object_get(entry, error->key) == NULL) {
        source_problem(source, base, error->key, "%s %s", error->key, error->detail);
    } else {
        source_pointer(pointer, base, error->key);
        source_problem(source, pointer, error->key, "%s", error->detail);
    }
}

static bool read_check(struct guard *guard, const struct source *source, const json_t *entry,
                       const char *base)
{
    struct secrets secrets;
    struct weir_error error = {.status = 0};

    if (!json_is_object(entry)) {
        source_problem(source, base, "auth", "must be an object");
        return false;
    }
    if (!config_secrets(source, entry, base, &secrets))
        return false;
    json_t *object = resolve_object(source, entry, base, true);
    bool good = object != NULL;
    if (good && guard_add(guard, object, &secrets, &error) != 0) {
        problem(source, entry, base, &error);
        good = false;
    }
    json_decref(object);
    secrets_fini(&secrets);
    return good;
}

bool config_read_auth(struct config_webhook *webhook, const struct source *source,
                      const json_t *entry, const char *base)
{
    char list[SOURCE_POINTER_MAX], pointer[SOURCE_POINTER_MAX], index[24];
    const json_t *auth = json_object_get(entry, "auth");
    struct weir_error error = {.status = 0};
    bool good = true;

    if (auth == NULL)
        return true;
    source_pointer(list, base, "auth");
    if (!json_is_array(auth) || json_array_size(auth) == 0) {
        source_problem(source, list, "auth",
                       "must be an array of at least one check; without auth everybody may post");
        return false;
    }
    if (guard_new(&webhook->guard, &error) != 0) {
        source_problem(source, list, "auth", "%s", error.detail);
        return false;
    }
    for (size_t i = 0; i < json_array_size(auth); i++) {
        snprintf(index, sizeof(index), "%zu", i);
        source_pointer(pointer, list, index);
        good = read_check(webhook->guard, source, json_array_get(auth, i), pointer) && good;
    }
    return good;
}

/* ---- Challenges ------------------------------------------------------------------------------ */

/* The first signature of "auth"; NULL if there is none. */
static const json_t *signature_of(const json_t *entry)
{
    const json_t *auth = json_object_get(entry, "auth");

    for (size_t i = 0; i < json_array_size(auth); i++) {
        const json_t *check = json_array_get(auth, i);
        const char *type = json_string_value(json_object_get(check, "type"));
        if (type != NULL && strcmp(type, "signature") == 0)
            return check;
    }
    return NULL;
}

static bool wrong_challenge(const struct source *source, const char *pointer)
{
    source_problem(source, pointer, "challenge",
                   "must be slack, zoom, discord, microsoft-graph, or {\"type\": \"meta\", "
                   "\"verify_token\": ...}");
    return false;
}

static bool read_meta(struct challenge *challenge, const struct source *source,
                      const json_t *object, const char *pointer)
{
    static const char *const known[] = {"type", "verify_token", NULL};
    char inner[SOURCE_POINTER_MAX];
    struct secret secret;
    struct weir_error error = {.status = 0};

    source_check_keys(source, object, pointer, known);
    source_pointer(inner, pointer, "verify_token");
    if (!config_secret(source, json_object_get(object, "verify_token"), inner, "verify_token",
                       &secret))
        return false;
    int status = secret.len >= CHALLENGE_TOKEN_MAX
                     ? weir_fail(&error, WEIR_EINVAL, "verify_token is longer than %d bytes",
                                 CHALLENGE_TOKEN_MAX - 1)
                     : secrets_add(&challenge->secrets, secret.bytes, secret.len, &error);
    vault_free(secret.bytes, secret.len + 1);
    if (status != 0)
        source_problem(source, inner, "verify_token", "%s", error.detail);
    challenge->kind = CHALLENGE_META;
    return status == 0;
}

/* Those that are signed need a signature to be verified by. */
static bool need_signature(const struct source *source, const json_t *signature,
                           const char *pointer)
{
    if (signature == NULL)
        source_problem(source, pointer, "challenge",
                       "needs a signature in auth, by which it is verified");
    return signature != NULL;
}

bool config_read_challenge(struct config_webhook *webhook, const struct source *source,
                           const json_t *entry, const char *base)
{
    char pointer[SOURCE_POINTER_MAX];
    const json_t *value = json_object_get(entry, "challenge");
    const json_t *signature = signature_of(entry);
    struct challenge *challenge = &webhook->challenge;

    source_pointer(pointer, base, "challenge");
    const char *name = json_string_value(json_is_object(value) ? json_object_get(value, "type")
                                         : value != NULL       ? value
                                                         : json_object_get(signature, "preset"));
    challenge->kind = challenge_of(name);
    if (value == NULL)
        return true;
    if (challenge->kind == CHALLENGE_NONE ||
        json_is_object(value) != (challenge->kind == CHALLENGE_META))
        return wrong_challenge(source, pointer);
    if (challenge->kind == CHALLENGE_META)
        return read_meta(challenge, source, value, pointer);
    return challenge->kind == CHALLENGE_GRAPH || need_signature(source, signature, pointer);
}
