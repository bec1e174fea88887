/* SPDX-License-Identifier: MIT */
#include "vault.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

static void gives_zeroed_memory_again(void)
{
    unsigned char *first = vault_alloc(100);

    CHECK(first != NULL);
    memset(first, 0xa5, 100);
    vault_free(first, 100);
    unsigned char *second = vault_alloc(120);
    CHECK(second == first); /* the same length class */
    for (size_t i = 0; i < 120; i++)
        CHECK_INT(second[i], 0);
    vault_free(second, 120);
}

static void wipes_what_is_given_back(void)
{
    char *text = vault_copy("correct horse battery staple", 28);

    CHECK_STRING(text, "correct horse battery staple");
    vault_free_string(text);
    CHECK(memcmp(text + sizeof(void *), "\0\0\0\0\0\0\0\0", 8) == 0);
}

static void has_a_maximum(void)
{
    CHECK(vault_alloc((size_t)VAULT_BLOCK_MAX + 1) == NULL);
    unsigned char *large = vault_alloc(VAULT_BLOCK_MAX);
    CHECK(large != NULL);
    large[VAULT_BLOCK_MAX - 1] = 1;
    vault_free(large, VAULT_BLOCK_MAX);
    vault_free(NULL, 1);
    vault_free_string(NULL);
}

/* One that is larger than an arena is mapped alone, and back with the system at once. */
static void large_ones_are_not_kept(void)
{
    for (int i = 0; i < 100; i++) {
        unsigned char *large = vault_alloc(VAULT_BLOCK_MAX / 4);
        CHECK(large != NULL && large[0] == 0);
        large[0] = 1;
        vault_free(large, VAULT_BLOCK_MAX / 4);
    }
}

/* "dd" among the flags of the mapping: do not dump (proc(5)). */
static void is_left_out_of_core_dumps(void)
{
    char *secret = vault_copy("hunter2", 7), line[512];
    FILE *maps = fopen("/proc/self/smaps", "r");
    bool inside = false, found = false;

    CHECK(secret != NULL && maps != NULL);
    while (fgets(line, sizeof(line), maps) != NULL) {
        uintptr_t from, to;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
            inside = (uintptr_t)secret >= from && (uintptr_t)secret < to;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, " dd") != NULL;
    }
    fclose(maps);
    CHECK(found);
    vault_free_string(secret);
}

TEST_MAIN(TEST(gives_zeroed_memory_again), TEST(wipes_what_is_given_back), TEST(has_a_maximum),
          TEST(large_ones_are_not_kept), TEST(is_left_out_of_core_dumps))
