/* SPDX-License-Identifier: MIT */
/*
 * The operator's log: one line for each event, logfmt or JSON, on standard error. Never a payload
 * and never a secret.
 *
 *     log_event(LOG_WARNING, "reload-rejected", "file", path, "line", "12", NULL);
 *
 * Any thread. A line is written whole. Between log_start and log_stop nobody waits for whoever
 * reads the log: if that one stands still, lines are dropped past a megabyte, and later counted.
 */
#ifndef GATEWAY_LOG_H
#define GATEWAY_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };

#define LOG_LINE_MAX 2048 /* bytes in a line; longer values are cut and end in "..." */

/* Before the first event, and at a reload. */
void log_configure(enum log_format format, enum log_level level);

/* From now on a thread writes the lines. False if there is none to be had. */
bool log_start(void);
/* Write what waits, for as long as the reader takes it and until the deadline; end the thread. */
void log_stop(int64_t deadline);

/* Pairs of key and value (a NULL value leaves the pair out), ended by a NULL key. */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));

/* Parse "debug", "info", ... and "logfmt", "json"; false if it is none of them. */
bool log_level_parse(const char *text, enum log_level *level);
bool log_format_parse(const char *text, enum log_format *format);

#endif
