/* SPDX-License-Identifier: MIT */
/*
 * Owns: the operator's log: making one line of each event.
 * Never does: allocate, wait for whoever reads the log (log_writer.c), or tell a payload.
 * Lock: none; format and level are atomic.
 */
#include "log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log_writer.h"
#include "text.h"

static atomic_int log_format = LOG_LOGFMT, log_level = LOG_INFO;

static const char *const level_names[] = {"debug", "info", "warning", "error"};

struct line {
    char bytes[LOG_LINE_MAX];
    size_t len;
    bool json, cut;
};

void log_configure(enum log_format format, enum log_level level)
{
    atomic_store(&log_format, (int)format);
    atomic_store(&log_level, (int)level);
}

bool log_level_parse(const char *text, enum log_level *level)
{
    for (int i = 0; i < 4; i++)
        if (strcmp(text, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    return false;
}

bool log_format_parse(const char *text, enum log_format *format)
{
    if (strcmp(text, "logfmt") != 0 && strcmp(text, "json") != 0)
        return false;
    *format = text[0] == 'j' ? LOG_JSON : LOG_LOGFMT;
    return true;
}

/* ---- Building a line; the last bytes are kept for what must still come ----------------------- */

#define TAIL 8 /* "...", a quote, a brace, a newline */

static void put(struct line *line, const char *bytes, size_t len)
{
    if (line->cut || line->len + len > LOG_LINE_MAX - TAIL) {
        line->cut = true;
        return;
    }
    memcpy(line->bytes + line->len, bytes, len);
    line->len += len;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* One character of a quoted value, escaped as JSON wants it; logfmt readers know it too. */
static size_t put_char(struct line *line, const char *at, size_t left)
{
    unsigned char first = (unsigned char)*at;
    size_t n = text_utf8_sequence(at, left);
    char escaped[8];

    if (n == 0) {
        put_text(line, "\xef\xbf\xbd");
        return 1;
    }
    if (first == '"' || first == '\\') {
        escaped[0] = '\\';
        escaped[1] = *at;
        put(line, escaped, 2);
    } else if (first == '\n') {
        put_text(line, "\\n");
    } else if (first < 0x20 || first == 0x7f) {
        snprintf(escaped, sizeof(escaped), "\\u%04x", first);
        put_text(line, escaped);
    } else {
        put(line, at, n);
    }
    return n;
}

static void put_quoted(struct line *line, const char *text)
{
    size_t left = strlen(text);

    put_text(line, "\"");
    while (left > 0 && !line->cut) {
        size_t n = put_char(line, text, left);
        text += n;
        left -= n;
    }
    if (line->cut) {
        memcpy(line->bytes + line->len, "...\"", 4);
        line->len += 4;
    } else {
        put_text(line, "\"");
    }
}

static bool is_plain(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_.:/+@[]";

    return text[0] != '\0' && text[strspn(text, plain)] == '\0';
}

static void put_pair(struct line *line, const char *key, const char *value)
{
    if (line->cut)
        return;
    if (line->json) {
        put_text(line, line->len == 0 ? "{" : ",");
        put_quoted(line, key);
        put_text(line, ":");
        put_quoted(line, value);
        return;
    }
    if (line->len > 0)
        put_text(line, " ");
    put_text(line, key);
    put_text(line, "=");
    if (is_plain(value))
        put_text(line, value);
    else
        put_quoted(line, value);
}

static void put_stamp(struct line *line)
{
    char stamp[CLOCK_STAMP_MAX];

    clock_stamp(clock_wall_us(), 3, stamp);
    put_pair(line, "ts", stamp);
}

static void finish(struct line *line)
{
    if (line->json)
        line->bytes[line->len++] = '}';
    line->bytes[line->len++] = '\n';
}

static void begin(struct line *line, enum log_level level, const char *event)
{
    *line = (struct line){.json = atomic_load(&log_format) == LOG_JSON};
    put_stamp(line);
    put_pair(line, "level", level_names[level]);
    put_pair(line, "event", event);
}

void log_event(enum log_level level, const char *event, ...)
{
    struct line line;
    va_list arguments;
    const char *key;

    if ((int)level < atomic_load(&log_level))
        return;
    begin(&line, level, event);
    va_start(arguments, event);
    while ((key = va_arg(arguments, const char *)) != NULL) {
        const char *value = va_arg(arguments, const char *);
        if (value != NULL)
            put_pair(&line, key, value);
    }
    va_end(arguments);
    finish(&line);
    log_writer_put(line.bytes, line.len);
}

/* ---- The thread that writes ------------------------------------------------------------------ */

static size_t lost_line(char *bytes, size_t room, uint64_t lost)
{
    struct line line;
    char count[24];

    snprintf(count, sizeof(count), "%" PRIu64, lost);
    begin(&line, LOG_WARNING, "log-lines-lost");
    put_pair(&line, "count", count);
    finish(&line);
    memcpy(bytes, line.bytes, line.len < room ? line.len : room);
    return line.len < room ? line.len : room;
}

bool log_start(void)
{
    return log_writer_start(lost_line);
}

void log_stop(int64_t deadline)
{
    log_writer_stop(deadline);
}
