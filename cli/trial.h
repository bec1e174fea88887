/* SPDX-License-Identifier: MIT */
/* What verify and sign have in common: a request made up of options, and the check of a preset. */
#ifndef CLI_TRIAL_H
#define CLI_TRIAL_H

#include <stdbool.h>

#include "request.h"
#include "signature.h"

#define TRIAL_HEADERS_MAX 64
#define TRIAL_BODY_MAX    (64u << 20) /* bytes read from standard input */

struct trial {
    const char *preset, *id;
    struct secrets secrets;
    EVP_PKEY *key; /* a private key, for sign */
    bool json, help;
    double tolerance; /* below 0: the preset's */
    struct request_header headers[TRIAL_HEADERS_MAX];
    struct guard_request request;
    char *public_url, *path, *body; /* owned */
    void *check;
};

/*
 * Parse the arguments, read the body from standard input, make the check. False: it has said why on
 * standard error, or, with `help`, nothing is to be done. `signing`: a private key will do for a
 * secret, and --id is known.
 */
bool trial_begin(struct trial *trial, const char *usage, bool signing, int argc, char **argv);
void trial_end(struct trial *trial);

#define TRIAL_USAGE                                                                         \
    "  --preset NAME       a provider's way of signing (weir presets lists them)\n"         \
    "  --secret SECRET     may be given several times; others on this machine can see it\n" \
    "  --secret @FILE, --secret-file FILE\n"                                                \
    "                      the same from a file; one newline at its end does not count\n"   \
    "                      ($WEIR_SECRET, if neither is given)\n"                           \
    "  --url URL           as the sender knows it, for those who sign it\n"                 \
    "  --method METHOD     POST unless given\n"                                             \
    "  --now SECONDS       the time, since 1970; the present unless given\n"

#endif
