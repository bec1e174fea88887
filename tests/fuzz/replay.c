/* SPDX-License-Identifier: MIT */
/* A main for a fuzz target without a fuzzer: gives it every file of the directories named. */
#include <dirent.h>
#include <string.h>

#include "fuzz.h"

#define INPUT_MAX (1u << 20) /* bytes of one file */

static unsigned replayed;

static int replay(const char *directory, const char *name)
{
    static uint8_t bytes[INPUT_MAX];
    char path[4096];

    int len = snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = len < (int)sizeof(path) ? fopen(path, "rb") : NULL;
    if (file == NULL) {
        perror(path);
        return 1;
    }
    size_t size = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    /* Memory of exactly its size, so that a sanitizer sees every byte beyond. */
    uint8_t *exact = malloc(size == 0 ? 1 : size);
    PROMISE(exact != NULL);
    memcpy(exact, bytes, size);
    printf("%s\n", path); /* the last one printed is the culprit */
    fflush(stdout);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    replayed++;
    return 0;
}

int main(int argc, char **argv)
{
    int failed = 0;

    for (int i = 1; i < argc; i++) {
        DIR *directory = opendir(argv[i]);
        const struct dirent *entry;
        if (directory == NULL) {
            perror(argv[i]);
            return 1;
        }
        while ((entry = readdir(directory)) != NULL)
            if (entry->d_name[0] != '.')
                failed |= replay(argv[i], entry->d_name);
        closedir(directory);
    }
    if (replayed == 0)
        fprintf(stderr, "no corpus\n");
    return failed || replayed == 0;
}
