/* SPDX-License-Identifier: MIT */
/*
 * Owns: the check of a signed request: the schemes of one entry, each a description of where the
 * signature stands, what was signed, and how.
 * Never does: know a provider (presets.c has them as data), or stop at the first comparison.
 * Lock: none; a check does not change once it is made.
 */
#include "signature.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "object.h"
#include "presets.h"
#include "scheme.h"

#define SCHEMES_MAX   4
#define SCHEMES_WRONG "must be an array of 1 to %d objects"

struct signature {
    struct scheme *schemes[SCHEMES_MAX];
    size_t count;
};

static void signature_free(void *check)
{
    struct signature *signature = check;

    if (signature == NULL)
        return;
    for (size_t i = 0; i < signature->count; i++)
        scheme_free(&signature->schemes[i]);
    free(signature);
}

/* ---- Making ---------------------------------------------------------------------------------- */

/* What stands in the preset's schemes would win over the entry's own key, which would be no use. */
static const char *overruled(const json_t *preset, const json_t *object)
{
    const json_t *schemes = json_object_get(preset, "schemes");

    if (json_object_get(object, "schemes") != NULL)
        return NULL;
    for (size_t i = 0; i < json_array_size(schemes); i++) {
        json_t *scheme = json_array_get(schemes, i);
        for (void *at = json_object_iter(scheme); at != NULL;
             at = json_object_iter_next(scheme, at))
            if (json_object_get(object, json_object_iter_key(at)) != NULL)
                return json_object_iter_key(at);
    }
    return NULL;
}

static int lay_over(json_t *preset, const json_t *object, struct weir_error *error)
{
    const char *key = overruled(preset, object);

    if (key != NULL)
        return weir_fail_key(error, WEIR_EINVAL, key,
                             "differs between the preset's schemes; give schemes of your own");
    if (json_object_update(preset, (json_t *)object) != 0)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    json_object_del(preset, "preset");
    return 0;
}

/* The preset's keys under those of the entry; the caller's. NULL: error is filled. */
static json_t *with_preset(const json_t *object, struct weir_error *error)
{
    const json_t *name = json_object_get(object, "preset");
    json_t *merged;

    if (name == NULL)
        return json_deep_copy(object);
    merged = preset_load(json_string_value(name), error);
    if (merged != NULL && lay_over(merged, object, error) != 0) {
        json_decref(merged);
        return NULL;
    }
    return merged;
}

/* One of several ways in which the same sender may sign: the entry's keys under its own. */
static int add_scheme(struct signature *signature, const json_t *object, const json_t *own,
                      struct weir_error *error)
{
    json_t *merged = json_deep_copy(object);
    int status = WEIR_ENOMEM;

    if (!json_is_object(own))
        status = weir_fail_key(error, WEIR_EINVAL, "schemes", SCHEMES_WRONG, SCHEMES_MAX);
    else if (json_object_get(own, "secret") != NULL || json_object_get(own, "secrets") != NULL)
        status = weir_fail_key(error, WEIR_EINVAL, "schemes",
                               "share the secrets that stand beside them");
    else if (merged == NULL || json_object_update(merged, (json_t *)own) != 0)
        weir_fail(error, WEIR_ENOMEM, "out of memory");
    else
        status = scheme_new(&signature->schemes[signature->count], merged, error);
    signature->count += status == 0;
    json_decref(merged);
    return status;
}

static int add_schemes(struct signature *signature, json_t *object, struct weir_error *error)
{
    json_t *list = json_incref(json_object_get(object, "schemes"));
    size_t count = json_array_size(list);
    int status = 0;

    json_object_del(object, "schemes");
    if (list == NULL) {
        status = add_scheme(signature, object, object, error);
    } else if (count == 0 || count > SCHEMES_MAX) {
        status = weir_fail_key(error, WEIR_EINVAL, "schemes", SCHEMES_WRONG, SCHEMES_MAX);
    }
    for (size_t i = 0; i < count && status == 0; i++)
        status = add_scheme(signature, object, json_array_get(list, i), error);
    json_decref(list);
    return status;
}

/* Each secret must be of use to one of the schemes. */
static int add_secrets(struct signature *signature, const struct secrets *secrets,
                       struct weir_error *error)
{
    for (size_t s = 0; s < secrets->count; s++) {
        int status = WEIR_EINVAL;
        for (size_t i = 0; i < signature->count; i++)
            if (scheme_add_secret(signature->schemes[i], &secrets->items[s], error) == 0)
                status = 0;
        if (status != 0)
            return status; /* the last one's reason */
    }
    return 0;
}

static int signature_make(void **out, const json_t *object, const struct secrets *secrets,
                          struct weir_error *error)
{
    struct signature *signature = calloc(1, sizeof(*signature));
    json_t *merged = with_preset(object, error);
    int status = signature == NULL ? weir_fail(error, WEIR_ENOMEM, "out of memory")
                 : merged == NULL  ? WEIR_EINVAL
                                   : add_schemes(signature, merged, error);

    if (status == 0)
        status = add_secrets(signature, secrets, error);
    json_decref(merged);
    if (status != 0) {
        signature_free(signature);
        signature = NULL;
    }
    *out = signature;
    return status;
}

/* ---- Judging --------------------------------------------------------------------------------- */

static bool signature_needs_body(const void *check)
{
    const struct signature *signature = check;

    for (size_t i = 0; i < signature->count; i++)
        if (scheme_needs_body(signature->schemes[i]))
            return true;
    return false;
}

static bool signature_needs_url(const void *check)
{
    const struct signature *signature = check;

    for (size_t i = 0; i < signature->count; i++)
        if (scheme_needs_url(signature->schemes[i]))
            return true;
    return false;
}

/* It passes by one scheme that is forged, and fails if it cannot pass by any. */
static enum guard_takes signature_takes(const void *check)
{
    const struct signature *signature = check;
    enum guard_takes least = GUARD_TAKES_JSON;

    for (size_t i = 0; i < signature->count; i++) {
        enum guard_takes takes = scheme_takes(signature->schemes[i]);
        if (takes == GUARD_TAKES_JSON)
            return takes;
        if (takes < least)
            least = takes;
    }
    return least;
}

static int signature_judge(const void *check, const struct guard_request *request,
                           struct weir_error *error)
{
    const struct signature *signature = check;
    struct weir_error reason = {.status = 0};
    struct scheme_verdict verdict;
    int status = weir_fail(error, WEIR_EDENIED, "there is no live secret");
    bool sent = false;

    for (size_t i = 0, judged = 0; i < signature->count; i++) {
        if (!scheme_is_armed(signature->schemes[i]))
            continue;
        int one = scheme_judge(signature->schemes[i], request, &verdict, &reason);
        if (status != 0 && one != WEIR_EDENIED)
            status = one;
        if (one != 0 && error != NULL && (judged == 0 || (verdict.sent && !sent)))
            *error = reason; /* of the scheme that the sender has followed */
        sent = sent || verdict.sent;
        judged++;
    }
    return status;
}

const struct secret *signature_signer(const void *check, const struct guard_request *request)
{
    const struct signature *signature = check;
    struct scheme_verdict verdict;
    const struct secret *signer = NULL;

    for (size_t i = 0; i < signature->count; i++)
        if (scheme_is_armed(signature->schemes[i]) &&
            scheme_judge(signature->schemes[i], request, &verdict, NULL) == 0 && signer == NULL)
            signer = verdict.signer;
    return signer;
}

/* Whoever has a secret of a signature is one sender; those of public keys are not told apart. */
static void signature_identify(const void *check, const struct guard_request *request,
                               struct sha256 *hash)
{
    secret_identify(signature_signer(check, request), hash);
}

static bool signature_reads(const void *check, const char *name)
{
    const struct signature *signature = check;

    for (size_t i = 0; i < signature->count; i++)
        if (scheme_reads_header(signature->schemes[i], name))
            return true;
    return false;
}

bool signature_delivery_id(const void *check, const struct guard_request *request,
                           char id[SIGNATURE_ID_MAX])
{
    const struct signature *signature = check;

    for (size_t i = 0; i < signature->count; i++)
        if (scheme_delivery_id(signature->schemes[i], request, id))
            return true;
    return false;
}

bool signature_timestamp(const void *check, const struct guard_request *request, int64_t *seconds)
{
    const struct signature *signature = check;

    return signature->count > 0 && scheme_timestamp(signature->schemes[0], request, seconds);
}

enum signature_unit signature_unit(const void *check)
{
    return scheme_unit(((const struct signature *)check)->schemes[0]);
}

/* The first scheme that signs with what there is; NULL: none does. */
static const struct scheme *scheme_for(const struct signature *signature, bool private)
{
    for (size_t i = 0; i < signature->count; i++)
        if (scheme_is_armed(signature->schemes[i]) &&
            scheme_is_asymmetric(signature->schemes[i]) == private)
            return signature->schemes[i];
    return NULL;
}

bool signature_is_asymmetric(const void *check)
{
    return scheme_for(check, false) == NULL;
}

int signature_sign(const void *check, const struct guard_request *request,
                   const struct signature_key *key, const char *timestamp, const char *id,
                   signature_emit *emit, void *context, struct weir_error *error)
{
    const struct scheme *scheme = scheme_for(check, key->key != NULL);

    if (scheme == NULL)
        return weir_fail(error, WEIR_EINVAL,
                         key->key != NULL ? "it is not signed with a private key"
                                          : "it is signed with a private key");
    return scheme_sign(scheme, request, key, timestamp, id, emit, context, error);
}

const struct check_kind check_signature = {.name = "signature",
                                           .challenge = "Signature realm=\"weir\"",
                                           .secret = true,
                                           .make = signature_make,
                                           .needs_body = signature_needs_body,
                                           .needs_url = signature_needs_url,
                                           .takes = signature_takes,
                                           .judge = signature_judge,
                                           .reads_header = signature_reads,
                                           .identify = signature_identify,
                                           .free = signature_free};
