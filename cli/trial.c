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

#define FILE_MAX     (SECRET_BYTES_MAX + 2)
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
        len -= len > 0 && text[len - 1] == '\n';
        good = add_secret(trial, text, len);
    }
    vault_free(text, FILE_MAX);
    return good;
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

/* Changed in place: the name in lower case, a NUL behind it. */
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
    trial->headers[trial->request.headers_count++] =
        (struct request_header){text, colon + 1 + strspn(colon + 1, " \t")};
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
                                        {"header", required_argument, NULL, 'h'},
                                        {"id", required_argument, NULL, 'i'},
                                        {"json", no_argument, NULL, 'j'},
                                        {"help", no_argument, NULL, 'H'},
                                        {NULL, 0, NULL, 0}};

static bool take(struct trial *trial, int letter, char *value, bool signing)
{
    switch (letter) {
    case 'p': trial->preset = value; return true;
    case 's': return add_secret(trial, value, strlen(value));
    case 'f': return add_file(trial, value, signing);
    case 'u': return set_url(trial, value);
    case 'm': trial->request.method = value; return true;
    case 'n': return set_now(trial, value);
    case 'i': trial->id = value; return true;
    case 'h': return add_header(trial, value);
    case 't': return set_number(&trial->tolerance, value, "--tolerance");
    case 'j': trial->json = true; return true;
    case 'H': trial->help = true; return false;
    default: return false; /* getopt has said why */
    }
}

static bool parse(struct trial *trial, bool signing, int argc, char **argv)
{
    int letter;

    optind = 1;
    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!take(trial, letter, optarg, signing))
            return false;
    if (optind < argc)
        return refuse("unknown argument", argv[optind]);
    if (trial->preset == NULL)
        return refuse("--preset", "is required");
    if (trial->secrets.count == 0 && trial->key == NULL)
        return refuse("--secret", "is required");
    return true;
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

/* The public half of a private key as a secret of this preset: in hex, or as SubjectPublicKeyInfo.
 */
static int make_for_key(struct trial *trial, struct weir_error *error)
{
    unsigned char bytes[512], *at = bytes;
    char text[1100];
    struct secrets secrets = {.count = 0};
    size_t len = sizeof(bytes);

    if (EVP_PKEY_get_base_id(trial->key) == EVP_PKEY_ED25519 &&
        EVP_PKEY_get_raw_public_key(trial->key, bytes, &len) == 1) {
        hex_encode(bytes, len, text);
    } else {
        int der =
            i2d_PUBKEY(trial->key, NULL) <= (int)sizeof(bytes) ? i2d_PUBKEY(trial->key, &at) : 0;
        if (der <= 0 || !base64_encode(BASE64_PLAIN, bytes, (size_t)der, text, sizeof(text)))
            return weir_fail(error, WEIR_EINVAL, "cannot be used");
    }
    int status = secrets_add(&secrets, text, strlen(text), error);
    if (status == 0)
        status = make(trial, &secrets, error);
    secrets_fini(&secrets);
    return status;
}

static bool make_check(struct trial *trial)
{
    struct weir_error error = {.status = 0};
    int status =
        trial->key != NULL ? make_for_key(trial, &error) : make(trial, &trial->secrets, &error);

    return status == 0 || refuse(error.key[0] == '\0' ? "secret" : error.key, error.detail);
}

bool trial_begin(struct trial *trial, const char *usage, bool signing, int argc, char **argv)
{
    *trial = (struct trial){.tolerance = -1};
    trial->request.method = "POST";
    trial->request.now = clock_wall_us();
    trial->request.headers = trial->headers;
    bool good = parse(trial, signing, argc, argv);
    if (trial->help)
        fputs(usage, stdout);
    else if (!good)
        fputs("weir: --help says more\n", stderr);
    if (!good || !make_check(trial) || !read_body(trial))
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
