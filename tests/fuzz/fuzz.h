/* SPDX-License-Identifier: MIT */
/*
 * A fuzz target: takes any bytes and aborts if a promise is broken. Built with replay.c it runs
 * over the files of its corpus, as `make check` does. To look for more: `make fuzz`, or
 *
 *     tests/fuzz/run json 60
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unlike assert, in every build. */
#define PROMISE(condition)                                                          \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                \
        }                                                                           \
    } while (0)

#endif
