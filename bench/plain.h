/* SPDX-License-Identifier: MIT */
/*
 * For each server the plainest client that writes batches: what the server itself can take. A
 * failure ends the program.
 */
#ifndef BENCH_PLAIN_H
#define BENCH_PLAIN_H

#include <stdbool.h>
#include <weir/sink.h>

struct plain {
    const char *name;
    void *(*open)(const struct weir_settings *settings);
    void (*write)(void *client, const struct weir_item *items, size_t count);
    void (*close)(void *client);
};

const struct plain *plain_find(const char *name);

void bench_fail(const char *what) __attribute__((noreturn));
void bench_fill(struct weir_item *items, char (*ids)[WEIR_ID_LEN + 1], size_t count);

#endif
