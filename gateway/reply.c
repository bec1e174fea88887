/* SPDX-License-Identifier: MIT */
/*
 * Owns: status lines and headers of answers.
 * Never does: allocate, or name the software behind the door (no Server header).
 * Lock: none; a date belongs to one thread.
 */
#include "reply.h"

#include <string.h>

static const char *reason(unsigned status)
{
    switch (status) {
    case 200: return "OK";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    default: return ""; /* allowed by RFC 9112, 4 */
    }
}

static char *put(char *at, const char *text)
{
    size_t len = strlen(text);

    if (len > REPLY_FIELD_MAX)
        len = REPLY_FIELD_MAX;
    memcpy(at, text, len);
    return at + len;
}

static char *put_number(char *at, size_t number)
{
    char digits[20];
    size_t count = 0;

    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (count > 0)
        *at++ = digits[--count];
    return at;
}

static char *put_field(char *at, const char *name, const char *value)
{
    return put(put(put(at, name), value), "\r\n");
}

static const char *date_text(struct reply_date *date)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = time(NULL);
    struct tm tm;

    if (now != date->second && gmtime_r(&now, &tm) != NULL) {
        /* Names by hand: strftime would follow the locale. */
        strftime(date->text, sizeof(date->text), "xxx, %d xxx %Y %H:%M:%S GMT", &tm);
        memcpy(date->text, days[tm.tm_wday], 3);
        memcpy(date->text + 8, months[tm.tm_mon], 3);
        date->second = now;
    }
    return date->text;
}

size_t reply_head(char head[REPLY_HEAD_MAX], const struct answer *answer,
                  enum reply_connection connection, struct reply_date *date)
{
    char *at = put(head, "HTTP/1.1 ");

    at = put_number(at, answer->status);
    at = put(put(put(at, " "), reason(answer->status)), "\r\n");
    at = put_field(at, "Date: ", date_text(date));
    if (answer->content_type != NULL)
        at = put_field(at, "Content-Type: ", answer->content_type);
    if (answer->status != 204) {
        at = put_number(put(at, "Content-Length: "), answer->body_len);
        at = put(at, "\r\n");
    }
    if (answer->nosniff)
        at = put_field(at, "X-Content-Type-Options: ", "nosniff");
    if (answer->allow != NULL)
        at = put_field(at, "Allow: ", answer->allow);
    if (answer->accept_encoding != NULL)
        at = put_field(at, "Accept-Encoding: ", answer->accept_encoding);
    if (answer->authenticate != NULL)
        at = put_field(at, "WWW-Authenticate: ", answer->authenticate);
    if (answer->retry_after > 0)
        at = put(put_number(put(at, "Retry-After: "), answer->retry_after), "\r\n");
    if (connection != REPLY_DEFAULT)
        at = put_field(at, "Connection: ", connection == REPLY_CLOSE ? "close" : "keep-alive");
    at = put(at, "\r\n");
    return (size_t)(at - head);
}
