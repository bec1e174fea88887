/* SPDX-License-Identifier: MIT */
/*
 * Owns: addresses and networks. Never does: resolve a name. Lock: none.
 */
#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IPV4_BITS   32u
#define MAPPED_BITS 96u /* before an IPv4 address */

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool address_is_ipv4(const struct address *address)
{
    return memcmp(address->bytes, mapped, sizeof(mapped)) == 0;
}

void address_from_ipv4(struct address *out, const uint8_t bytes[4])
{
    memcpy(out->bytes, mapped, sizeof(mapped));
    memcpy(out->bytes + sizeof(mapped), bytes, 4);
    out->known = true;
}

bool address_parse(struct address *out, const char *text, size_t len)
{
    char copy[ADDRESS_TEXT_MAX];
    uint8_t four[4];

    *out = (struct address){.known = false};
    if (len >= sizeof(copy))
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (strlen(copy) != len)
        return false;
    if (inet_pton(AF_INET, copy, four) == 1)
        address_from_ipv4(out, four);
    else
        out->known = inet_pton(AF_INET6, copy, out->bytes) == 1;
    return out->known;
}

void address_from_socket(struct address *out, const struct sockaddr *from)
{
    *out = (struct address){.local = from->sa_family == AF_UNIX};
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const void *)from;
        address_from_ipv4(out, (const uint8_t *)&four->sin_addr);
    } else if (from->sa_family == AF_INET6) {
        memcpy(out->bytes, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
        out->known = true;
    }
}

void address_text(const struct address *address, char text[ADDRESS_TEXT_MAX])
{
    if (!address->known)
        snprintf(text, ADDRESS_TEXT_MAX, "%s", address->local ? "unix" : "unknown");
    else if (address_is_ipv4(address))
        inet_ntop(AF_INET, address->bytes + sizeof(mapped), text, ADDRESS_TEXT_MAX);
    else
        inet_ntop(AF_INET6, address->bytes, text, ADDRESS_TEXT_MAX);
}

bool address_equal(const struct address *a, const struct address *b)
{
    return a->known && b->known && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* ---- Networks -------------------------------------------------------------------------------- */

/* Are the first bits the same? */
static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static bool is_zero_behind(const struct network *network)
{
    struct network copy = *network;

    for (unsigned bit = network->bits; bit < 128; bit++)
        copy.address.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
    return memcmp(copy.address.bytes, network->address.bytes, 16) == 0;
}

static int parse_network(struct network *out, const char *text, struct weir_error *error)
{
    const char *slash = strchr(text, '/');
    size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);

    if (!address_parse(&out->address, text, len))
        return weir_fail(error, WEIR_EINVAL, "%s is not an address or a network", text);
    bool four = memchr(text, ':', len) == NULL;
    unsigned most = four ? IPV4_BITS : 128, bits = most;
    if (slash != NULL) {
        char *end;
        size_t digits = strspn(slash + 1, "0123456789");
        bits = (unsigned)strtoul(slash + 1, &end, 10);
        if (digits == 0 || digits > 3 || *end != '\0' || bits > most)
            return weir_fail(error, WEIR_EINVAL, "%s: a prefix has 0 to %u bits", text, most);
    }
    out->bits = bits + (four ? MAPPED_BITS : 0);
    if (!is_zero_behind(out))
        return weir_fail(error, WEIR_EINVAL, "%s has bits set behind its prefix", text);
    return 0;
}

int networks_add(struct networks *networks, const char *text, struct weir_error *error)
{
    struct network network;
    int status = parse_network(&network, text, error);

    if (status != 0)
        return status;
    if (networks->count == ADDRESS_NETWORKS_MAX)
        return weir_fail(error, WEIR_ELIMIT, "at most %d networks", ADDRESS_NETWORKS_MAX);
    struct network *items =
        reallocarray(networks->items, networks->count + 1, sizeof(*networks->items));
    if (items == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    networks->items = items;
    networks->items[networks->count++] = network;
    return 0;
}

int networks_add_peer(struct networks *networks, const char *text, struct weir_error *error)
{
    if (strcmp(text, "unix") != 0)
        return networks_add(networks, text, error);
    networks->local = true;
    return 0;
}

int networks_add_list(struct networks *networks, const char *list, struct weir_error *error)
{
    static const char between[] = ", \t\n";
    char entry[NETWORK_TEXT_MAX];

    for (const char *at = list; at != NULL && *(at += strspn(at, between)) != '\0';) {
        size_t len = strcspn(at, between);
        if (len >= sizeof(entry))
            return weir_fail(error, WEIR_EINVAL, "%.*s... is not an address or a network",
                             (int)sizeof(entry), at);
        memcpy(entry, at, len);
        entry[len] = '\0';
        int status = networks_add(networks, entry, error);
        if (status != 0)
            return status;
        at += len;
    }
    return 0;
}

const struct network *networks_find(const struct networks *networks, const struct address *address)
{
    for (size_t i = 0; address->known && i < networks->count; i++) {
        const struct network *network = &networks->items[i];
        if (network->bits < MAPPED_BITS && address_is_ipv4(address))
            continue;
        if (same_prefix(network->address.bytes, address->bytes, network->bits))
            return network;
    }
    return NULL;
}

bool networks_hold(const struct networks *networks, const struct address *address)
{
    return (networks->local && address->local) || networks_find(networks, address) != NULL;
}

void network_text(const struct network *network, char text[NETWORK_TEXT_MAX])
{
    bool four = address_is_ipv4(&network->address) && network->bits >= MAPPED_BITS;

    address_text(&network->address, text);
    size_t len = strlen(text);
    if (network->bits < 128)
        snprintf(text + len, NETWORK_TEXT_MAX - len, "/%u",
                 four ? network->bits - MAPPED_BITS : network->bits);
}

void networks_fini(struct networks *networks)
{
    free(networks->items);
    *networks = (struct networks){.items = NULL};
}
