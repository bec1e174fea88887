/* SPDX-License-Identifier: MIT */
/* Addresses of clients and servers, and the networks they are compared with. */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

struct sockaddr;

#define ADDRESS_TEXT_MAX     46  /* bytes of an address as text, with its NUL */
#define NETWORK_TEXT_MAX     50  /* of a network */
#define ADDRESS_NETWORKS_MAX 256 /* in one list */

/* An IPv4 address is kept as an IPv4-mapped one (RFC 4291, 2.5.5.2), so that both are the same. */
struct address {
    bool known; /* false for one end of a Unix socket, and for what could not be found out */
    bool local; /* one end of a Unix socket */
    uint8_t bytes[16];
};

struct network {
    struct address address;
    unsigned bits; /* of the 128 */
};

/* Zero-initialise it. */
struct networks {
    struct network *items;
    size_t count;
    bool local; /* and the ends of Unix sockets */
};

/* "192.0.2.1", "2001:db8::1"; no port, no brackets, no zone. False, and *out not known, if not. */
bool address_parse(struct address *out, const char *text, size_t len);
void address_from_socket(struct address *out, const struct sockaddr *from);
/* Four bytes in network order. */
void address_from_ipv4(struct address *out, const uint8_t bytes[4]);
/* As text: IPv4 as such; "unix", "unknown". */
void address_text(const struct address *address, char text[ADDRESS_TEXT_MAX]);
bool address_is_ipv4(const struct address *address);
bool address_equal(const struct address *a, const struct address *b);

/*
 * Add "192.0.2.0/24", "2001:db8::/32" or a single address. Bits behind the prefix must be zero. A
 * network of IPv6 holds no IPv4 address, even ::/0, unless it is one of IPv4-mapped ones.
 */
int networks_add(struct networks *networks, const char *text, struct weir_error *error);
/* The same, or "unix". */
int networks_add_peer(struct networks *networks, const char *text, struct weir_error *error);
/* Add each of a list in which spaces or commas stand between the entries; NULL is an empty one. */
int networks_add_list(struct networks *networks, const char *list, struct weir_error *error);
bool networks_hold(const struct networks *networks, const struct address *address);
/* The first that holds it; NULL: none. Borrowed. */
const struct network *networks_find(const struct networks *networks, const struct address *address);
/* As it would be written down; without a prefix if it is a single address. */
void network_text(const struct network *network, char text[NETWORK_TEXT_MAX]);
void networks_fini(struct networks *networks);

#endif
