/* SPDX-License-Identifier: MIT */
/*
 * Owns: the check of a client's address. Never does: find that address out. Lock: none.
 */
#include <stdlib.h>

#include "check.h"
#include "object.h"

static void ip_free(void *check)
{
    struct networks *networks = check;

    if (networks == NULL)
        return;
    networks_fini(networks);
    free(networks);
}

static int add(void *context, const char *text, struct weir_error *error)
{
    return networks_add_peer(context, text, error);
}

static int ip_make(void **out, const json_t *object, const struct secrets *secrets,
                   struct weir_error *error)
{
    static const char *const known[] = {"allow", NULL};
    struct networks *networks = calloc(1, sizeof(*networks));
    int status = networks == NULL ? weir_fail(error, WEIR_ENOMEM, "out of memory")
                                  : object_check_keys(object, known, error);

    (void)secrets;
    if (status == 0 && json_object_get(object, "allow") == NULL)
        status = weir_fail_key(error, WEIR_EINVAL, "allow", "is required");
    if (status == 0)
        status = object_each_text(object, "allow", ADDRESS_NETWORKS_MAX, add, networks, error);
    if (status != 0) {
        ip_free(networks);
        networks = NULL;
    }
    *out = networks;
    return status;
}

static int ip_judge(const void *check, const struct guard_request *request,
                    struct weir_error *error)
{
    char text[ADDRESS_TEXT_MAX];

    if (networks_hold(check, &request->client))
        return 0;
    address_text(&request->client, text);
    return weir_fail(error, WEIR_EDENIED, "%s is in none of the networks", text);
}

const struct check_kind check_ip = {
    .name = "ip", .make = ip_make, .judge = ip_judge, .free = ip_free};
