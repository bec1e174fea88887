/* SPDX-License-Identifier: MIT */
/*
 * weir sign: a request as a provider would send it, to try a webhook out.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trial.h"
#include "verbs.h"

#define TEXT_MAX    4096
#define SEGMENT_MAX 128

static const char usage[] =
    "usage: weir sign --preset NAME --secret SECRET [OPTION...] < BODY\n"
    "\n" TRIAL_USAGE "  --id ID             of the delivery, where the provider has one\n"
    "  --header 'K: V'     a header that is signed, too\n"
    "\n"
    "Prints the headers, one a line (curl -H @FILE takes them), and behind them the body, if the\n"
    "provider keeps a part of the signature in it. Presets that verify by a public key sign with\n"
    "a private one: --secret-file KEY.pem, or an Ed25519 key in hex or behind whsk_.\n"
    "\n"
    "Exit codes: 0 ok, 1 failed, 2 usage.\n";

struct letter {
    char headers[TEXT_MAX];
    json_t *body; /* NULL: it is no object, and stays as it is */
    bool changed;
};

/* ---- What is put into the body --------------------------------------------------------------- */

static json_t *value_of(const char *text)
{
    bool digits =
        text[0] != '\0' && strlen(text) <= 15 && strspn(text, "0123456789") == strlen(text);

    return digits ? json_integer((json_int_t)strtoll(text, NULL, 10)) : json_string(text);
}

static void put(json_t *object, const char *pointer, const char *value)
{
    char segment[SEGMENT_MAX];
    size_t len = strcspn(pointer + 1, "/");

    if (len >= SEGMENT_MAX)
        return;
    memcpy(segment, pointer + 1, len);
    segment[len] = '\0';
    if (pointer[1 + len] == '\0') {
        json_object_set_new(object, segment, value_of(value));
        return;
    }
    if (!json_is_object(json_object_get(object, segment)))
        json_object_set_new(object, segment, json_object());
    put(json_object_get(object, segment), pointer + 1 + len, value);
}

static void emit(void *context, const char *name, const char *pointer, const char *value)
{
    struct letter *letter = context;
    size_t len = strlen(letter->headers);

    if (name != NULL) {
        snprintf(letter->headers + len, TEXT_MAX - len, "%s: %s\n", name, value);
    } else if (letter->body != NULL && pointer[0] == '/') {
        put(letter->body, pointer, value);
        letter->changed = true;
    }
}

/* ---- Signing --------------------------------------------------------------------------------- */

static const char *timestamp_of(const struct trial *trial, char text[32])
{
    int64_t now = trial->request.now;
    time_t seconds = (time_t)(now / 1000000);
    struct tm tm;

    switch (signature_unit(trial->check)) {
    case SIGNATURE_MILLISECONDS: snprintf(text, 32, "%" PRId64, now / 1000); break;
    case SIGNATURE_ISO8601:
        strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
        break;
    default: snprintf(text, 32, "%" PRId64, now / 1000000);
    }
    return text;
}

static int sign(struct trial *trial, struct letter *letter, struct weir_error *error)
{
    char time[32];
    struct signature_key key = {.secret = &trial->secrets.items[0], .key = trial->key};

    letter->headers[0] = '\0';
    return signature_sign(trial->check, &trial->request, &key, timestamp_of(trial, time), trial->id,
                          emit, letter, error);
}

/* Twice: what the first round puts into the body is signed in the second. */
static int sign_all(struct trial *trial)
{
    struct letter letter = {.body = json_loadb(trial->body, trial->request.body_len, 0, NULL)};
    struct weir_error error = {.status = 0};
    int status = sign(trial, &letter, &error);

    if (letter.changed) {
        free(trial->body);
        trial->body = json_dumps(letter.body, JSON_COMPACT);
        trial->request.body = (const unsigned char *)trial->body;
        trial->request.body_len = trial->body == NULL ? 0 : strlen(trial->body);
        status = sign(trial, &letter, &error);
        free(trial->body);
        trial->body = json_dumps(letter.body, JSON_COMPACT);
    }
    if (status == 0)
        fputs(letter.headers, stdout);
    if (status == 0 && letter.changed && trial->body != NULL)
        puts(trial->body);
    if (status != 0)
        fprintf(stderr, "weir: cannot be signed: %s\n", error.detail);
    json_decref(letter.body);
    return status == 0 ? EXIT_OK : EXIT_FAILED;
}

int verb_sign(int argc, char **argv)
{
    struct trial trial;
    int code = EXIT_USAGE;

    if (trial_begin(&trial, usage, true, argc, argv))
        code = sign_all(&trial);
    else if (trial.help)
        code = EXIT_OK;
    trial_end(&trial);
    return code;
}
