/* SPDX-License-Identifier: MIT */
/*
 * Owns: when a request says that it was signed, and whether that is now.
 * Never does: read a clock; the request has the time. Lock: none.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json_place.h"
#include "scheme_parts.h"

#define MICROSECONDS 1000000

/* Beside the signature: the one part with that key. */
static bool pick_time(const struct scheme *scheme, const struct guard_request *request,
                      char text[SIGNATURE_ID_MAX])
{
    const char *list = scheme_header(request, &scheme->headers);
    size_t key = strlen(scheme->time_pick), found = 0;

    while (list != NULL && *list != '\0') {
        size_t len;
        const char *part = scheme_next_part(&list, scheme->separator, &len);
        if (len <= key || memcmp(part, scheme->time_pick, key) != 0 || part[key] != scheme->assign)
            continue;
        if (len - key - 1 >= SIGNATURE_ID_MAX || ++found > 1)
            return false;
        memcpy(text, part + key + 1, len - key - 1);
        text[len - key - 1] = '\0';
    }
    return found == 1;
}

bool scheme_time_text(const struct scheme *scheme, const struct guard_request *request,
                      char text[SIGNATURE_ID_MAX])
{
    char place[JSON_PLACE_MAX];
    const char *value = NULL;

    if (scheme->time_pick != NULL)
        return pick_time(scheme, request, text);
    if (scheme->time_headers.count > 0)
        value = scheme_header(request, &scheme->time_headers);
    else if (scheme->time_body != NULL && json_place(request, scheme->time_body, place))
        value = place;
    if (value == NULL || strlen(value) >= SIGNATURE_ID_MAX)
        return false;
    memcpy(text, value, strlen(value) + 1);
    return true;
}

/* Digits only, no sign, no fraction; 18 of them fit. */
static bool parse_number(const char *text, int64_t *number)
{
    size_t len = strlen(text);

    if (len == 0 || len > 18 || strspn(text, "0123456789") != len)
        return false;
    *number = (int64_t)strtoll(text, NULL, 10);
    return true;
}

/* "2021-03-25T05:09:27Z", and not what strptime takes for it as well: spaces, signs. */
static bool parse_iso8601(const char *text, int64_t *seconds)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
    struct tm tm = {.tm_isdst = 0};

    if (strlen(text) != sizeof(shape) - 1)
        return false;
    for (size_t i = 0; i < sizeof(shape) - 1; i++)
        if (shape[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
            return false;
    if (strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) == NULL)
        return false;
    *seconds = (int64_t)timegm(&tm);
    return true;
}

static bool parse_time(const struct scheme *scheme, const char *text, double *seconds)
{
    int64_t number;
    bool good = scheme->unit == SIGNATURE_ISO8601 ? parse_iso8601(text, &number)
                                                  : parse_number(text, &number);

    if (good)
        *seconds = scheme->unit == SIGNATURE_MILLISECONDS ? (double)number / 1000 : (double)number;
    return good;
}

bool scheme_timestamp(const struct scheme *scheme, const struct guard_request *request,
                      int64_t *seconds)
{
    char text[SIGNATURE_ID_MAX];
    double value;

    if (!scheme_time_text(scheme, request, text) || !parse_time(scheme, text, &value))
        return false;
    *seconds = (int64_t)value;
    return true;
}

const char *scheme_wrong_time(const struct scheme *scheme, const struct guard_request *request,
                              const char *text)
{
    double seconds, now = (double)request->now / MICROSECONDS;

    if (text == NULL)
        return scheme->tolerance > 0 ? "it does not say when it was signed" : NULL;
    if (!parse_time(scheme, text, &seconds))
        return "its timestamp cannot be read";
    return scheme->tolerance <= 0 || fabs(now - seconds) <= scheme->tolerance
               ? NULL
               : "its timestamp is not of our time";
}
