/* SPDX-License-Identifier: MIT */
/*
 * Owns: a line of JSON for each webhook.
 * Never does: break a body into lines: its line ends, which JSON allows between values, are blanks.
 * Lock: none.
 */
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "envelope.h"

struct weir_target {
    bool headers;
};

static const struct weir_setting options_table[] = {
    {"include_headers", WEIR_SETTING_BOOLEAN, 0, 0, 0, "true", "write the headers, too"},
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL}};

static int log_target_new(struct weir_target **out, const struct weir_settings *options,
                          struct weir_error *error)
{
    int status = weir_settings_check_options(options, options_table, error);

    *out = NULL;
    if (status != 0)
        return status;
    struct weir_target *target = calloc(1, sizeof(*target));
    if (target == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    target->headers = weir_settings_boolean(options, "include_headers", true);
    *out = target;
    return 0;
}

static void log_target_free(struct weir_target **target)
{
    free(*target);
    *target = NULL;
}

static int log_prepare(const struct weir_target *target, void *conn, int64_t deadline,
                       struct weir_error *error)
{
    (void)target;
    return log_driver.check(conn, deadline, error);
}

/* Inside a string a line's end is always an escape. */
static void make_line(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\n' || text[i] == '\r')
            text[i] = ' ';
    text[len] = '\n';
}

static int log_write(const struct weir_target *target, void *conn, struct weir_item *items,
                     size_t count, int64_t deadline, struct weir_error *error)
{
    for (size_t i = 0; i < count; i++) {
        size_t len;
        char *text = envelope_new(&items[i], target->headers, &len);
        if (text == NULL)
            return weir_fail(error, WEIR_ENOMEM, "out of memory");
        make_line(text, len);
        int status = log_put(conn, text, len + 1, deadline, error);
        free(text);
        if (status != 0)
            return status;
        items[i].status = 0;
    }
    return 0;
}

const struct weir_sink log_sink = {.abi = WEIR_SINK_ABI,
                                   .name = "log",
                                   .driver = &log_driver,
                                   .options = options_table,
                                   .target_new = log_target_new,
                                   .target_free = log_target_free,
                                   .prepare = log_prepare,
                                   .write = log_write};
