/* SPDX-License-Identifier: MIT */
/*
 * Owns: what converts into what without loss. Never does: round, cut off, or guess. Lock: none.
 */
#include "convert.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT_MAX      64 /* of a converted number or time */
#define EXACT_DIGITS  15 /* decimal digits that a double keeps */
#define FRACTION_MAX  6  /* digits of a second that columns keep */
#define DECIMAL_WHOLE 35 /* of DECIMAL(65,30) */
#define DECIMAL_PART  30

static int give(char **out, size_t *len, const char *text, size_t text_len)
{
    *out = malloc(text_len + 1);
    if (*out == NULL)
        return WEIR_ENOMEM;
    memcpy(*out, text, text_len);
    (*out)[text_len] = '\0';
    *len = text_len;
    return 0;
}

static int give_text(char **out, size_t *len, const char *text)
{
    return give(out, len, text, strlen(text));
}

/* ---- Numbers --------------------------------------------------------------------------------- */

static size_t digits(const char *at)
{
    return strspn(at, "0123456789");
}

/* Does it read as a JSON number (RFC 8259), from the first byte to the last? */
static bool is_number(const char *text, size_t len)
{
    const char *at = text + (*text == '-');
    size_t n = digits(at);

    if (n == 0 || (n > 1 && *at == '0'))
        return false;
    at += n;
    if (*at == '.') {
        n = digits(at + 1);
        at += 1 + n;
        if (n == 0)
            return false;
    }
    if (*at == 'e' || *at == 'E') {
        at += 1 + (at[1] == '+' || at[1] == '-');
        n = digits(at);
        at += n;
        if (n == 0)
            return false;
    }
    return (size_t)(at - text) == len;
}

/* A number, or a string that holds one and nothing else. */
static bool has_number(const struct raw *raw)
{
    return (raw->kind == RAW_NUMBER || raw->kind == RAW_STRING) && is_number(raw->text, raw->len);
}

/* 12, -7, 1.0, 12.000; no exponents, which hide how many digits there are. */
static int to_integer(const struct raw *raw, char **out, size_t *len)
{
    char text[TEXT_MAX];
    char *end;

    if (!has_number(raw))
        return WEIR_EREJECTED;
    errno = 0;
    long long number = strtoll(raw->text, &end, 10);
    if (*end == '.')
        end += 1 + strspn(end + 1, "0");
    if (errno != 0 || *end != '\0')
        return WEIR_EREJECTED;
    snprintf(text, sizeof(text), "%lld", number);
    return give_text(out, len, text);
}

/* Digits that count: without sign, point, exponent, leading and trailing zeros. */
static size_t significant(const char *text)
{
    size_t count = 0, zeros = 0;

    for (; *text != '\0' && *text != 'e' && *text != 'E'; text++) {
        if (*text < '0' || *text > '9' || (count == 0 && *text == '0'))
            continue;
        if (*text == '0') {
            zeros++;
            continue;
        }
        count += zeros + 1;
        zeros = 0;
    }
    return count;
}

/* The digits that count, one after the other. */
static void list_significant(const char *text, char *out, size_t size)
{
    size_t count = significant(text), n = 0;

    for (; n < count && n + 1 < size; text++)
        if (*text >= '0' && *text <= '9' && (n > 0 || *text != '0'))
            out[n++] = *text;
    out[n] = '\0';
}

/* Printed with as many digits as it came with, is it the same? */
static bool comes_back(const char *text, double number)
{
    char printed[TEXT_MAX], before[TEXT_MAX], after[TEXT_MAX];
    size_t count = significant(text);

    if (count <= EXACT_DIGITS)
        return true;
    if (count > EXACT_DIGITS + 2)
        return false;
    snprintf(printed, sizeof(printed), "%.*e", (int)count - 1, number);
    list_significant(text, before, sizeof(before));
    list_significant(printed, after, sizeof(after));
    return strcmp(before, after) == 0;
}

static int to_double(const struct raw *raw, char **out, size_t *len)
{
    if (!has_number(raw))
        return WEIR_EREJECTED;
    double number = strtod(raw->text, NULL);
    if (!isfinite(number) || (number == 0 && significant(raw->text) > 0) ||
        !comes_back(raw->text, number))
        return WEIR_EREJECTED;
    return give(out, len, raw->text, raw->len);
}

/* MySQL would round what is too long; here it is refused before. */
static bool fits_decimal(const char *text)
{
    const char *at = text + (*text == '-');
    size_t whole = digits(at);
    const char *part = at[whole] == '.' ? at + whole + 1 : "";

    return strpbrk(text, "eE") == NULL && whole <= DECIMAL_WHOLE && digits(part) <= DECIMAL_PART;
}

static int to_decimal(const struct raw *raw, enum schema_dialect dialect, char **out, size_t *len)
{
    if (!has_number(raw) || (dialect == SCHEMA_MYSQL && !fits_decimal(raw->text)))
        return WEIR_EREJECTED;
    return give(out, len, raw->text, raw->len);
}

static int to_boolean(const struct raw *raw, enum schema_dialect dialect, char **out, size_t *len)
{
    bool is_text = raw->kind == RAW_STRING || raw->kind == RAW_NUMBER;
    bool yes = raw->kind == RAW_TRUE ||
               (is_text && (strcmp(raw->text, "true") == 0 || strcmp(raw->text, "1") == 0));
    bool no = raw->kind == RAW_FALSE ||
              (is_text && (strcmp(raw->text, "false") == 0 || strcmp(raw->text, "0") == 0));

    if (!yes && !no)
        return WEIR_EREJECTED;
    if (dialect == SCHEMA_POSTGRESQL)
        return give_text(out, len, yes ? "true" : "false");
    return give_text(out, len, yes ? "1" : "0");
}

/* ---- Dates and times: ISO 8601 as RFC 3339 has it -------------------------------------------- */

static bool read_number(const char **at, int count, int min, int max, int *out)
{
    *out = 0;
    for (int i = 0; i < count; i++, ++*at) {
        if (**at < '0' || **at > '9')
            return false;
        *out = *out * 10 + (**at - '0');
    }
    return *out >= min && *out <= max;
}

static bool read_byte(const char **at, const char *any)
{
    if (**at == '\0' || strchr(any, **at) == NULL)
        return false;
    ++*at;
    return true;
}

static bool read_date(const char **at, struct tm *date)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;

    if (!read_number(at, 4, 1, 9999, &year) || !read_byte(at, "-") ||
        !read_number(at, 2, 1, 12, &month) || !read_byte(at, "-") ||
        !read_number(at, 2, 1, 31, &day))
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    *date = (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    return day <= days[month - 1] + (leap && month == 2);
}

/* A fraction's digits, filled up to microseconds; more are only good if they are zeros. */
static bool read_fraction(const char **at, int *microseconds)
{
    int count = 0;

    *microseconds = 0;
    if (**at != '.' && **at != ',')
        return true;
    for (++*at; **at >= '0' && **at <= '9'; ++*at, count++) {
        if (count < FRACTION_MAX)
            *microseconds = *microseconds * 10 + (**at - '0');
        else if (**at != '0')
            return false;
    }
    for (int i = count; i < FRACTION_MAX; i++)
        *microseconds *= 10;
    return count > 0;
}

/* "Z", "+01:00", "-0930"; nothing at all means UTC. Seconds east of Greenwich. */
static bool read_offset(const char **at, int *offset)
{
    int hours, minutes, sign = **at == '-' ? -1 : 1;

    *offset = 0;
    if (**at == '\0' || read_byte(at, "Zz"))
        return true;
    if (!read_byte(at, "+-") || !read_number(at, 2, 0, 23, &hours))
        return false;
    read_byte(at, ":");
    if (!read_number(at, 2, 0, 59, &minutes))
        return false;
    *offset = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool read_time(const char *at, time_t *seconds, int *microseconds)
{
    struct tm when;
    int hour, minute, second, offset;

    if (!read_date(&at, &when) || !read_byte(&at, "Tt ") || !read_number(&at, 2, 0, 23, &hour) ||
        !read_byte(&at, ":") || !read_number(&at, 2, 0, 59, &minute) || !read_byte(&at, ":") ||
        !read_number(&at, 2, 0, 59, &second) || !read_fraction(&at, microseconds) ||
        !read_offset(&at, &offset) || *at != '\0')
        return false;
    when.tm_hour = hour;
    when.tm_min = minute;
    when.tm_sec = second;
    *seconds = timegm(&when) - offset;
    return true;
}

static int to_timestamp(const struct raw *raw, enum schema_dialect dialect, char **out, size_t *len)
{
    static const char *const formats[] = {[SCHEMA_POSTGRESQL] =
                                              "%04d-%02d-%02d %02d:%02d:%02d.%06d+00",
                                          [SCHEMA_MYSQL] = "%04d-%02d-%02d %02d:%02d:%02d.%06d",
                                          [SCHEMA_SQLITE] = "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ"};
    char text[TEXT_MAX];
    struct tm when;
    time_t seconds;
    int microseconds;

    if (raw->kind != RAW_STRING || strlen(raw->text) != raw->len ||
        !read_time(raw->text, &seconds, &microseconds) || gmtime_r(&seconds, &when) == NULL ||
        when.tm_year + 1900 < 1 || when.tm_year + 1900 > 9999)
        return WEIR_EREJECTED;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof(text), formats[dialect], when.tm_year + 1900, when.tm_mon + 1,
             when.tm_mday, when.tm_hour, when.tm_min, when.tm_sec, microseconds);
#pragma GCC diagnostic pop
    return give_text(out, len, text);
}

static int to_date(const struct raw *raw, char **out, size_t *len)
{
    const char *at = raw->text;
    struct tm date;

    if (raw->kind != RAW_STRING || !read_date(&at, &date) || (size_t)(at - raw->text) != raw->len)
        return WEIR_EREJECTED;
    return give(out, len, raw->text, raw->len);
}

/* ---- Text ------------------------------------------------------------------------------------ */

/* MySQL's VARCHAR(255) counts characters. */
static size_t characters(const char *text, size_t len)
{
    size_t count = 0;

    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

static int to_text(const struct raw *raw, enum schema_type type, enum schema_dialect dialect,
                   char **out, size_t *len)
{
    const char *text = raw->text;
    size_t text_len = raw->len;

    if (raw->kind == RAW_TRUE || raw->kind == RAW_FALSE) {
        text = raw->kind == RAW_TRUE ? "true" : "false";
        text_len = strlen(text);
    }
    /* No NUL in PostgreSQL's text; MySQL would have to cut a string that is too long. */
    if ((dialect == SCHEMA_POSTGRESQL && memchr(text, '\0', text_len) != NULL) ||
        (dialect == SCHEMA_MYSQL && type == SCHEMA_STRING && characters(text, text_len) > 255))
        return WEIR_EREJECTED;
    return give(out, len, text, text_len);
}

static int to_uuid(const struct raw *raw, char **out, size_t *len)
{
    if (raw->kind != RAW_STRING || raw->len != 36)
        return WEIR_EREJECTED;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? raw->text[i] != '-'
                 : strchr("0123456789abcdefABCDEF", raw->text[i]) == NULL || raw->text[i] == '\0')
            return WEIR_EREJECTED;
    }
    return give(out, len, raw->text, raw->len);
}

/* RFC 8259, section 7, for a string that is to be a JSON value of its own. */
static int quote(const struct raw *raw, char **out, size_t *len)
{
    char *text = malloc(raw->len * 6 + 3), *at = text;

    if (text == NULL)
        return WEIR_ENOMEM;
    *at++ = '"';
    for (size_t i = 0; i < raw->len; i++) {
        char byte = raw->text[i];
        if (byte == '"' || byte == '\\')
            *at++ = '\\';
        if ((unsigned char)byte < 0x20)
            at += snprintf(at, 7, "\\u%04x", (unsigned)byte);
        else
            *at++ = byte;
    }
    *at++ = '"';
    *at = '\0';
    *out = text;
    *len = (size_t)(at - text);
    return 0;
}

static int to_document(const struct raw *raw, char **out, size_t *len)
{
    switch (raw->kind) {
    case RAW_TRUE: return give_text(out, len, "true");
    case RAW_FALSE: return give_text(out, len, "false");
    case RAW_STRING: return quote(raw, out, len);
    default: return give(out, len, raw->text, raw->len);
    }
}

int convert(const struct raw *raw, enum schema_type type, enum schema_dialect dialect, char **out,
            size_t *len)
{
    *out = NULL;
    *len = 0;
    if (raw->kind == RAW_ABSENT || raw->kind == RAW_NULL)
        return 0;
    switch (type) {
    case SCHEMA_INTEGER: return to_integer(raw, out, len);
    case SCHEMA_NUMBER: return to_double(raw, out, len);
    case SCHEMA_DECIMAL: return to_decimal(raw, dialect, out, len);
    case SCHEMA_BOOLEAN: return to_boolean(raw, dialect, out, len);
    case SCHEMA_TIMESTAMP: return to_timestamp(raw, dialect, out, len);
    case SCHEMA_DATE: return to_date(raw, out, len);
    case SCHEMA_UUID: return to_uuid(raw, out, len);
    case SCHEMA_DOCUMENT: return to_document(raw, out, len);
    default: return to_text(raw, type, dialect, out, len);
    }
}
