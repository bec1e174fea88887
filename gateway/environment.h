/* SPDX-License-Identifier: MIT */
/* The environment inside configuration strings: {$VAR} and {$VAR:default}. */
#ifndef GATEWAY_ENVIRONMENT_H
#define GATEWAY_ENVIRONMENT_H

#include <stddef.h>

#define ENVIRONMENT_NAME_MAX 127 /* bytes in a variable's name */

/*
 * `text` with each {$VAR} replaced by the variable's value, byte for byte, which is not expanded
 * again. A default may hold any character but '}'. malloc'd and the caller's. NULL if a variable
 * is unset and has no default, or the braces are not closed: then missing holds its name (cut to
 * fit); or without memory: then missing is empty.
 */
char *environment_expand(const char *text, char missing[ENVIRONMENT_NAME_MAX + 1]);

/*
 * Move all variables to where no core dump shows them (vault.h), and overwrite the place they came
 * from. getenv finds them as before. Once, before there is a second thread, and before anything
 * calls setenv. A variable for which there is no memory stays where it is.
 */
void environment_hide(void);

#endif
