/* SPDX-License-Identifier: MIT */
/* A driver of your own, with settings: journals, files that are appended to a line at a time. */
#include "toy.h"

struct journal {
    FILE *file; /* the pool hands these bytes over zeroed */
    bool unfinished;
};

static int journal_open(void *conn, const struct weir_settings *settings, int64_t deadline,
                        struct weir_error *error)
{
    struct journal *journal = conn;

    (void)deadline; /* opening a file waits for nobody */
    journal->file = fopen(weir_settings_string(settings, "path", ""), "a");
    return journal->file != NULL ? 0 : weir_fail(error, WEIR_ECONNECT, "it cannot be opened");
}

/* Now and then, before an idle one is lent; with a server, a round trip. */
static int journal_check(void *conn, int64_t deadline, struct weir_error *error)
{
    (void)deadline;
    return !ferror(((struct journal *)conn)->file) ? 0 : weir_fail(error, WEIR_ELOST, "is broken");
}

/* After each lease: what the borrower left half done is ended. */
static int journal_reset(void *conn, int64_t deadline, struct weir_error *error)
{
    struct journal *journal = conn;

    if (journal->unfinished)
        fputs(" (cut off)\n", journal->file);
    journal->unfinished = false;
    return journal_check(conn, deadline, error);
}

static int journal_close(void *conn, int64_t deadline)
{
    (void)deadline;
    FILE *file = ((struct journal *)conn)->file;
    return file != NULL ? fclose(file) : 0; /* NULL: the open has failed */
}

static const struct weir_setting journal_settings[] = {
    {"path", WEIR_SETTING_STRING, WEIR_SETTING_REQUIRED, 0, 0, NULL, "the file to append to"},
    {.name = NULL}};

static const struct weir_driver journal_driver = {.abi = WEIR_DRIVER_ABI,
                                                  .name = "journal",
                                                  .conn_size = sizeof(struct journal),
                                                  .settings = journal_settings,
                                                  .max_size = 1,
                                                  .open = journal_open,
                                                  .check = journal_check,
                                                  .reset = journal_reset,
                                                  .interrupt = toy_interrupt,
                                                  .close = journal_close,
                                                  .classify = toy_classify};

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "journal.txt";
    struct weir_error error = {.detail = ""};
    struct weir_registry *registry = NULL;
    struct weir_keeper *keeper = NULL;
    struct weir_lease lease = {.conn = NULL};
    int failed = toy_begin(&registry, &keeper, &journal_driver, &error) ||
                 toy_configure(registry, "journal", "path", path, &error) ||
                 weir_acquire(registry, "example", NULL, weir_now() + 5 * SECOND, &lease, &error);

    if (!failed) {
        struct journal *journal = lease.conn;
        journal->unfinished = fputs("a line that nobody ends", journal->file) >= 0;
        weir_release(registry, &lease, 0);
        printf("%s has one line more\n", path);
    }
    return toy_end(&registry, &keeper, failed ? error.status : 0, &error);
}
