/* SPDX-License-Identifier: MIT */
/* A driver of one's own, for files that are appended to; its backend connection is a FILE. */
#include "custom_driver.h"

#include <stdio.h>

struct file_conn {
    FILE *file; /* the pool hands the bytes over zeroed */
};

static int file_open(void *conn, const struct weir_settings *settings, int64_t deadline,
                     struct weir_error *error)
{
    struct file_conn *own = conn;

    (void)deadline;
    own->file = fopen(weir_settings_string(settings, "path", ""), "a");
    return own->file != NULL ? 0 : weir_fail(error, WEIR_ECONNECT, "the file cannot be opened");
}

static int file_check(void *conn, int64_t deadline, struct weir_error *error)
{
    struct file_conn *own = conn;

    (void)deadline;
    return ferror(own->file) == 0 ? 0 : weir_fail(error, WEIR_ELOST, "a write has failed before");
}

static void file_interrupt(void *conn, int64_t deadline)
{
    (void)conn, (void)deadline; /* nothing done with a file blocks for long */
}

/* Called after each open, failed ones included. */
static int file_close(void *conn, int64_t deadline)
{
    struct file_conn *own = conn;

    (void)deadline;
    if (own->file != NULL)
        fclose(own->file);
    return 0;
}

/* Files have no codes of their own. */
static int file_classify(const char *native)
{
    (void)native;
    return WEIR_EINTERNAL;
}

int file_write(void *conn, const char *line)
{
    struct file_conn *own = conn;

    return fputs(line, own->file) >= 0 && fflush(own->file) == 0 ? 0 : WEIR_ELOST;
}

static const struct weir_setting file_settings[] = {
    {"path", WEIR_SETTING_STRING, WEIR_SETTING_REQUIRED, 0, 0, NULL, "the file to append to"},
    {NULL, WEIR_SETTING_STRING, 0, 0, 0, NULL, NULL},
};

const struct weir_driver file_driver = {
    .abi = WEIR_DRIVER_ABI,
    .name = "file",
    .conn_size = sizeof(struct file_conn),
    .settings = file_settings,
    .max_size = 2,
    .open = file_open,
    .check = file_check,
    .interrupt = file_interrupt,
    .close = file_close,
    .classify = file_classify,
};
