/* SPDX-License-Identifier: MIT */
/*
 * The way of finished lines to standard error. Between start and stop a thread writes them, so
 * that a reader of the log that stands still stops nobody else: past LOG_BACKLOG bytes lines are
 * dropped, and counted in a line of their own once there is room. Without the thread, before
 * start, a line is written at once.
 */
#ifndef GATEWAY_LOG_WRITER_H
#define GATEWAY_LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_BACKLOG (1u << 20) /* bytes that wait for the reader */

/* Called by the thread for a line about `lost` others; returns its length. */
typedef size_t log_lost_line(char *bytes, size_t room, uint64_t lost);

/* False if there is no thread to be had. Once in a process. */
bool log_writer_start(log_lost_line *lost_line);

/*
 * Write what waits, until the deadline (weir_now's clock) at most, and end the thread. Later lines
 * are written at once if all could be written, else dropped: the reader still stands still.
 */
void log_writer_stop(int64_t deadline);

/* Take one line with its newline, len <= LOG_LINE_MAX. Any thread; never blocks after start. */
void log_writer_put(const char *line, size_t len);

#endif
