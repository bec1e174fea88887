/* SPDX-License-Identifier: MIT */
/* Every preset, there and back; and of what is signed not one byte may differ. */
#include "signed.h"

#include "presets.h"

static void flips(const void *check, struct signed_request *made, char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        text[i] ^= 1;
        CHECK(!passes(check, &made->sent));
        text[i] ^= 1;
    }
}

/* Mailgun signs a part of the body only: what passes has that part as it was. */
static void body_flips(const void *check, struct signed_request *made)
{
    json_t *was = json_loads(made->text, 0, NULL);

    for (size_t i = 0; made->text[i] != '\0'; i++) {
        made->text[i] ^= 1;
        if (passes(check, &made->sent)) {
            json_t *is = json_loads(made->text, 0, NULL);
            CHECK(json_equal(json_object_get(was, "signature"), json_object_get(is, "signature")));
            json_decref(is);
        }
        made->text[i] ^= 1;
    }
    json_decref(was);
}

static bool is_signed_header(const void *check, const char *name, const char *description)
{
    return check_signature.reads_header(check, name) || strstr(name, "timestamp") != NULL ||
           (strstr(name, "-id") != NULL && strstr(description, "{id}") != NULL);
}

/* Of body, signature, timestamp, id, URL and method: whatever the preset says is signed. */
static void every_flip_is_seen(const void *check, struct signed_request *made,
                               const struct preset *preset)
{
    char path[] = "/webhook/example", query[] = "a=b%3Ac", method[] = "POST";
    char origin[] = "https://hooks.example.com";
    struct guard_request *request = &made->sent.request;

    request->path = path, request->query = query, request->method = method;
    request->public_url = origin;
    CHECK(passes(check, &made->sent));
    if (strcmp(preset->name, "mailgun") == 0)
        body_flips(check, made);
    else if (strcmp(preset->name, "gitlab") != 0)
        flips(check, made, made->text);
    for (size_t h = 0; h < request->headers_count; h++)
        if (is_signed_header(check, request->headers[h].name, preset->json))
            flips(check, made, made->values[h]);
    if (strstr(preset->json, "{url") != NULL) {
        flips(check, made, path);
        flips(check, made, query);
        flips(check, made, origin);
    }
    if (strstr(preset->json, "{method}") != NULL)
        flips(check, made, method);
    CHECK(passes(check, &made->sent));
}

static void what_is_signed_is_verified(void)
{
    size_t count;
    const struct preset *all = presets_all(&count);

    for (size_t i = 0; i < count; i++) {
        struct signed_request made;
        struct keeper keeper;
        printf("# %s\n", all[i].name);
        make_key(&keeper, all[i].name);
        void *check = preset(all[i].name, keeper.secret, NULL);
        sign(&made, check, &keeper, all[i].name);
        CHECK(passes(check, &made.sent));
        every_flip_is_seen(check, &made, &all[i]);
        free(made.text);
        json_decref(made.body);
        EVP_PKEY_free(keeper.key);
        check_signature.free(check);
    }
}

/* The URL and the method, where they are signed. */
static void the_url_is_signed_where_it_should_be(void)
{
    static const char *const names[] = {"twilio", "square", "hubspot-v2", "hubspot-v3"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct signed_request made;
        struct keeper keeper;
        make_key(&keeper, names[i]);
        void *check = preset(names[i], keeper.secret, NULL);
        sign(&made, check, &keeper, names[i]);
        made.sent.request.path = "/webhook/other";
        CHECK(!passes(check, &made.sent));
        made.sent.request.path = "/webhook/example";
        made.sent.request.query = NULL;
        CHECK(!passes(check, &made.sent));
        made.sent.request.query = "a=b%3Ac";
        made.sent.request.public_url = NULL;
        CHECK(!passes(check, &made.sent));
        free(made.text);
        json_decref(made.body);
        check_signature.free(check);
    }
}

TEST_MAIN(TEST(what_is_signed_is_verified), TEST(the_url_is_signed_where_it_should_be))
