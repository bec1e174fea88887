/* SPDX-License-Identifier: MIT */
/*
 * Owns: the map form's kinds of authentication, as checks of the array form's "auth".
 * Never does: make one weaker than it was written. Lock: none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mapform_parts.h"

/* One check under way: the object it is written as, and the one it becomes. */
struct check {
    struct mapping *mapping;
    const json_t *value;
    char from[SOURCE_POINTER_MAX], to[SOURCE_POINTER_MAX];
    json_t *made;
};

/* A check of `type` for what is written under `key`. */
static struct check begin(struct mapping *mapping, const json_t *entry, const char *key,
                          const char *type)
{
    struct check check = {.mapping = mapping, .value = json_object_get(entry, key)};
    json_t *auth = json_object_get(mapping->made, "auth");
    char list[SOURCE_POINTER_MAX], index[24];

    if (auth == NULL) {
        auth = json_array();
        json_object_set_new(mapping->made, "auth", auth);
    }
    source_pointer(check.from, mapping->from, key);
    source_pointer(list, mapping->to, "auth");
    snprintf(index, sizeof(index), "%zu", json_array_size(auth));
    source_pointer(check.to, list, index);
    check.made = json_object();
    json_object_set_new(check.made, "type", json_string(type));
    json_array_append_new(auth, check.made);
    origins_add(mapping->origins, check.to, check.from, false);
    return check;
}

static void move(struct check *check, const char *key, const char *name)
{
    const json_t *value = json_object_get(check->value, key);

    if (value != NULL)
        mapform_move(check->mapping, check->made, check->to, name, value, check->from, key);
}

static void give(struct check *check, const char *key, const char *name, const char *fallback)
{
    move(check, key, name);
    if (json_object_get(check->value, key) == NULL)
        json_object_set_new(check->made, name, json_string(fallback));
}

static void require(struct check *check, const char *key, const char *name)
{
    move(check, key, name);
    if (json_object_get(check->value, key) == NULL)
        mapform_problem(check->mapping, check->from, key, "%s is required", key);
}

/* The object has these keys and no others. */
static bool is_object(struct check *check, const char *const *known)
{
    if (json_is_object(check->value)) {
        mapform_check_keys(check->mapping, check->value, check->from, known);
        return true;
    }
    mapform_problem(check->mapping, check->from, NULL, "must be an object");
    return false;
}

/* ---- Kinds ----------------------------------------------------------------------------------- */

/* "Bearer ...", or whatever else the whole header must be. */
static void read_authorization(struct mapping *mapping, const json_t *entry)
{
    const json_t *value = json_object_get(entry, "authorization");
    const char *text = json_string_value(value);

    if (value == NULL)
        return;
    if (text == NULL || text[strspn(text, " \t")] == '\0') {
        mapform_problem(mapping, mapping->from, "authorization",
                        "must be what the header is to be; without the key everybody may post");
        return;
    }
    bool bearer = strncmp(text, "Bearer ", 7) == 0;
    struct check check = begin(mapping, entry, "authorization", bearer ? "bearer" : "header");
    if (!bearer)
        json_object_set_new(check.made, "name", json_string("Authorization"));
    mapform_set(mapping, check.made, check.to, "secret", json_string(bearer ? text + 7 : text),
                mapping->from, "authorization");
}

static void read_basic(struct mapping *mapping, const json_t *entry)
{
    static const char *const known[] = {"username", "password", NULL};

    if (json_object_get(entry, "basic_auth") == NULL)
        return;
    struct check check = begin(mapping, entry, "basic_auth", "basic");
    if (!is_object(&check, known))
        return;
    require(&check, "username", "user");
    require(&check, "password", "secret");
}

/* A key that is in any case would be easier to guess than it looks. */
static void refuse_case(struct check *check)
{
    if (!mapform_flag(check->mapping, check->value, check->from, "case_sensitive", true))
        mapform_problem(check->mapping, check->from, "case_sensitive",
                        "weir compares keys byte for byte; take it out, or say true");
}

static void read_header(struct mapping *mapping, const json_t *entry)
{
    static const char *const known[] = {"header_name", "api_key", "case_sensitive", NULL};

    if (json_object_get(entry, "header_auth") == NULL)
        return;
    struct check check = begin(mapping, entry, "header_auth", "header");
    if (!is_object(&check, known))
        return;
    give(&check, "header_name", "name", "X-API-Key");
    require(&check, "api_key", "secret");
    refuse_case(&check);
}

static void read_query(struct mapping *mapping, const json_t *entry)
{
    static const char *const known[] = {"parameter_name", "api_key", "case_sensitive", NULL};

    if (json_object_get(entry, "query_auth") == NULL)
        return;
    struct check check = begin(mapping, entry, "query_auth", "query");
    if (!is_object(&check, known))
        return;
    give(&check, "parameter_name", "name", "api_key");
    require(&check, "api_key", "secret");
    refuse_case(&check);
}

static void read_addresses(struct mapping *mapping, const json_t *entry)
{
    if (json_object_get(entry, "ip_whitelist") == NULL)
        return;
    struct check check = begin(mapping, entry, "ip_whitelist", "ip");
    mapform_move(mapping, check.made, check.to, "allow", check.value, mapping->from,
                 "ip_whitelist");
}

/* With the algorithm in front of it, or without. */
static void read_hmac(struct mapping *mapping, const json_t *entry)
{
    static const char *const known[] = {"secret", "header", "algorithm", NULL};
    static const char *const algorithms[] = {"sha1", "sha256", "sha512"};

    if (json_object_get(entry, "hmac") == NULL)
        return;
    struct check check = begin(mapping, entry, "hmac", "signature");
    if (!is_object(&check, known))
        return;
    require(&check, "secret", "secret");
    give(&check, "header", "header", "X-HMAC-Signature");
    const json_t *value = json_object_get(check.value, "algorithm");
    char *expanded = mapform_expand(value), ours[32];
    const char *algorithm = value == NULL ? "sha256" : expanded == NULL ? "" : expanded;
    size_t i = 0;
    while (i < 3 && strcasecmp(algorithm, algorithms[i]) != 0)
        i++;
    snprintf(ours, sizeof(ours), "hmac-%s", algorithms[i < 3 ? i : 1]);
    if (i == 3)
        mapform_problem(mapping, check.from, "algorithm", "must be sha1, sha256 or sha512");
    if (value != NULL)
        mapform_set(mapping, check.made, check.to, "algorithm", json_string(ours), check.from,
                    "algorithm");
    else
        json_object_set_new(check.made, "algorithm", json_string(ours));
    json_object_set_new(check.made, "schemes", json_pack("[{s:s},{}]", "prefix", "{hash}="));
    free(expanded);
}

/* Of HS the secret is shared, of the others it is a public key. */
static void read_jwt(struct mapping *mapping, const json_t *entry)
{
    static const char *const known[] = {"secret",   "algorithm",  "issuer",
                                        "audience", "verify_exp", NULL};

    if (json_object_get(entry, "jwt") == NULL)
        return;
    struct check check = begin(mapping, entry, "jwt", "jwt");
    if (!is_object(&check, known))
        return;
    const json_t *algorithm = json_object_get(check.value, "algorithm");
    char *expanded = mapform_expand(algorithm);
    bool shared = algorithm == NULL || (expanded != NULL && strncmp(expanded, "HS", 2) == 0);
    free(expanded);
    require(&check, "secret", shared ? "secret" : "public_key");
    if (algorithm != NULL)
        mapform_set(mapping, check.made, check.to, "algorithms", json_pack("[O]", algorithm),
                    check.from, "algorithm");
    else
        json_object_set_new(check.made, "algorithms", json_pack("[s]", "HS256"));
    move(&check, "issuer", "issuer");
    move(&check, "audience", "audience");
    if (!mapform_flag(mapping, check.value, check.from, "verify_exp", true))
        mapform_problem(mapping, check.from, "verify_exp",
                        "weir always keeps to exp; take it out, or say true");
    json_object_set_new(check.made, "require_exp", json_false());
}

void mapform_auth(struct mapping *mapping, const json_t *entry)
{
    read_authorization(mapping, entry);
    read_basic(mapping, entry);
    read_jwt(mapping, entry);
    read_hmac(mapping, entry);
    read_header(mapping, entry);
    read_query(mapping, entry);
    read_addresses(mapping, entry);
}
