/* SPDX-License-Identifier: MIT */
/*
 * Owns: the judgement whether an address may be connected to, and what is denied unasked.
 * Never does: resolve, connect. Lock: none.
 */
#include "outbound.h"

#include <stdio.h>
#include <string.h>

/*
 * Where clouds keep their metadata services, and with them credentials of the machine:
 *
 *   169.254.0.0/16       link-local. 169.254.169.254 at nearly all of them (AWS, Azure, Google,
 * Oracle, OpenStack, DigitalOcean, Hetzner ...); at AWS also 169.254.170.2 (ECS) and 169.254.170.23
 * (EKS), at Scaleway 169.254.42.42, at Tencent 169.254.0.23 fe80::/10            link-local.
 * fe80::a9fe:a9fe is OpenStack's https://docs.openstack.org/nova/latest/admin/metadata-service.html
 *   fd00:ec2::/32        AWS: fd00:ec2::254, and fd00:ec2::23 for EKS
 *                        https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
 *                        https://docs.aws.amazon.com/eks/latest/userguide/pod-id-agent-setup.html
 *   fd20:ce::254         Google, machines without IPv4
 *                        https://cloud.google.com/compute/docs/metadata/querying-metadata
 *   168.63.129.16        Azure's WireServer
 *                        https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
 *   100.100.100.200, fd00:100::100:200
 *                        Alibaba
 *                        https://cloudinit.readthedocs.io/en/latest/reference/datasources/aliyun.html
 *   192.0.0.192          Oracle Cloud at Customer
 *                        https://docs.oracle.com/en/cloud/cloud-at-customer/occ-get-started/retrieve-predefined-instance-metadata.html
 *   fd00:c1::a9fe:a9fe   Oracle Cloud Infrastructure
 *                        https://github.com/oracle/oci-python-sdk
 * (instance_principals_security_token_signer.py) fd00:a9fe:a9fe::1    Akamai (Linode)
 *                        https://cloudinit.readthedocs.io/en/latest/reference/datasources/akamai.html
 *   fd00:42::42          Scaleway
 *                        https://cloudinit.readthedocs.io/en/latest/reference/datasources/scaleway.html
 */
static const char metadata[] =
    "169.254.0.0/16 fe80::/10 fd00:ec2::/32 fd20:ce::254 168.63.129.16 100.100.100.200 "
    "fd00:100::100:200 192.0.0.192 fd00:c1::a9fe:a9fe fd00:a9fe:a9fe::1 fd00:42::42";

/* ---- What an address leads to ---------------------------------------------------------------- */

/* IPv6 addresses that carry an IPv4 one: which bytes tell, and where it stands. */
static const struct carrier {
    uint8_t from, len;
    uint8_t bytes[12];
    uint8_t where[4];
    uint8_t flipped; /* exclusive-or of each byte */
} carriers[] = {
    /* ::a.b.c.d, RFC 4291, 2.5.5.1 */
    {0, 12, {0}, {12, 13, 14, 15}, 0},
    /* ::ffff:0:a.b.c.d, RFC 2765, 2.1 */
    {0, 12, {[8] = 0xff, 0xff}, {12, 13, 14, 15}, 0},
    /* 64:ff9b::/96, RFC 6052, 2.1 */
    {0, 12, {0x00, 0x64, 0xff, 0x9b}, {12, 13, 14, 15}, 0},
    /* 64:ff9b:1::/48, RFC 8215, whole or in prefixes of 56, 64 and 96 bits, RFC 6052, 2.2 */
    {0, 6, {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, {6, 7, 9, 10}, 0},
    {0, 6, {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, {7, 9, 10, 11}, 0},
    {0, 6, {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, {9, 10, 11, 12}, 0},
    {0, 6, {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, {12, 13, 14, 15}, 0},
    /* 2002::/16, 6to4, RFC 3056 */
    {0, 2, {0x20, 0x02}, {2, 3, 4, 5}, 0},
    /* 2001::/32, Teredo, RFC 4380, 4 */
    {0, 4, {0x20, 0x01, 0x00, 0x00}, {12, 13, 14, 15}, 0xff},
    /* ...:0:5efe:a.b.c.d and ...:200:5efe:a.b.c.d, ISATAP, RFC 5214, 6.1 */
    {8, 4, {0x00, 0x00, 0x5e, 0xfe}, {12, 13, 14, 15}, 0},
    {8, 4, {0x02, 0x00, 0x5e, 0xfe}, {12, 13, 14, 15}, 0}};

#define CARRIERS  (sizeof(carriers) / sizeof(carriers[0]))
#define FACES_MAX (2 * (CARRIERS + 1))

/* The addresses that one may turn out to be; the first is what the allow list is asked for. */
struct faces {
    struct address items[FACES_MAX];
    size_t count;
};

/* To connect to "any address" is to connect to this machine. */
static void add_face(struct faces *faces, const struct address *face)
{
    static const uint8_t any4[16] = {[10] = 0xff, 0xff}, any6[16] = {0};
    struct address loopback = *face;

    if (memcmp(face->bytes, any4, 16) == 0)
        loopback.bytes[12] = 127;
    if (memcmp(face->bytes, any4, 16) == 0 || memcmp(face->bytes, any6, 16) == 0) {
        loopback.bytes[15] = 1;
        faces->items[faces->count++] = loopback;
    }
    faces->items[faces->count++] = *face;
}

static void find_faces(struct faces *faces, const struct address *address)
{
    uint8_t bytes[4];
    struct address carried;

    faces->count = 0;
    add_face(faces, address);
    for (size_t i = 0; i < CARRIERS; i++) {
        const struct carrier *carrier = &carriers[i];
        if (memcmp(address->bytes + carrier->from, carrier->bytes, carrier->len) != 0)
            continue;
        for (size_t n = 0; n < sizeof(bytes); n++)
            bytes[n] = address->bytes[carrier->where[n]] ^ carrier->flipped;
        address_from_ipv4(&carried, bytes);
        add_face(faces, &carried);
    }
}

/* ---- The judgement --------------------------------------------------------------------------- */

int outbound_init(struct outbound *outbound, const char *allow, const char *deny, bool unix_sockets,
                  struct weir_error *error)
{
    *outbound = (struct outbound){.unix_sockets = unix_sockets};
    int status = networks_add_list(&outbound->allow, allow, error);
    if (status == 0 && allow != NULL && outbound->allow.count == 0)
        status =
            weir_fail(error, WEIR_EINVAL, "must not be empty: without it everything is allowed");
    if (status != 0)
        return weir_fail_key(error, status, "allow_addresses", "%s",
                             error == NULL ? "" : error->detail);
    status = networks_add_list(&outbound->deny, deny, error);
    if (status != 0)
        return weir_fail_key(error, status, "deny_addresses", "%s",
                             error == NULL ? "" : error->detail);
    return outbound->allow.count > 0 ? 0 : networks_add_list(&outbound->metadata, metadata, error);
}

void outbound_fini(struct outbound *outbound)
{
    networks_fini(&outbound->allow);
    networks_fini(&outbound->deny);
    networks_fini(&outbound->metadata);
}

static bool same(const struct address *a, const struct address *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Does the list hold one of its faces? If so, `why` says which. */
static bool is_held(const struct networks *list, const struct faces *faces,
                    const struct address *address, const char *list_name,
                    char why[OUTBOUND_WHY_MAX])
{
    char text[ADDRESS_TEXT_MAX], face[ADDRESS_TEXT_MAX], network[NETWORK_TEXT_MAX];

    for (size_t i = 0; i < faces->count; i++) {
        const struct network *found = networks_find(list, &faces->items[i]);
        if (found == NULL)
            continue;
        address_text(address, text);
        address_text(&faces->items[i], face);
        network_text(found, network);
        if (same(address, &faces->items[i]))
            snprintf(why, OUTBOUND_WHY_MAX, "%s is %s (%s)", text, list_name, network);
        else
            snprintf(why, OUTBOUND_WHY_MAX, "%s stands for %s, which is %s (%s)", text, face,
                     list_name, network);
        return true;
    }
    return false;
}

bool outbound_permits(const struct outbound *outbound, const struct address *address,
                      char why[OUTBOUND_WHY_MAX])
{
    char text[ADDRESS_TEXT_MAX];
    struct faces faces;

    find_faces(&faces, address);
    if (is_held(&outbound->deny, &faces, address, "in the deny list", why))
        return false;
    if (outbound->allow.count == 0)
        return !is_held(&outbound->metadata, &faces, address,
                        "where clouds keep metadata, denied by default", why);
    if (networks_hold(&outbound->allow, &faces.items[0]))
        return true;
    address_text(address, text);
    snprintf(why, OUTBOUND_WHY_MAX, "%s is not in the allow list", text);
    return false;
}
