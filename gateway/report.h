/* SPDX-License-Identifier: MIT */
/* Telling of problems with the configuration: as text, as JSON, in the log. */
#ifndef GATEWAY_REPORT_H
#define GATEWAY_REPORT_H

#include <jansson.h>
#include <stddef.h>

#include "config.h"

#define REPORT_LINE_MAX 1024 /* bytes of a problem as text, with its NUL; longer ones are cut */

/* "file:line: pointer: message", without what is not known. */
void report_line(const struct problem *problem, char *text, size_t len);

/* [{"file", "line", "pointer", "key", "message"}, ...]; null for what is not known. */
json_t *report_json(const struct problems *problems);

/* A line of the log for each. */
void report_log(const struct problems *problems, const char *event);

#endif
