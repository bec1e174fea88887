/* SPDX-License-Identifier: MIT */
/* The guard's checks, with the vectors that the RFCs publish. */
#include "guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base64.h"
#include "keys.h"
#include "test.h"

#define HEADERS_MAX 4
#define YEAR_2011   INT64_C(1300819379) /* one second before the tokens of RFC 7515 expire */

static struct weir_error error;

/* ---- Making and asking ----------------------------------------------------------------------- */

static int add(struct guard *guard, const char *text, const char *const *live)
{
    struct secrets secrets = {.count = 0};
    json_t *object = json_loads(text, 0, NULL);

    CHECK(object != NULL);
    for (; live != NULL && *live != NULL; live++)
        CHECK_INT(secrets_add(&secrets, *live, strlen(*live), &error), 0);
    error = (struct weir_error){.status = 0};
    int status = guard_add(guard, object, &secrets, &error);
    secrets_fini(&secrets);
    json_decref(object);
    return status;
}

static struct guard *make(const char *text, const char *const *live)
{
    struct guard *guard;

    CHECK_INT(guard_new(&guard, &error), 0);
    CHECK_INT(add(guard, text, live), 0);
    return guard;
}

static int refused(const char *text, const char *const *live, const char *key)
{
    struct guard *guard;

    CHECK_INT(guard_new(&guard, &error), 0);
    int status = add(guard, text, live);
    CHECK_STRING(error.key, key);
    guard_free(&guard);
    return status;
}

static enum guard_verdict ask(const struct guard *guard, const char *name, const char *value)
{
    struct request_header headers[] = {{name, value}};
    struct guard_request request = {.method = "POST",
                                    .path = "/",
                                    .headers = headers,
                                    .headers_count = value == NULL ? 0 : 1,
                                    .now = YEAR_2011 * 1000000};

    return guard_judge_head(guard, &request, &error);
}

/* ---- Secrets sent as they are ---------------------------------------------------------------- */

static const char *const two[] = {"old secret", "new:secret", NULL};

static void bearer_tokens(void)
{
    struct guard *guard = make("{\"type\":\"bearer\"}", two);
    struct request_header twice[] = {{"authorization", "Bearer old secret"},
                                     {"authorization", "Bearer old secret"}};
    struct guard_request request = {.headers = twice, .headers_count = 2};

    CHECK_INT(ask(guard, "authorization", "Bearer old secret"), GUARD_PASS);
    CHECK_INT(ask(guard, "authorization", "bearer  new:secret"), GUARD_PASS);
    CHECK_INT(ask(guard, "authorization", "Bearer old secre"), GUARD_UNAUTHORIZED);
    CHECK_INT(ask(guard, "authorization", "Bearer"), GUARD_UNAUTHORIZED);
    CHECK_INT(ask(guard, "authorization", "Bearer "), GUARD_UNAUTHORIZED);
    CHECK_INT(ask(guard, "authorization", "Basic old secret"), GUARD_UNAUTHORIZED);
    CHECK_INT(ask(guard, "x-authorization", "Bearer old secret"), GUARD_UNAUTHORIZED);
    CHECK_INT(ask(guard, "authorization", NULL), GUARD_UNAUTHORIZED);
    CHECK_INT(guard_judge_head(guard, &request, &error), GUARD_UNAUTHORIZED);
    CHECK_STRING(guard_challenge(guard), "Bearer realm=\"weir\"");
    CHECK(guard_reads_header(guard, "authorization") && !guard_reads_header(guard, "x-key"));
    CHECK(!guard_needs_body(guard));
    guard_free(&guard);
}

/* "Aladdin:open sesame" is RFC 7617's; a password may hold colons and any UTF-8. */
static void basic_credentials(void)
{
    static const char *const live[] = {"open sesame", "a:b:\xc3\xa4", NULL};
    struct guard *guard = make("{\"type\":\"basic\",\"user\":\"Aladdin\"}", live);

    CHECK_INT(ask(guard, "authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), GUARD_PASS);
    CHECK_INT(ask(guard, "authorization", "basic QWxhZGRpbjphOmI6w6Q="), GUARD_PASS);
    CHECK_INT(ask(guard, "authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZg=="),
              GUARD_UNAUTHORIZED);
    CHECK_INT(ask(guard, "authorization", "Basic QWxhZGRpbg=="), GUARD_UNAUTHORIZED);
    /* One spelling for one credential: no stray bits, no padding missing, no space inside. */
    CHECK_INT(ask(guard, "authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZR=="),
              GUARD_UNAUTHORIZED);
    CHECK_INT(ask(guard, "authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ"), GUARD_UNAUTHORIZED);
    CHECK_INT(ask(guard, "authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ== "),
              GUARD_UNAUTHORIZED);
    CHECK_INT(ask(guard, "authorization", "Basic b3Blbjpvcw"), GUARD_UNAUTHORIZED);
    CHECK_INT(ask(guard, "authorization", "Basic Qm9iOm9wZW4gc2VzYW1l"), GUARD_UNAUTHORIZED);
    CHECK_INT(ask(guard, "authorization", "Basic ===="), GUARD_UNAUTHORIZED);
    CHECK_INT(ask(guard, "authorization", "Basic "), GUARD_UNAUTHORIZED);
    CHECK_INT(refused("{\"type\":\"basic\",\"user\":\"a:b\"}", live, "user"), WEIR_EINVAL);
    CHECK_INT(refused("{\"type\":\"basic\"}", live, "user"), WEIR_EINVAL);
    guard_free(&guard);
}

static void header_and_query_keys(void)
{
    struct guard *guard = make("{\"type\":\"header\",\"name\":\"X-Key\",\"prefix\":\"k=\"}", two);
    struct guard_request request = {.query = "key=old%20secret"};

    CHECK_INT(ask(guard, "x-key", "k=old secret"), GUARD_PASS);
    CHECK_INT(ask(guard, "x-key", "old secret"), GUARD_UNAUTHORIZED);
    CHECK_INT(ask(guard, "x-key", "k="), GUARD_UNAUTHORIZED);
    CHECK(guard_reads_header(guard, "x-key"));
    guard_free(&guard);
    guard = make("{\"type\":\"query\",\"name\":\"key\"}", two);
    CHECK_INT(guard_judge_head(guard, &request, &error), GUARD_PASS);
    request.query = "key=old%20secre";
    CHECK_INT(guard_judge_head(guard, &request, &error), GUARD_UNAUTHORIZED);
    request.query = NULL;
    CHECK_INT(guard_judge_head(guard, &request, &error), GUARD_UNAUTHORIZED);
    request.query = "key=old%20secret&key=old%20secret"; /* others may believe the other one */
    CHECK_INT(guard_judge_head(guard, &request, &error), GUARD_UNAUTHORIZED);
    request.query = "key=old+secret";
    CHECK_INT(guard_judge_head(guard, &request, &error), GUARD_PASS);
    guard_free(&guard);
    static const char *const base64[] = {"a+b/c==", NULL};
    guard = make("{\"type\":\"query\",\"name\":\"key\"}", base64);
    request.query = "x&key=a+b/c==&y=1";
    CHECK_INT(guard_judge_head(guard, &request, &error), GUARD_PASS);
    request.query = "key=a%2Bb%2Fc%3D%3D";
    CHECK_INT(guard_judge_head(guard, &request, &error), GUARD_PASS);
    request.query = "key=a%20b/c==";
    CHECK_INT(guard_judge_head(guard, &request, &error), GUARD_UNAUTHORIZED);
    guard_free(&guard);
    CHECK_INT(refused("{\"type\":\"header\",\"name\":\"a b\"}", two, "name"), WEIR_EINVAL);
}

static void an_open_door_is_no_configuration(void)
{
    static const char *const none[] = {NULL};

    CHECK_INT(refused("{\"type\":\"bearer\"}", none, "secret"), WEIR_EINVAL);
    CHECK_INT(refused("{\"type\":\"jwt\"}", none, "secret"), WEIR_EINVAL);
    CHECK_INT(refused("{\"type\":\"ip\"}", none, "allow"), WEIR_EINVAL);
    CHECK_INT(refused("{\"type\":\"ip\",\"allow\":[]}", none, "allow"), WEIR_EINVAL);
    CHECK_INT(refused("{\"type\":\"baerer\"}", two, "type"), WEIR_EINVAL);
    CHECK(strstr(error.detail, "did you mean bearer") != NULL);
    CHECK_INT(refused("{\"type\":\"bearer\",\"usr\":1}", two, "usr"), WEIR_EINVAL);
    CHECK_INT(refused("{}", two, "type"), WEIR_EINVAL);
}

/* It would be a refusal for good of what is good. */
static void without_memory_nobody_is_refused_for_good(void)
{
    static const unsigned char body[1];
    struct guard *guard = make("{\"type\":\"signature\",\"preset\":\"github\"}", two);
    struct request_header headers[] = {{"x-hub-signature-256", "sha256=00"},
                                       {"x-key", "old secret"}};
    struct guard_request request = {.headers = headers,
                                    .headers_count = 2,
                                    .body = body,
                                    .body_len = PTRDIFF_MAX}; /* there is no such room */

    CHECK_INT(guard_judge_body(guard, &request, &error), GUARD_UNABLE);
    CHECK_STRING(error.detail, "out of memory");
    CHECK_INT(add(guard, "{\"type\":\"ip\",\"allow\":[\"192.0.2.0/24\"]}", NULL), 0);
    CHECK_INT(guard_judge_body(guard, &request, &error), GUARD_UNABLE);
    headers[0].name = "x-none"; /* what is not there is not there */
    CHECK_INT(guard_judge_body(guard, &request, &error), GUARD_UNAUTHORIZED);
    guard_free(&guard);
}

/* ---- All of them, and addresses -------------------------------------------------------------- */

static void all_must_pass(void)
{
    struct guard *guard = make("{\"type\":\"ip\",\"allow\":[\"192.0.2.0/24\"]}", NULL);
    struct request_header headers[] = {{"x-key", "old secret"}};
    struct guard_request request = {.headers = headers, .headers_count = 1};

    CHECK(address_parse(&request.client, "192.0.2.9", 9));
    CHECK_INT(guard_judge_head(guard, &request, &error), GUARD_PASS);
    CHECK(address_parse(&request.client, "192.0.3.9", 9));
    CHECK_INT(guard_judge_head(guard, &request, &error), GUARD_FORBIDDEN);
    CHECK_INT(add(guard, "{\"type\":\"header\",\"name\":\"x-key\"}", two), 0);
    /* From there a good key is answered as a wrong one is. */
    CHECK_INT(guard_judge_head(guard, &request, &error), GUARD_UNAUTHORIZED);
    headers[0].value = "wrong";
    CHECK_INT(guard_judge_head(guard, &request, &error), GUARD_UNAUTHORIZED);
    CHECK(address_parse(&request.client, "192.0.2.9", 9));
    CHECK_INT(guard_judge_head(guard, &request, &error), GUARD_UNAUTHORIZED);
    headers[0].value = "old secret";
    CHECK_INT(guard_judge_head(guard, &request, &error), GUARD_PASS);
    request.client.known = false;
    CHECK_INT(guard_judge_head(guard, &request, &error), GUARD_UNAUTHORIZED);
    CHECK_STRING(guard_challenge(guard), "ApiKey realm=\"weir\"");
    guard_free(&guard);
    CHECK_INT(guard_judge_head(NULL, &request, &error), GUARD_PASS);
}

/* Else a token could be guessed without the secret of the signature. */
static void nobody_is_told_which_of_two_was_right(void)
{
    struct guard *guard = make("{\"type\":\"header\",\"name\":\"x-key\"}", two);
    struct request_header headers[] = {{"x-key", "old secret"},
                                       {"x-hub-signature-256", "sha256=00"}};
    struct guard_request request = {.headers = headers, .headers_count = 2};
    struct weir_error right, wrong;

    CHECK_INT(add(guard, "{\"type\":\"signature\",\"preset\":\"github\"}", two), 0);
    CHECK_INT(guard_judge_head(guard, &request, &error), GUARD_PASS);
    CHECK_INT(guard_judge_body(guard, &request, &right), GUARD_UNAUTHORIZED);
    headers[0].value = "wrong";
    CHECK_INT(guard_judge_head(guard, &request, &error), GUARD_PASS);
    CHECK_INT(guard_judge_body(guard, &request, &wrong), GUARD_UNAUTHORIZED);
    CHECK(strcmp(right.detail, wrong.detail) != 0); /* that is for the operator */
    guard_free(&guard);
}

/* ---- JSON Web Tokens ------------------------------------------------------------------------- */

#define CLAIMS                                                                                     \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"

/* RFC 7515, A.1 to A.3 */
static const char hs256[] = "Bearer eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." CLAIMS
                            ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
static const char rs256[] =
    "Bearer eyJhbGciOiJSUzI1NiJ9." CLAIMS
    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5"
    "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L"
    "07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUi"
    "pUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
static const char es256[] =
    "Bearer eyJhbGciOiJFUzI1NiJ9." CLAIMS
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
static const char rfc_key[] =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

static const char es256_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                                "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
                                "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
                                "-----END PUBLIC KEY-----\n";
static const char rs256_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                                "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj\n"
                                "NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz\n"
                                "P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo\n"
                                "9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB\n"
                                "EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX\n"
                                "FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp\n"
                                "oQIDAQAB\n"
                                "-----END PUBLIC KEY-----\n";
static const char ed_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                             "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
                             "-----END PUBLIC KEY-----\n";

static struct guard *jwt_of(const char *more, const char *pem)
{
    unsigned char bytes[64];
    json_t *object = json_loads(more, 0, NULL);
    struct secrets secrets = {.count = 0};
    struct guard *guard;

    CHECK(object != NULL);
    CHECK_INT(base64_decode(BASE64_URL, rfc_key, strlen(rfc_key), bytes, sizeof(bytes)), 64);
    json_object_set_new(object, "type", json_string("jwt"));
    if (pem != NULL)
        json_object_set_new(object, "public_key", json_string(pem));
    else
        CHECK_INT(secrets_add(&secrets, bytes, sizeof(bytes), &error), 0);
    CHECK_INT(guard_new(&guard, &error), 0);
    CHECK_INT(guard_add(guard, object, &secrets, &error), 0);
    secrets_fini(&secrets);
    json_decref(object);
    return guard;
}

static enum guard_verdict once(const char *more, const char *pem, const char *token)
{
    struct guard *guard = jwt_of(more, pem);
    enum guard_verdict verdict = ask(guard, "authorization", token);

    guard_free(&guard);
    return verdict;
}

static void tokens_of_rfc_7515(void)
{
    CHECK_INT(once("{}", NULL, hs256), GUARD_PASS);
    CHECK_INT(once("{}", rs256_pem, rs256), GUARD_PASS);
    CHECK_INT(once("{}", es256_pem, es256), GUARD_PASS);
    CHECK_INT(once("{\"issuer\":\"joe\",\"leeway\":0}", NULL, hs256), GUARD_PASS);
    CHECK_INT(once("{\"issuer\":\"jo\"}", NULL, hs256), GUARD_UNAUTHORIZED);
    CHECK_INT(once("{\"audience\":\"us\"}", NULL, hs256), GUARD_UNAUTHORIZED);
    CHECK_INT(once("{\"kid\":\"1\"}", NULL, hs256), GUARD_UNAUTHORIZED);
    CHECK_INT(once("{\"algorithms\":[\"HS512\"]}", NULL, hs256), GUARD_UNAUTHORIZED);
}

/* RFC 8037, A.4: its payload is no object, so that only the key is asked. */
static void signature_of_rfc_8037(void)
{
    static const char text[] = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    static const char sig[] =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    struct keys_method method = {.md = NULL};
    struct keys keys = {.count = 0};
    unsigned char bytes[64];

    CHECK_INT(keys_add_pem(&keys, ed_pem, &error), 0);
    CHECK_INT(base64_decode(BASE64_URL, sig, strlen(sig), bytes, sizeof(bytes)), 64);
    CHECK_INT(keys_verify(keys.items[0], &method, text, strlen(text), bytes, 64), 0);
    bytes[0] ^= 1;
    CHECK_INT(keys_verify(keys.items[0], &method, text, strlen(text), bytes, 64), WEIR_EDENIED);
    keys_fini(&keys);
}

/* The public key's text as an HMAC secret, "none", and what a token says of itself. */
/* secp256k1: as long as P-256, and no algorithm of a token's. */
static void a_key_of_another_curve_is_refused(void)
{
    struct secrets none = {.count = 0};
    struct guard *guard;
    json_t *object = json_pack("{s:s,s:s}", "type", "jwt", "public_key",
                               "-----BEGIN PUBLIC KEY-----\n"
                               "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEtYF6nM75oqgIM+nIApscjkmdOPlxs49I\n"
                               "Ufe6n0l3MpK3MG7OrfwGNay5qfV+m51L+10+1DDGEuiW0lTJuxhwxg==\n"
                               "-----END PUBLIC KEY-----\n");

    CHECK_INT(guard_new(&guard, &error), 0);
    CHECK_INT(guard_add(guard, object, &none, &error), WEIR_EINVAL);
    CHECK_STRING(error.key, "public_key");
    guard_free(&guard);
    json_decref(object);
}

static void algorithm_confusion_is_refused(void)
{
    static const char none[] = "Bearer eyJhbGciOiJub25lIn0." CLAIMS ".";
    const char *const pem[] = {rs256_pem, NULL};

    CHECK_INT(once("{}", rs256_pem, hs256), GUARD_UNAUTHORIZED);
    CHECK_INT(once("{}", NULL, rs256), GUARD_UNAUTHORIZED);
    CHECK_INT(once("{}", NULL, none), GUARD_UNAUTHORIZED);
    CHECK_INT(once("{}", rs256_pem, none), GUARD_UNAUTHORIZED);
    CHECK_INT(once("{}", es256_pem, rs256), GUARD_UNAUTHORIZED);
    CHECK_INT(refused("{\"type\":\"jwt\",\"algorithms\":[\"RS256\"]}", two, "algorithms"),
              WEIR_EINVAL);
    CHECK_INT(refused("{\"type\":\"jwt\"}", pem, "secret"), WEIR_EINVAL);
    CHECK_INT(refused("{\"type\":\"jwt\",\"algorithms\":[\"HS256\"]}", pem, "secret"), WEIR_EINVAL);
    CHECK_INT(refused("{\"type\":\"jwt\",\"algorithms\":[\"none\"]}", two, "algorithms"),
              WEIR_EINVAL);
    CHECK_INT(refused("{\"type\":\"jwt\",\"algorithms\":[]}", two, "algorithms"), WEIR_EINVAL);
    CHECK_INT(refused("{\"type\":\"jwt\",\"public_key\":\"x\"}", NULL, "public_key"), WEIR_EINVAL);
}

/* ---- Tokens of our own ----------------------------------------------------------------------- */

static void encode(char **at, char *end, const void *bytes, size_t len)
{
    CHECK(base64_encode(BASE64_URL, bytes, len, *at, (size_t)(end - *at)));
    *at += strlen(*at);
}

static size_t der_to_raw(const unsigned char *der, size_t len, size_t half, unsigned char *raw)
{
    ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &der, (long)len);

    BN_bn2binpad(ECDSA_SIG_get0_r(parsed), raw, (int)half);
    BN_bn2binpad(ECDSA_SIG_get0_s(parsed), raw + half, (int)half);
    ECDSA_SIG_free(parsed);
    return 2 * half;
}

static size_t sign(EVP_PKEY *key, const EVP_MD *md, bool pss, const char *text, unsigned char *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *inner;
    unsigned char signature[1024];
    size_t len = sizeof(signature);

    CHECK_INT(EVP_DigestSignInit(context, &inner, md, NULL, key), 1);
    if (pss) {
        CHECK_INT(EVP_PKEY_CTX_set_rsa_padding(inner, RSA_PKCS1_PSS_PADDING), 1);
        CHECK_INT(EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, RSA_PSS_SALTLEN_DIGEST), 1);
    }
    CHECK_INT(EVP_DigestSign(context, signature, &len, (const unsigned char *)text, strlen(text)),
              1);
    EVP_MD_CTX_free(context);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC)
        return der_to_raw(signature, len, ((size_t)EVP_PKEY_get_bits(key) + 7) / 8, out);
    memcpy(out, signature, len);
    return len;
}

/* "Bearer ..." in a static buffer; key NULL: HS256 with the RFC's key. */
static const char *token_of(const char *header, const char *payload, EVP_PKEY *key,
                            const EVP_MD *md, bool pss)
{
    static char text[16384];
    unsigned char signature[1024], secret[64];
    char *at = text + 7, *end = text + sizeof(text);
    unsigned len = 0;

    memcpy(text, "Bearer ", 7);
    encode(&at, end, header, strlen(header));
    *at++ = '.';
    encode(&at, end, payload, strlen(payload));
    base64_decode(BASE64_URL, rfc_key, strlen(rfc_key), secret, sizeof(secret));
    if (key == NULL)
        HMAC(EVP_sha256(), secret, sizeof(secret), (unsigned char *)text + 7, strlen(text + 7),
             signature, &len);
    else
        len = (unsigned)sign(key, md, pss, text + 7, signature);
    *at++ = '.';
    encode(&at, end, signature, len);
    return text;
}

#define HEADER "{\"alg\":\"HS256\"}"

static void claims_are_kept(void)
{
    static const struct {
        const char *header, *payload, *more;
        enum guard_verdict verdict;
    } rows[] = {
        {HEADER, "{\"exp\":1300819380}", "{}", GUARD_PASS},
        {HEADER, "{\"exp\":1300819320}", "{}", GUARD_PASS}, /* a minute's leeway */
        {HEADER, "{\"exp\":1300819319}", "{}", GUARD_UNAUTHORIZED},
        {HEADER, "{\"exp\":1300819379}", "{\"leeway\":0}", GUARD_UNAUTHORIZED},
        {HEADER, "{\"exp\":1300819379.5}", "{\"leeway\":0}", GUARD_PASS},
        {HEADER, "{}", "{}", GUARD_UNAUTHORIZED},
        {HEADER, "{}", "{\"require_exp\":false}", GUARD_PASS},
        {HEADER, "{\"exp\":\"1300819380\"}", "{\"require_exp\":false}", GUARD_UNAUTHORIZED},
        {HEADER, "{\"exp\":1e20,\"nbf\":1300819439}", "{}", GUARD_PASS},
        {HEADER, "{\"exp\":1e20,\"nbf\":1300819440}", "{}", GUARD_UNAUTHORIZED},
        {HEADER, "{\"exp\":1e20,\"aud\":\"us\"}", "{\"audience\":[\"them\",\"us\"]}", GUARD_PASS},
        {HEADER, "{\"exp\":1e20,\"aud\":[\"x\",\"us\"]}", "{\"audience\":\"us\"}", GUARD_PASS},
        {HEADER, "{\"exp\":1e20,\"aud\":[1,\"u\"]}", "{\"audience\":\"us\"}", GUARD_UNAUTHORIZED},
        {HEADER, "{\"exp\":1e20,\"iss\":7}", "{\"issuer\":\"joe\"}", GUARD_UNAUTHORIZED},
        {HEADER, "{\"exp\":1,\"exp\":1e20}", "{}", GUARD_UNAUTHORIZED},
        {HEADER, "[]", "{\"require_exp\":false}", GUARD_UNAUTHORIZED},
        {"{\"alg\":\"HS256\",\"kid\":\"k\"}", "{\"exp\":1e20}", "{\"kid\":\"k\"}", GUARD_PASS},
        {"{\"alg\":\"HS256\",\"alg\":\"HS256\"}", "{\"exp\":1e20}", "{}", GUARD_UNAUTHORIZED},
        {"{\"alg\":\"HS256\",\"crit\":[\"b64\"]}", "{\"exp\":1e20}", "{}", GUARD_UNAUTHORIZED},
        {"{\"alg\":\"hs256\"}", "{\"exp\":1e20}", "{}", GUARD_UNAUTHORIZED}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        printf("# %zu\n", i);
        const char *token = token_of(rows[i].header, rows[i].payload, NULL, NULL, false);
        CHECK_INT(once(rows[i].more, NULL, token), rows[i].verdict);
    }
}

static void a_token_has_8192_bytes_at_most(void)
{
    char payload[6200] = "{\"exp\":1e20,\"x\":\"";
    size_t start = strlen(payload);

    for (size_t len = 6080; len < 6100; len++) {
        memset(payload + start, 'x', len - start - 2);
        memcpy(payload + len - 2, "\"}", 3);
        const char *token = token_of(HEADER, payload, NULL, NULL, false);
        bool fits = strlen(token + strlen("Bearer ")) <= 8192;
        CHECK_INT(once("{}", NULL, token), fits ? GUARD_PASS : GUARD_UNAUTHORIZED);
    }
}

/* Else its time would tell whoever has no key that another part is right. */
static void a_token_is_judged_once_its_signature_is_good(void)
{
    const char *token =
        token_of("{\"alg\":\"HS256\",\"kid\":\"k\"}", "{\"exp\":1}", NULL, NULL, false);

    CHECK_INT(once("{\"kid\":\"other\"}", NULL, token), GUARD_UNAUTHORIZED);
    CHECK(strstr(error.detail, "another key") != NULL);
    ((char *)token)[strlen(token) - 3] ^= 1;
    CHECK_INT(once("{\"kid\":\"other\"}", NULL, token), GUARD_UNAUTHORIZED);
    CHECK(strstr(error.detail, "signature") != NULL);
}

static EVP_PKEY *new_key(const char *kind)
{
    if (strncmp(kind, "RSA", 3) == 0)
        return EVP_RSA_gen((unsigned)strtoul(kind + 3, NULL, 10));
    if (strcmp(kind, "ED25519") == 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    return EVP_EC_gen(kind);
}

static char *pem_of(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;

    CHECK_INT(PEM_write_bio_PUBKEY(bio, key), 1);
    long len = BIO_get_mem_data(bio, &text);
    char *copy = strndup(text, (size_t)len);
    BIO_free(bio);
    return copy;
}

static void every_algorithm_verifies(void)
{
    static const struct {
        const char *name, *kind;
        const EVP_MD *(*md)(void);
        bool pss;
    } rows[] = {{"RS256", "RSA2048", EVP_sha256, false}, {"RS384", "RSA2048", EVP_sha384, false},
                {"RS512", "RSA2048", EVP_sha512, false}, {"PS256", "RSA2048", EVP_sha256, true},
                {"PS384", "RSA2048", EVP_sha384, true},  {"PS512", "RSA2048", EVP_sha512, true},
                {"ES256", "P-256", EVP_sha256, false},   {"ES384", "P-384", EVP_sha384, false},
                {"ES512", "P-521", EVP_sha512, false},   {"EdDSA", "ED25519", NULL, false}};
    char header[64];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        EVP_PKEY *key = new_key(rows[i].kind), *other = new_key(rows[i].kind);
        char *pem = pem_of(key);
        const EVP_MD *md = rows[i].md == NULL ? NULL : rows[i].md();
        snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", rows[i].name);
        printf("# %s\n", rows[i].name);
        CHECK_INT(once("{}", pem, token_of(header, "{\"exp\":1e20}", key, md, rows[i].pss)),
                  GUARD_PASS);
        CHECK_INT(once("{}", pem, token_of(header, "{\"exp\":1e20}", other, md, rows[i].pss)),
                  GUARD_UNAUTHORIZED);
        EVP_PKEY_free(key);
        EVP_PKEY_free(other);
        free(pem);
    }
}

static void weak_and_private_keys_are_refused(void)
{
    EVP_PKEY *weak = new_key("RSA1024");
    char *pem = pem_of(weak);
    struct keys keys = {.count = 0};

    CHECK_INT(keys_add_pem(&keys, pem, &error), WEIR_EINVAL);
    CHECK_INT(keys_add_pem(&keys, "-----BEGIN PRIVATE KEY-----\n", &error), WEIR_EINVAL);
    CHECK(strstr(error.detail, "private") != NULL);
    CHECK_INT((long long)keys.count, 0);
    EVP_PKEY_free(weak);
    free(pem);
}

static void malformed_tokens_are_refused(void)
{
    static const char *const bad[] = {"",
                                      ".",
                                      "..",
                                      "...",
                                      "a.b.c",
                                      "eyJhbGciOiJIUzI1NiJ9",
                                      "e30.e30.",
                                      "eyJhbGciOiJIUzI1NiJ9.e30.AA==",
                                      "eyJhbGciOiJIUzI1NiJ9.e30.A"};
    struct guard *guard = jwt_of("{}", NULL);
    char token[8300];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(token, sizeof(token), "Bearer %s", bad[i]);
        CHECK_INT(ask(guard, "authorization", token), GUARD_UNAUTHORIZED);
    }
    memset(token + 7, 'A', 8200);
    token[100] = token[200] = '.';
    token[8207] = '\0';
    CHECK_INT(ask(guard, "authorization", token), GUARD_UNAUTHORIZED);
    /* One signature, one spelling: a stray bit in the last character is another token. */
    snprintf(token, sizeof(token), "%s", hs256);
    token[strlen(token) - 1] = 'l';
    CHECK_INT(ask(guard, "authorization", token), GUARD_UNAUTHORIZED);
    guard_free(&guard);
}

TEST_MAIN(TEST(bearer_tokens), TEST(basic_credentials), TEST(header_and_query_keys),
          TEST(an_open_door_is_no_configuration), TEST(a_token_has_8192_bytes_at_most),
          TEST(a_token_is_judged_once_its_signature_is_good),
          TEST(without_memory_nobody_is_refused_for_good), TEST(all_must_pass),
          TEST(nobody_is_told_which_of_two_was_right), TEST(tokens_of_rfc_7515),
          TEST(signature_of_rfc_8037), TEST(a_key_of_another_curve_is_refused),
          TEST(algorithm_confusion_is_refused), TEST(claims_are_kept),
          TEST(every_algorithm_verifies), TEST(weak_and_private_keys_are_refused),
          TEST(malformed_tokens_are_refused))
