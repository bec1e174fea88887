/* SPDX-License-Identifier: MIT */
/*
 * Whose request it is: addresses, X-Forwarded-For, Forwarded, PROXY headers. An address that is
 * read is written and read as the same; whatever a client wrote, the hop that a trusted proxy put
 * behind it counts, or nobody is known; a PROXY header is the same however it arrives.
 */
#include <stdbool.h>

#include "forwarded.h"
#include "lines.h"
#include "proxy.h"

static struct networks trusted;

static void read_address(const char *text, size_t size)
{
    struct address first, second;
    char written[ADDRESS_TEXT_MAX];

    if (!address_parse(&first, text, size))
        return;
    address_text(&first, written);
    PROMISE(address_parse(&second, written, strlen(written)) && address_equal(&first, &second));
}

/* As a proxy does that adds to what it was sent: ", " and its own element. */
static void add_hop(const char *name, const char *text, const char *hop)
{
    struct address peer, client, wanted;
    size_t room = strlen(text) + strlen(hop) + 3;
    char *line = malloc(room);
    struct request_header header = {name, line};

    PROMISE(line != NULL && address_parse(&peer, "10.0.0.1", 8));
    PROMISE(address_parse(&wanted, "192.0.2.9", 9));
    snprintf(line, room, "%s, %s", text, hop);
    forwarded_client(&client, &peer, &trusted, name, &header, 1);
    PROMISE(!client.known || address_equal(&client, &wanted));
    forwarded_client(&client, &wanted, &trusted, name, &header, 1);
    PROMISE(address_equal(&client, &wanted)); /* no proxy of ours: nothing is believed */
    free(line);
}

static void read_proxy(const char *text, size_t size)
{
    struct address before, client, early;
    size_t taken = 0, ignored;

    PROMISE(address_parse(&before, "10.0.0.1", 8));
    client = before;
    enum proxy_result result = proxy_parse(text, size, &taken, &client);
    if (result != PROXY_DONE)
        return;
    PROMISE(taken <= size && taken <= PROXY_MAX);
    for (size_t i = 0; i < taken; i++)
        PROMISE(proxy_parse(text, i, &ignored, &early) == PROXY_MORE);
    early = before;
    PROMISE(proxy_parse(text, taken, &ignored, &early) == PROXY_DONE && ignored == taken);
    PROMISE(early.known == client.known && (!client.known || address_equal(&early, &client)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weir_error error = {.status = 0};

    if (trusted.count == 0)
        PROMISE(networks_add(&trusted, "10.0.0.0/8", &error) == 0);
    char *text = text_of(data, size);
    read_address(text, size);
    read_proxy(text, size);
    text[strcspn(text, "\r\n")] = '\0';
    add_hop("x-forwarded-for", text, "192.0.2.9");
    add_hop("forwarded", text, "for=192.0.2.9");
    add_hop("forwarded", text, "for=\"192.0.2.9:80\";proto=https");
    free(text);
    return 0;
}
