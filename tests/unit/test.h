/* SPDX-License-Identifier: MIT */
/*
 * A test program: cases in a table, TAP on standard output (testanything.org). Each case runs in
 * this process, one after the other; the first failed check ends its case.
 *
 *     static void adds_up(void) { CHECK(1 + 1 == 2); }
 *     TEST_MAIN(TEST(adds_up))
 */
#ifndef TEST_H
#define TEST_H

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

struct test {
    const char *name;
    void (*run)(void);
};

static jmp_buf test_failed;

#define CHECK(condition)                                             \
    do {                                                             \
        if (!(condition)) {                                          \
            printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition); \
            longjmp(test_failed, 1);                                 \
        }                                                            \
    } while (0)

/* Both values are printed when they differ. */
#define CHECK_INT(got, want)                                                              \
    do {                                                                                  \
        long long test_got = (got), test_want = (want);                                   \
        if (test_got != test_want) {                                                      \
            printf("# %s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #got, test_got, \
                   test_want);                                                            \
            longjmp(test_failed, 1);                                                      \
        }                                                                                 \
    } while (0)

#define CHECK_STRING(got, want)                                                     \
    do {                                                                            \
        const char *test_got = (got), *test_want = (want);                          \
        if (test_got == NULL || strcmp(test_got, test_want) != 0) {                 \
            printf("# %s:%d: %s is \"%s\", not \"%s\"\n", __FILE__, __LINE__, #got, \
                   test_got == NULL ? "(null)" : test_got, test_want);              \
            longjmp(test_failed, 1);                                                \
        }                                                                           \
    } while (0)

#define TEST(name)  \
    {               \
#name, name \
    }

#define TEST_MAIN(...)                                            \
    int main(void)                                                \
    {                                                             \
        static const struct test tests[] = {__VA_ARGS__};         \
        return test_run(tests, sizeof(tests) / sizeof(tests[0])); \
    }

static inline int test_run(const struct test *tests, size_t count)
{
    volatile int failures = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("1..%zu\n", count);
    for (volatile size_t i = 0; i < count; i++) {
        if (setjmp(test_failed) == 0) {
            tests[i].run();
            printf("ok %zu - %s\n", i + 1, tests[i].name);
        } else {
            printf("not ok %zu - %s\n", i + 1, tests[i].name);
            failures++;
        }
    }
    return failures != 0;
}

#endif
