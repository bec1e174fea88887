/* SPDX-License-Identifier: MIT */
/*
 * Owns: commands on their way, in one buffer. Never does: send them. Lock: none.
 */
#include <stdlib.h>
#include <string.h>

#include "conn.h"

static bool grow(struct pipeline *pipeline, size_t more)
{
    size_t size = pipeline->size == 0 ? 4096 : pipeline->size;

    while (size < pipeline->len + more)
        size *= 2;
    if (size == pipeline->size)
        return true;
    char *bytes = realloc(pipeline->bytes, size);
    if (bytes == NULL)
        return false;
    pipeline->bytes = bytes;
    pipeline->size = size;
    return true;
}

int pipeline_add(struct pipeline *pipeline, int count, const char *const *arguments,
                 const size_t *lengths)
{
    const char *pointers[PIPELINE_ARGUMENTS_MAX];
    char *command = NULL;

    memcpy(pointers, arguments, (size_t)count * sizeof(pointers[0]));
    long len = redisFormatCommandArgv(&command, count, pointers, lengths);
    if (len < 0)
        return WEIR_ENOMEM;
    bool fits = grow(pipeline, (size_t)len);
    if (fits) {
        memcpy(pipeline->bytes + pipeline->len, command, (size_t)len);
        pipeline->len += (size_t)len;
        pipeline->commands++;
    }
    redisFreeCommand(command);
    return fits ? 0 : WEIR_ENOMEM;
}

void pipeline_clear(struct pipeline *pipeline)
{
    pipeline->len = 0;
    pipeline->commands = 0;
}

void pipeline_fini(struct pipeline *pipeline)
{
    free(pipeline->bytes);
    memset(pipeline, 0, sizeof(*pipeline));
}
