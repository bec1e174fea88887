/* SPDX-License-Identifier: MIT */
/*
 * Which servers may be connected to. A name proves nothing: what is judged is each address that it
 * has been resolved to, and only that address is connected to.
 *
 *   - What the deny list holds is refused.
 *   - With an allow list, so is whatever that does not hold.
 *   - Without one, so are the metadata services of clouds, which hand out credentials to whoever
 *     can reach them (outbound.c has the list). An allow list that holds one lets it through.
 *
 * 0.0.0.0 and :: are judged as 127.0.0.1 and ::1, since that is where they lead to. An IPv6 address
 * that stands for an IPv4 one (mapped, translated, NAT64, 6to4, Teredo, ISATAP) is refused too when
 * the deny list holds the IPv4 address, or that is a metadata service's; only IPv4-mapped ones are
 * allowed when the allow list holds the IPv4 address.
 */
#ifndef BASE_OUTBOUND_H
#define BASE_OUTBOUND_H

#include "address.h"

#define OUTBOUND_WHY_MAX 192 /* bytes of a reason with its NUL */

struct outbound {
    struct networks allow, deny, metadata;
    bool unix_sockets;
};

/*
 * Lists as networks_add_list reads them; NULL: none. An empty allow list is WEIR_EINVAL, since it
 * looks like "nothing" and would be "everything". WEIR_EINVAL, WEIR_ELIMIT, WEIR_ENOMEM, with the
 * setting at fault ("allow_addresses", "deny_addresses") in the error; fini it all the same.
 */
int outbound_init(struct outbound *outbound, const char *allow, const char *deny, bool unix_sockets,
                  struct weir_error *error);
void outbound_fini(struct outbound *outbound);

/*
 * May it be connected to? If not, `why` is a sentence without its end, such as
 * "10.1.2.3 is in the deny list (10.0.0.0/8)".
 */
bool outbound_permits(const struct outbound *outbound, const struct address *address,
                      char why[OUTBOUND_WHY_MAX]);

#endif
