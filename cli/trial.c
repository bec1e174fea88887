/* SPDX-License-Identifier: MIT */
/*
 * Owns: the options of verify and sign, and the request they describe.
 * Never does: print a secret. Lock: none.
 */
#include "trial.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base64.h"
#include "clock.h"
#include "hex.h"
#include "vault.h"

#define FILE_MAX     (SECRET_BYTES_MAX + 4) /* with a newline, one more to see it is too long, NUL */
#define MICROSECONDS 1000000

static bool refuse(const char *what, const char *argument)
{
    fprintf(stderr, "weir: %s: %s\n", what, argument);
    return false;
}

/* ---- Secrets --------------------------------------------------------------------------------- */

static bool add_secret(struct trial *trial, const char *text, size_t len)
{
    struct weir_error error;

    if (secrets_add(&trial->secrets, text, len, &error) == 0)
        return true;
    return refuse("secret", error.detail);
}

static bool add_key(struct trial *trial, const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);

    EVP_PKEY_free(trial->key);
    trial->key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return trial->key != NULL || refuse("secret", "cannot be read as a private key");
}

/* Out of a file, one newline at its end aside; a private key in PEM only if it is to sign. */
static bool add_file(struct trial *trial, const char *path, bool signing)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        return refuse(path, strerror(errno));
    char *text = vault_alloc(FILE_MAX);
    size_t len = text == NULL ? 0 : fread(text, 1, FILE_MAX - 1, file);
    fclose(file);
    if (text == NULL)
        return refuse(path, "out of memory");
    bool good;
    if (signing && strstr(text, "PRIVATE KEY-----") != NULL) {
        good = add_key(trial, text);
    } else {
        good = add_secret(trial, text, secret_file_len(text, len));
    }
    vault_free(text, FILE_MAX);
    return good;
}

/* As it is, or behind an @ the name of its file. */
static bool add_given(struct trial *trial, const char *text, bool signing)
{
    return text[0] == '@' ? add_file(trial, text + 1, signing)
                          : add_secret(trial, text, strlen(text));
}

/* ---- The request ----------------------------------------------------------------------------- */

static bool set_url(struct trial *trial, const char *url)
{
    const char *host = strstr(url, "://");
    const char *path = host == NULL ? NULL : host + 3 + strcspn(host + 3, "/?");

    if (path == NULL || path == host + 3)
        return refuse("not a URL", url);
    free(trial->public_url);
    free(trial->path);
    trial->public_url = strndup(url, (size_t)(path - url));
    trial->path = strdup(path);
    if (trial->public_url == NULL || trial->path == NULL)
        return refuse("url", "out of memory");
    char *query = strchr(trial->path, '?');
    if (query != NULL)
        *query = '\0';
    trial->request.query = query == NULL ? NULL : query + 1;
    return true;
}

/* Changed in place: the name in lower case, a NUL behind it and behind the value. */
static bool add_header(struct trial *trial, char *text)
{
    char *colon = strchr(text, ':');

    if (colon == NULL || colon == text)
        return refuse("not a header", text);
    if (trial->request.headers_count == TRIAL_HEADERS_MAX)
        return refuse("too many headers", text);
    *colon = '\0';
    for (char *at = text; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at | 0x20);
    char *value = colon + 1 + strspn(colon + 1, " \t"), *end = value + strlen(value);
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
    trial->headers[trial->request.headers_count++] = (struct request_header){text, value};
    return true;
}

static bool set_number(double *out, const char *text, const char *name)
{
    char *end;

    errno = 0;
    *out = strtod(text, &end);
    if (end != text && *end == '\0' && errno == 0 && *out >= 0 && *out < 1e12)
        return true;
    return refuse(name, "must be a number of seconds");
}

static bool set_now(struct trial *trial, const char *text)
{
    double seconds;

    if (!set_number(&seconds, text, "--now"))
        return false;
    trial->request.now = (int64_t)(seconds * MICROSECONDS);
    return true;
}

static bool read_body(struct trial *trial)
{
    size_t room = 1 << 16, len = 0;
    char *body = malloc(room);

    while (body != NULL) {
        len += fread(body + len, 1, room - len, stdin);
        if (len < room)
            break;
        char *more = room >= TRIAL_BODY_MAX ? NULL : realloc(body, 2 * room);
        if (more == NULL)
            break;
        body = more;
        room *= 2;
    }
    trial->body = body;
    trial->request.body = (const unsigned char *)body;
    trial->request.body_len = len;
    if (ferror(stdin))
        return refuse("standard input", "cannot be read");
    return (body != NULL && len < room) || refuse("standard input", "is too long");
}

/* ---- Options --------------------------------------------------------------------------------- */

static const struct option options[] = {{"preset", required_argument, NULL, 'p'},
                                        {"secret", required_argument, NULL, 's'},
                                        {"secret-file", required_argument, NULL, 'f'},
                                        {"url", required_argument, NULL, 'u'},
                                        {"method", required_argument, NULL, 'm'},
                                        {"now", required_argument, NULL, 'n'},
                                        {"tolerance", required_argument, NULL, 't'},
                                        {"header", required_argument, NULL, 'k'},
                                        {"id", required_argument, NULL, 'i'},
                                        {"json", no_argument, NULL, 'j'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};

/* What there is to set of a verdict, or of a signature that is made. */
static bool is_other_verbs(int letter, bool signing)
{
    return signing ? letter == 't' || letter == 'j' : letter == 'i';
}

static bool take(struct trial *trial, int letter, char *value, bool signing)
{
    switch (letter) {
    case 'p': trial->preset = value; return true;
    case 's': return add_given(trial, value, signing);
    case 'f': return add_file(trial, value, signing);
    case 'u': return set_url(trial, value);
    case 'm': trial->request.method = value; return true;
    case 'n': return set_now(trial, value);
    case 'i': trial->id = value; return true;
    case 'k': return add_header(trial, value);
    case 't': return set_number(&trial->tolerance, value, "--tolerance");
    case 'j': trial->json = true; return true;
    case 'h': trial->help = true; return false;
    default: return false;
    }
}

static bool parse(struct trial *trial, bool signing, int argc, char **argv)
{
    int letter;

    optind = 1;
    while ((letter = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (letter == '?' || letter == ':')
            return refuse(letter == ':' ? "needs a value" : "unknown argument", argv[optind - 1]);
        if (is_other_verbs(letter, signing))
            return refuse("not an option of this verb", letter == 'i'   ? "--id"
                                                        : letter == 'j' ? "--json"
                                                                        : "--tolerance");
        if (!take(trial, letter, optarg, signing))
            return false;
    }
    if (optind < argc)
        return refuse("unknown argument", argv[optind]);
    if (trial->preset == NULL)
        return refuse("--preset", "is required");
    const char *secret = getenv("WEIR_SECRET");
    if (trial->secrets.count > 0 || trial->key != NULL)
        return true;
    return secret != NULL ? add_secret(trial, secret, strlen(secret))
                          : refuse("--secret", "is required");
}

/* ---- The check ------------------------------------------------------------------------------- */

static int make(struct trial *trial, const struct secrets *secrets, struct weir_error *error)
{
    json_t *object = json_pack("{s:s,s:s}", "type", "signature", "preset", trial->preset);

    if (trial->tolerance >= 0)
        json_object_set_new(object, "tolerance", json_real(trial->tolerance));
    int status = check_signature.make(&trial->check, object, secrets, error);
    json_decref(object);
    return status;
}

/* The public half of a private key, as one of the forms in which presets have it. */
static bool write_public(EVP_PKEY *key, int form, char *text, size_t room)
{
    unsigned char bytes[512], *at = bytes;
    size_t len = sizeof(bytes);
    bool raw = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 &&
               EVP_PKEY_get_raw_public_key(key, bytes, &len) == 1;

    if (form == 0 && raw) {
        int mark = snprintf(text, room, "whpk_");
        return base64_encode(BASE64_PLAIN, bytes, len, text + mark, room - (size_t)mark);
    }
    if (form == 1 && raw) {
        hex_encode(bytes, len, text);
        return true;
    }
    int der = i2d_PUBKEY(key, NULL) <= (int)sizeof(bytes) ? i2d_PUBKEY(key, &at) : 0;
    return form == 2 && der > 0 && base64_encode(BASE64_PLAIN, bytes, (size_t)der, text, room);
}

/* The form that the preset takes, and takes for a public key. */
static int make_for_key(struct trial *trial, struct weir_error *error)
{
    char text[1100];

    for (int form = 0; form <= 2; form++) {
        struct secrets secrets = {.count = 0};
        if (!write_public(trial->key, form, text, sizeof(text)))
            continue;
        int status = secrets_add(&secrets, text, strlen(text), error);
        if (status == 0)
            status = make(trial, &secrets, error);
        secrets_fini(&secrets);
        if (status == 0 && signature_is_asymmetric(trial->check))
            return 0;
        if (trial->check != NULL)
            check_signature.free(trial->check);
        trial->check = NULL;
    }
    return weir_fail(error, WEIR_EINVAL,
                     "a private key of this kind does not sign for this preset");
}

/* An Ed25519 private key as it is handed out: 64 digits of hex, or base64 behind whsk_. */
static EVP_PKEY *read_seed(const struct secret *secret)
{
    static const char mark[] = "whsk_";
    const char *text = (const char *)secret->bytes;
    unsigned char bytes[64];
    bool marked = strncmp(text, mark, strlen(mark)) == 0;
    long len = marked ? base64_decode(BASE64_PLAIN, text + strlen(mark), secret->len - strlen(mark),
                                      bytes, sizeof(bytes))
                      : hex_decode(text, secret->len, bytes, sizeof(bytes));
    bool good = len == 32 || (len == 64 && marked); /* the public half may stand behind it */
    EVP_PKEY *key = good ? EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, bytes, 32) : NULL;

    OPENSSL_cleanse(bytes, sizeof(bytes));
    return key;
}

static bool is_private(const struct trial *trial)
{
    const struct secret *first = &trial->secrets.items[0];

    return trial->secrets.count > 0 && strncmp((const char *)first->bytes, "whsk_", 5) == 0;
}

/* A preset that verifies by a public key is signed for with the private one. */
static int make_for_signing(struct trial *trial, struct weir_error *error)
{
    int status = trial->key != NULL || is_private(trial) ? 0 : make(trial, &trial->secrets, error);

    if (status != 0 || (trial->check != NULL && !signature_is_asymmetric(trial->check)))
        return status;
    if (trial->check != NULL)
        check_signature.free(trial->check);
    trial->check = NULL;
    if (trial->key == NULL)
        trial->key = read_seed(&trial->secrets.items[0]);
    if (trial->key == NULL)
        return weir_fail(error, WEIR_EINVAL, "must be a private key: PEM, hex or whsk_");
    return make_for_key(trial, error);
}

static bool make_check(struct trial *trial, bool signing)
{
    struct weir_error error = {.status = 0};
    int status = signing ? make_for_signing(trial, &error) : make(trial, &trial->secrets, &error);

    if (status != 0)
        return refuse(error.key[0] == '\0' ? "secret" : error.key, error.detail);
    if (trial->public_url == NULL && check_signature.needs_url(trial->check))
        return refuse("--url", "is required: this preset signs it");
    return true;
}

bool trial_begin(struct trial *trial, const char *usage, bool signing, int argc, char **argv)
{
    *trial = (struct trial){.tolerance = -1};
    trial->request.method = "POST";
    trial->request.now = clock_wall_us();
    trial->request.headers = trial->headers;
    bool good = parse(trial, signing, argc, argv);
    if (!good)
        fputs(usage, trial->help ? stdout : stderr);
    if (!good || !make_check(trial, signing) || !read_body(trial))
        return false;
    trial->request.public_url = trial->public_url;
    trial->request.path = trial->path == NULL ? "" : trial->path;
    return true;
}

void trial_end(struct trial *trial)
{
    if (trial->check != NULL)
        check_signature.free(trial->check);
    secrets_fini(&trial->secrets);
    EVP_PKEY_free(trial->key);
    free(trial->public_url);
    free(trial->path);
    free(trial->body);
}
