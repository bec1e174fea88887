/* SPDX-License-Identifier: MIT */
/*
 * The PROXY protocol: what is a header is one however much follows it, and asks for more as long as
 * it is not whole.
 */
#include <string.h>

#include "fuzz.h"
#include "proxy.h"

static enum proxy_result parse(const uint8_t *data, size_t size, size_t *taken,
                               struct address *client)
{
    char *exact = malloc(size + 1); /* so that a byte too far is seen */

    PROMISE(exact != NULL);
    if (size > 0)
        memcpy(exact + 1, data, size);
    *taken = 0;
    memset(client, 0x5a, sizeof(*client));
    client->known = client->local = false;
    enum proxy_result result = proxy_parse(exact + 1, size, taken, client);
    free(exact);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct address client, other;
    size_t taken, again;
    char text[ADDRESS_TEXT_MAX];

    enum proxy_result result = parse(data, size, &taken, &client);
    if (result == PROXY_MORE)
        PROMISE(size < PROXY_MAX);
    if (result != PROXY_DONE)
        return 0;
    PROMISE(taken > 0 && taken <= size && taken <= PROXY_MAX);
    address_text(&client, text);
    PROMISE(parse(data, taken, &again, &other) == PROXY_DONE && again == taken);
    PROMISE(client.known == other.known && memcmp(client.bytes, other.bytes, 16) == 0);
    for (size_t i = 0; i < taken; i++)
        PROMISE(parse(data, i, &again, &other) == PROXY_MORE);
    return 0;
}
