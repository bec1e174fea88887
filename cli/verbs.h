/* SPDX-License-Identifier: MIT */
/* The verbs of the command line. Each takes its own arguments and returns the exit code. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include <stdbool.h>

enum exit_code { EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_CHECK };

int verb_serve(int argc, char **argv);
int verb_check(int argc, char **argv);
int verb_convert(int argc, char **argv);
int verb_reload(int argc, char **argv);
int verb_status(int argc, char **argv);
int verb_pools(int argc, char **argv);
int verb_verify(int argc, char **argv);
int verb_sign(int argc, char **argv);
int verb_presets(int argc, char **argv);
int verb_version(int argc, char **argv);

/* ---- options.c: what several verbs understand ---- */
#define OPTIONS_WORDS_MAX 4

struct options {
    const char *config, *admin, *token, *listen, *state, *output;
    const char *words[OPTIONS_WORDS_MAX]; /* what is no option */
    int words_count;
    bool json, connect, strict, help, unloadable; /* a --plugin that could not be loaded */
};

/*
 * Parse argv behind the verb; `allowed` has a letter for each option: c(onfig) a(dmin) t(oken)
 * l(isten) s(tate) j(son) C(onnect) S(trict) p(lugin) o(utput), or W for words beside them; behind
 * "--" all are words. False: usage was printed, leave with EXIT_USAGE.
 */
bool options_parse(struct options *options, const char *allowed, const char *usage, int argc,
                   char **argv);

/* ---- check.c, convert.c: what each says for the other ---- */
struct problems;

/* Each problem on a line of standard error. */
void check_print(const struct problems *problems);
/* What each key of files in map form becomes, a line each; nothing of others. */
void convert_tell(const char *directory);

#endif
