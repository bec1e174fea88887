/* SPDX-License-Identifier: MIT */
/*
 * The check of a body against another reader of JSON: what json_check lets through, jansson reads,
 * and the other way round. They may differ about the size of numbers and about NUL in keys; and
 * jansson takes a NUL byte after the value for the end of the text, as it was for a C string.
 */
#include "fuzz.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "json.h"

#define DEPTH  64
#define STRING 256

static bool forgiven(const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);

    return code == json_error_numeric_overflow || code == json_error_null_byte_in_key;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = size == 0 ? "" : (const char *)data;
    static const struct json_limits limits = {.depth = DEPTH, .string = STRING};
    json_error_t error;

    enum json_verdict verdict = json_check(text, size, &limits);
    PROMISE(strcmp(json_verdict_name(verdict), "unknown") != 0);
    PROMISE(verdict != JSON_MEMORY);
    json_t *value = json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (verdict == JSON_OK)
        PROMISE(value != NULL || forgiven(&error));
    else if (verdict != JSON_DEPTH && verdict != JSON_LONG && memchr(text, '\0', size) == NULL)
        PROMISE(value == NULL);
    json_decref(value);
    /* A check leaves nothing behind: the same question, the same answer. */
    PROMISE(json_check(text, size, &limits) == verdict);
    return 0;
}
