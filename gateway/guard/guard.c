/* SPDX-License-Identifier: MIT */
/*
 * Owns: the list of checks, their order, and the one verdict that comes of it.
 * Never does: tell a sender which of them said no. Lock: none.
 */
#include "guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "signature.h"
#include "text.h"

#define CHALLENGE_MAX 256

struct entry {
    const struct check_kind *kind;
    void *check;
    bool body;
};

struct guard {
    struct entry entries[GUARD_CHECKS_MAX];
    size_t count;
    char challenge[CHALLENGE_MAX];
};

static const struct check_kind *const kinds[] = {&check_bearer,   &check_basic, &check_header,
                                                 &check_query,    &check_ip,    &check_jwt,
                                                 &check_signature};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

int guard_new(struct guard **out, struct weir_error *error)
{
    *out = calloc(1, sizeof(**out));
    return *out == NULL ? weir_fail(error, WEIR_ENOMEM, "out of memory") : 0;
}

void guard_free(struct guard **at)
{
    struct guard *guard = *at;

    *at = NULL;
    if (guard == NULL)
        return;
    for (size_t i = 0; i < guard->count; i++)
        guard->entries[i].kind->free(guard->entries[i].check);
    free(guard);
}

/* ---- Making ---------------------------------------------------------------------------------- */

static int find_kind(const json_t *object, const struct check_kind **out, struct weir_error *error)
{
    const char *type = json_string_value(json_object_get(object, "type"));
    const char *names[KINDS];

    if (type == NULL)
        return weir_fail_key(error, WEIR_EINVAL, "type", "is required");
    for (size_t i = 0; i < KINDS; i++) {
        names[i] = kinds[i]->name;
        if (strcmp(type, names[i]) != 0)
            continue;
        *out = kinds[i];
        return 0;
    }
    const char *nearest = text_nearest(type, names, KINDS);
    return weir_fail_key(error, WEIR_EINVAL, "type", "no check is called %s%s%s", type,
                         nearest == NULL ? "" : "; did you mean ", nearest == NULL ? "" : nearest);
}

/* Each scheme once. */
static void add_challenge(struct guard *guard, const char *challenge)
{
    size_t len = strlen(guard->challenge);

    if (challenge == NULL || strstr(guard->challenge, challenge) != NULL)
        return;
    snprintf(guard->challenge + len, sizeof(guard->challenge) - len, "%s%s", len > 0 ? ", " : "",
             challenge);
}

int guard_add(struct guard *guard, const json_t *object, const struct secrets *secrets,
              struct weir_error *error)
{
    const struct check_kind *kind = NULL;
    int status = find_kind(object, &kind, error);

    if (status != 0)
        return status;
    if (guard->count == GUARD_CHECKS_MAX)
        return weir_fail(error, WEIR_ELIMIT, "at most %d checks", GUARD_CHECKS_MAX);
    if (kind->secret && secrets->count == 0)
        return weir_fail_key(error, WEIR_EINVAL, "secret", "is required");
    if (kind == &check_ip && secrets->count > 0)
        return weir_fail_key(error, WEIR_EINVAL, "secret", "is no key of this type");
    struct entry *entry = &guard->entries[guard->count];
    status = kind->make(&entry->check, object, secrets, error);
    if (status != 0)
        return status;
    entry->kind = kind;
    entry->body = kind->needs_body != NULL && kind->needs_body(entry->check);
    guard->count++;
    add_challenge(guard, kind->challenge);
    return 0;
}

/* ---- Judging --------------------------------------------------------------------------------- */

static enum guard_verdict verdict_of(int status, bool address)
{
    if (status == 0)
        return GUARD_PASS;
    if (status == WEIR_ENOMEM)
        return GUARD_UNABLE;
    return address ? GUARD_FORBIDDEN : GUARD_UNAUTHORIZED;
}

/*
 * A credential that is wrong counts before one that could not be looked at, and that before an
 * address that is wrong.
 */
static bool outweighs(enum guard_verdict one, enum guard_verdict other)
{
    static const int weights[] = {
        [GUARD_PASS] = 0, [GUARD_FORBIDDEN] = 1, [GUARD_UNABLE] = 2, [GUARD_UNAUTHORIZED] = 3};

    return weights[one] > weights[other];
}

static enum guard_verdict judge(const struct guard *guard, const struct guard_request *request,
                                struct weir_error *reason)
{
    enum guard_verdict verdict = GUARD_PASS;

    for (size_t i = 0; i < guard->count; i++) {
        const struct entry *entry = &guard->entries[i];
        struct weir_error error = {.status = 0};
        enum guard_verdict one = verdict_of(entry->kind->judge(entry->check, request, &error),
                                            entry->kind->challenge == NULL);
        if (!outweighs(one, verdict))
            continue;
        verdict = one;
        if (reason != NULL)
            *reason = error;
    }
    /* From a wrong address, too, nobody learns when a credential is right. */
    return verdict == GUARD_FORBIDDEN && guard->challenge[0] != '\0' ? GUARD_UNAUTHORIZED : verdict;
}

bool guard_needs_body(const struct guard *guard)
{
    for (size_t i = 0; guard != NULL && i < guard->count; i++)
        if (guard->entries[i].body)
            return true;
    return false;
}

bool guard_needs_url(const struct guard *guard)
{
    for (size_t i = 0; guard != NULL && i < guard->count; i++) {
        const struct entry *entry = &guard->entries[i];
        if (entry->kind->needs_url != NULL && entry->kind->needs_url(entry->check))
            return true;
    }
    return false;
}

enum guard_takes guard_takes(const struct guard *guard)
{
    enum guard_takes most = GUARD_TAKES_ANY;

    for (size_t i = 0; guard != NULL && i < guard->count; i++) {
        const struct entry *entry = &guard->entries[i];
        enum guard_takes takes =
            entry->kind->takes == NULL ? GUARD_TAKES_ANY : entry->kind->takes(entry->check);
        if (takes > most)
            most = takes;
    }
    return most;
}

enum guard_verdict guard_judge_head(const struct guard *guard, const struct guard_request *request,
                                    struct weir_error *reason)
{
    return guard == NULL || guard_needs_body(guard) ? GUARD_PASS : judge(guard, request, reason);
}

enum guard_verdict guard_judge_body(const struct guard *guard, const struct guard_request *request,
                                    struct weir_error *reason)
{
    return guard_needs_body(guard) ? judge(guard, request, reason) : GUARD_PASS;
}

const char *guard_challenge(const struct guard *guard)
{
    return guard->challenge[0] == '\0' ? "Bearer realm=\"weir\"" : guard->challenge;
}

bool guard_delivery_id(const struct guard *guard, const struct guard_request *request,
                       char id[GUARD_ID_MAX])
{
    for (size_t i = 0; guard != NULL && i < guard->count; i++)
        if (guard->entries[i].kind == &check_signature &&
            signature_delivery_id(guard->entries[i].check, request, id))
            return true;
    return false;
}

const struct secret *guard_signer(const struct guard *guard, const struct guard_request *request)
{
    const struct secret *signer = NULL;

    for (size_t i = 0; guard != NULL && i < guard->count && signer == NULL; i++)
        if (guard->entries[i].kind == &check_signature)
            signer = signature_signer(guard->entries[i].check, request);
    return signer;
}

bool guard_can_identify(const struct guard *guard)
{
    for (size_t i = 0; guard != NULL && i < guard->count; i++)
        if (guard->entries[i].kind->identify != NULL)
            return true;
    return false;
}

void guard_identify(const struct guard *guard, const struct guard_request *request,
                    uint8_t digest[SHA256_LEN])
{
    struct sha256 hash;

    sha256_init(&hash);
    for (size_t i = 0; guard != NULL && i < guard->count; i++)
        if (guard->entries[i].kind->identify != NULL) {
            guard->entries[i].kind->identify(guard->entries[i].check, request, &hash);
            sha256_update(&hash, "", 1);
        }
    sha256_final(&hash, digest);
}

bool guard_reads_header(const struct guard *guard, const char *name)
{
    for (size_t i = 0; guard != NULL && i < guard->count; i++) {
        const struct entry *entry = &guard->entries[i];
        if (entry->kind->reads_header != NULL && entry->kind->reads_header(entry->check, name))
            return true;
    }
    return false;
}
