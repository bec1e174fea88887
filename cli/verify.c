/* SPDX-License-Identifier: MIT */
/*
 * weir verify: is this request signed? By the code that the daemon uses.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "trial.h"
#include "verbs.h"

static const char usage[] =
    "usage: weir verify --preset NAME --secret SECRET... [OPTION...] < BODY\n"
    "\n" TRIAL_USAGE
    "  --tolerance SECONDS by which its timestamp may differ, both ways; 0: any time\n"
    "  --header 'K: V'     a header of the request; may be given several times\n"
    "  --json              the verdict as JSON\n"
    "\n"
    "Exit codes: 0 accepted, 3 rejected (why is on standard error), 2 for a secret or an argument\n"
    "that cannot be used.\n";

static void print_json(const struct trial *trial, bool accepted, const char *reason)
{
    char id[SIGNATURE_ID_MAX];
    int64_t seconds;
    json_t *object = json_pack("{s:b}", "accepted", accepted);

    if (!accepted)
        json_object_set_new(object, "reason", json_string(reason));
    if (accepted && signature_delivery_id(trial->check, &trial->request, id))
        json_object_set_new(object, "id", json_string(id));
    if (accepted && signature_timestamp(trial->check, &trial->request, &seconds))
        json_object_set_new(object, "timestamp", json_integer(seconds));
    json_dumpf(object, stdout, JSON_COMPACT);
    puts("");
    json_decref(object);
}

/* It was signed, and may be anything for that: a control character is shown as a question mark. */
static void print_id(const char *id)
{
    fputs(" id=", stdout);
    for (; *id != '\0'; id++)
        putchar((unsigned char)*id < ' ' || *id == 0x7f ? '?' : *id);
}

static void print_line(const struct trial *trial)
{
    char id[SIGNATURE_ID_MAX];
    int64_t seconds;

    fputs("accepted", stdout);
    if (signature_delivery_id(trial->check, &trial->request, id))
        print_id(id);
    if (signature_timestamp(trial->check, &trial->request, &seconds))
        printf(" timestamp=%" PRId64, seconds);
    puts("");
}

static int judge(const struct trial *trial)
{
    struct weir_error error = {.status = 0};
    bool accepted = check_signature.judge(trial->check, &trial->request, &error) == 0;

    if (trial->json)
        print_json(trial, accepted, error.detail);
    else if (accepted)
        print_line(trial);
    if (!accepted)
        fprintf(stderr, "rejected: %s\n", error.detail);
    return accepted ? EXIT_OK : EXIT_CHECK;
}

int verb_verify(int argc, char **argv)
{
    struct trial trial;
    int code = EXIT_USAGE;

    if (trial_begin(&trial, usage, false, argc, argv))
        code = judge(&trial);
    else if (trial.help)
        code = EXIT_OK;
    trial_end(&trial);
    return code;
}
