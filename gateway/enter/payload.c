/* SPDX-License-Identifier: MIT */
/*
 * Owns: that memory of a payload and what was taken for it agree.
 * Never does: allocate before it has taken. Lock: none.
 */
#include "payload.h"

#include <stdlib.h>

bool payload_resize(struct payload *payload, const struct purse *purse, size_t room)
{
    size_t before = payload->room;

    if (room == 0) {
        payload_drop(payload, purse);
        return true;
    }
    if (room > before && !purse->take(purse->context, room - before))
        return false;
    char *bytes = realloc(payload->bytes, room);
    if (bytes == NULL) {
        if (room > before)
            purse->give(purse->context, room - before);
        return false;
    }
    if (room < before)
        purse->give(purse->context, before - room);
    payload->bytes = bytes;
    payload->room = room;
    return true;
}

void payload_drop(struct payload *payload, const struct purse *purse)
{
    free(payload->bytes);
    if (payload->room > 0)
        purse->give(purse->context, payload->room);
    *payload = (struct payload){.bytes = NULL};
}
