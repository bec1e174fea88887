/* SPDX-License-Identifier: MIT */
/*
 * Owns: checks of a secret that is sent as it is: bearer (RFC 6750), basic (RFC 7617), a header, a
 * query parameter.
 * Never does: stop comparing early. Lock: none.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base64.h"
#include "check.h"
#include "object.h"
#include "wipe.h"

#define CREDENTIALS_MAX 8192 /* bytes of a decoded basic credential, or of a query value */

struct token {
    struct secrets secrets;
    char *name;          /* of the header, lower case, or of the query parameter */
    char *prefix;        /* before the secret in the header; NULL if none */
    struct secrets user; /* basic: the one who must be named, compared as a secret is */
};

static void token_free(void *check)
{
    struct token *token = check;

    if (token == NULL)
        return;
    secrets_fini(&token->secrets);
    free(token->name);
    free(token->prefix);
    secrets_fini(&token->user);
    free(token);
}

static int make_token(struct token **out, const json_t *object, const char *const *known,
                      const struct secrets *secrets, struct weir_error *error)
{
    struct token *token = calloc(1, sizeof(*token));
    int status = token == NULL ? weir_fail(error, WEIR_ENOMEM, "out of memory")
                               : object_check_keys(object, known, error);

    if (status == 0)
        status = secrets_copy(&token->secrets, secrets, error);
    if (status != 0) {
        token_free(token);
        token = NULL;
    }
    *out = token;
    return status;
}

/* Takes the token; the status of what was done on it last. */
static int made(void **out, struct token *token, int status)
{
    if (status != 0) {
        token_free(token);
        token = NULL;
    }
    *out = token;
    return status;
}

static int copy_text(char **out, const char *text, struct weir_error *error)
{
    *out = text == NULL ? NULL : strdup(text);
    return text != NULL && *out == NULL ? weir_fail(error, WEIR_ENOMEM, "out of memory") : 0;
}

static int refuse(struct weir_error *error, const char *reason)
{
    return weir_fail(error, WEIR_EDENIED, "%s", reason);
}

/* Something is compared even where nothing was sent. */
static int judge_text(const struct secrets *secrets, const char *text, size_t len, bool there,
                      struct weir_error *error)
{
    bool same = secrets_hold(secrets, there ? text : "", there ? len : 0);

    if (!there)
        return refuse(error, "no credential was sent, or two were");
    return same ? 0 : refuse(error, "the credential is not a live one");
}

/* Behind "Scheme ", without the spaces before it; NULL if there is not exactly one such header. */
static const char *credentials_of(const struct guard_request *request, const char *scheme)
{
    const char *value = guard_request_header(request, "authorization");
    size_t len = strlen(scheme);

    if (value == NULL || guard_request_count(request, "authorization") != 1 ||
        strncasecmp(value, scheme, len) != 0 || value[len] != ' ')
        return NULL;
    return value + len + strspn(value + len, " ");
}

static bool reads_authorization(const void *check, const char *name)
{
    (void)check;
    return strcmp(name, "authorization") == 0;
}

static void identify(const struct token *token, const void *bytes, size_t len, struct sha256 *hash)
{
    secret_identify(secrets_find(&token->secrets, bytes, len), hash);
}

/* ---- bearer ---------------------------------------------------------------------------------- */

static int bearer_make(void **out, const json_t *object, const struct secrets *secrets,
                       struct weir_error *error)
{
    static const char *const known[] = {NULL};
    struct token *token;
    int status = make_token(&token, object, known, secrets, error);

    return made(out, token, status);
}

static int bearer_judge(const void *check, const struct guard_request *request,
                        struct weir_error *error)
{
    const struct token *token = check;
    const char *text = credentials_of(request, "Bearer");

    return judge_text(&token->secrets, text, text == NULL ? 0 : strlen(text), text != NULL, error);
}

static void bearer_identify(const void *check, const struct guard_request *request,
                            struct sha256 *hash)
{
    const char *text = credentials_of(request, "Bearer");

    if (text != NULL)
        identify(check, text, strlen(text), hash);
}

const struct check_kind check_bearer = {.name = "bearer",
                                        .challenge = "Bearer realm=\"weir\"",
                                        .secret = true,
                                        .make = bearer_make,
                                        .judge = bearer_judge,
                                        .reads_header = reads_authorization,
                                        .identify = bearer_identify,
                                        .free = token_free};

/* ---- basic ----------------------------------------------------------------------------------- */

static int basic_make(void **out, const json_t *object, const struct secrets *secrets,
                      struct weir_error *error)
{
    static const char *const known[] = {"user", NULL};
    struct token *token;
    const char *user;
    int status = make_token(&token, object, known, secrets, error);

    if (status == 0)
        status = object_text(object, "user", NULL, true, &user, error);
    if (status == 0 && strchr(user, ':') != NULL)
        status = weir_fail_key(error, WEIR_EINVAL, "user", "must not hold a colon (RFC 7617)");
    if (status == 0)
        status = secrets_add(&token->user, user, strlen(user), error);
    return made(out, token, status);
}

/* The decoded credential's length, or -1. */
static long decode_basic(const char *text, unsigned char bytes[CREDENTIALS_MAX])
{
    return text == NULL ? -1
                        : base64_decode(BASE64_PLAIN, text, strlen(text), bytes, CREDENTIALS_MAX);
}

static int basic_judge(const void *check, const struct guard_request *request,
                       struct weir_error *error)
{
    const struct token *token = check;
    unsigned char bytes[CREDENTIALS_MAX];
    long count = decode_basic(credentials_of(request, "Basic"), bytes);
    const unsigned char *colon = count <= 0 ? NULL : memchr(bytes, ':', (size_t)count);
    bool there = colon != NULL;
    size_t user_len = there ? (size_t)(colon - bytes) : 0;

    bool same_user = secrets_hold(&token->user, bytes, user_len);
    int status = judge_text(&token->secrets, there ? (const char *)colon + 1 : NULL,
                            there ? (size_t)count - user_len - 1 : 0, there, error);
    wipe(bytes, sizeof(bytes));
    if (status == 0 && !same_user)
        status = refuse(error, "the credential is not a live one");
    return status;
}

static void basic_identify(const void *check, const struct guard_request *request,
                           struct sha256 *hash)
{
    unsigned char bytes[CREDENTIALS_MAX];
    long count = decode_basic(credentials_of(request, "Basic"), bytes);
    const unsigned char *colon = count <= 0 ? NULL : memchr(bytes, ':', (size_t)count);

    if (colon != NULL)
        identify(check, colon + 1, (size_t)(bytes + count - colon) - 1, hash);
    wipe(bytes, sizeof(bytes));
}

const struct check_kind check_basic = {.name = "basic",
                                       .challenge = "Basic realm=\"weir\", charset=\"UTF-8\"",
                                       .secret = true,
                                       .make = basic_make,
                                       .judge = basic_judge,
                                       .reads_header = reads_authorization,
                                       .identify = basic_identify,
                                       .free = token_free};

/* ---- header ---------------------------------------------------------------------------------- */

static int header_make(void **out, const json_t *object, const struct secrets *secrets,
                       struct weir_error *error)
{
    static const char *const known[] = {"name", "prefix", NULL};
    struct token *token;
    const char *prefix;
    int status = make_token(&token, object, known, secrets, error);

    if (status == 0)
        status = object_header_name(object, "name", NULL, &token->name, error);
    if (status == 0)
        status = object_text(object, "prefix", NULL, false, &prefix, error);
    if (status == 0)
        status = copy_text(&token->prefix, prefix, error);
    return made(out, token, status);
}

/* Behind the prefix; NULL if there is not exactly one such header. */
static const char *header_value(const struct token *token, const struct guard_request *request)
{
    const char *value = guard_request_header(request, token->name);
    size_t skip = token->prefix == NULL ? 0 : strlen(token->prefix);

    if (value == NULL || guard_request_count(request, token->name) != 1 ||
        (skip > 0 && strncmp(value, token->prefix, skip) != 0))
        return NULL;
    return value + skip;
}

static int header_judge(const void *check, const struct guard_request *request,
                        struct weir_error *error)
{
    const struct token *token = check;
    const char *text = header_value(token, request);

    return judge_text(&token->secrets, text, text == NULL ? 0 : strlen(text), text != NULL, error);
}

static void header_identify(const void *check, const struct guard_request *request,
                            struct sha256 *hash)
{
    const char *text = header_value(check, request);

    if (text != NULL)
        identify(check, text, strlen(text), hash);
}

static bool header_reads(const void *check, const char *name)
{
    return strcmp(((const struct token *)check)->name, name) == 0;
}

const struct check_kind check_header = {.name = "header",
                                        .challenge = "ApiKey realm=\"weir\"",
                                        .secret = true,
                                        .make = header_make,
                                        .judge = header_judge,
                                        .reads_header = header_reads,
                                        .identify = header_identify,
                                        .free = token_free};

/* ---- query ----------------------------------------------------------------------------------- */

static int query_make(void **out, const json_t *object, const struct secrets *secrets,
                      struct weir_error *error)
{
    static const char *const known[] = {"name", NULL};
    struct token *token;
    const char *name;
    int status = make_token(&token, object, known, secrets, error);

    if (status == 0)
        status = object_text(object, "name", NULL, true, &name, error);
    if (status == 0)
        status = copy_text(&token->name, name, error);
    return made(out, token, status);
}

/* A plus in it may be meant as one, or as a space: whoever wrote the URL knows. */
static int query_judge(const void *check, const struct guard_request *request,
                       struct weir_error *error)
{
    const struct token *token = check;
    char value[CREDENTIALS_MAX];
    long len = guard_request_query(request, token->name, value, sizeof(value));
    int spaced = judge_text(&token->secrets, value, len < 0 ? 0 : (size_t)len, len >= 0, error);

    len = guard_request_query_literal(request, token->name, value, sizeof(value));
    int literal = judge_text(&token->secrets, value, len < 0 ? 0 : (size_t)len, len >= 0, error);
    wipe(value, sizeof(value));
    return spaced == 0 ? 0 : literal;
}

static void query_identify(const void *check, const struct guard_request *request,
                           struct sha256 *hash)
{
    const struct token *token = check;
    char value[CREDENTIALS_MAX];
    long len = guard_request_query(request, token->name, value, sizeof(value));

    if (len < 0 || secrets_find(&token->secrets, value, (size_t)len) == NULL)
        len = guard_request_query_literal(request, token->name, value, sizeof(value));
    if (len >= 0)
        identify(token, value, (size_t)len, hash);
    wipe(value, sizeof(value));
}

const struct check_kind check_query = {.name = "query",
                                       .challenge = "ApiKey realm=\"weir\"",
                                       .secret = true,
                                       .make = query_make,
                                       .judge = query_judge,
                                       .identify = query_identify,
                                       .free = token_free};
