/* SPDX-License-Identifier: MIT */
/*
 * Sinks: how the daemon writes a batch of webhooks through one leased backend connection.
 *
 * A sink belongs to a driver and shares its backend connections. For each module of the
 * configuration it makes one target: the parsed, checked and immutable options (the table's name,
 * say). prepare and write may block up to their deadline and are called from many threads, each
 * with a backend connection of its own.
 *
 * Writes are idempotent by webhook id: the daemon writes again whenever an outcome was unknown.
 */
#ifndef WEIR_SINK_H
#define WEIR_SINK_H

#include <stddef.h>
#include <stdint.h>

#include <weir/driver.h>
#include <weir/error.h>
#include <weir/settings.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_SINK_ABI  1u
#define WEIR_BATCH_MAX 256 /* items in one write */
#define WEIR_ID_LEN    36  /* a UUID as text */

/* One webhook as a sink sees it; all of it is borrowed for the duration of write. */
struct weir_item {
    const char *id;         /* UUIDv7 as text, WEIR_ID_LEN bytes and a NUL */
    const char *webhook_id; /* which entry of webhooks.json it came in by */
    const char *path;       /* the entry's path */
    int64_t received_at;    /* microseconds since 1970-01-01T00:00:00Z */
    const char *body;       /* valid UTF-8 JSON; not NUL-terminated */
    size_t body_len;
    const char *headers; /* a JSON object; not NUL-terminated */
    size_t headers_len;
    int status;        /* WEIR_PENDING before write; see there */
    int64_t receivers; /* -1; a sink that publishes may set how many it reached */
    const char
        *field; /* NULL; of a refused item, the field at fault: the target's, for the answer */
};

#define WEIR_PENDING 1 /* the status of an item nothing is known about yet */

struct weir_target;

struct weir_sink {
    uint32_t abi;               /* WEIR_SINK_ABI */
    const char *name;           /* the module's type, as configurations spell it */
    const char *const *aliases; /* other spellings, NULL-terminated; NULL if none */
    const struct weir_driver *driver;

    /* Options a module may carry beside type and connection; ends with a NULL name. */
    const struct weir_setting *options;

    /* Check the options and make a target of them. No I/O. *out is owned by the caller. */
    int (*target_new)(struct weir_target **out, const struct weir_settings *options,
                      struct weir_error *error);
    void (*target_free)(struct weir_target **target);

    /*
     * See to it that the target can be written: look for what it needs, create it if it is absent
     * (at most one at a time where the server can order that), verify the privilege to write.
     * Called for each staging version's first backend connection. write must not depend on it.
     */
    int (*prepare)(const struct weir_target *target, void *conn, int64_t deadline,
                   struct weir_error *error);

    /*
     * Store `count` items (1 to WEIR_BATCH_MAX), in one commit where the server has commits. What
     * is known of an item goes into its status: 0 once it is stored beyond recall, else its own
     * failure. Returns 0, or what is wrong with the backend connection or the batch as a whole,
     * which then holds for every item that is still WEIR_PENDING; after 0 none may be. A
     * transaction that is rolled back makes its items WEIR_PENDING again. A WEIR_EREJECTED of a
     * batch makes the daemon split it; a sink that can tell which item was at fault says so in
     * the items instead. Creates what is missing, once per call.
     */
    int (*write)(const struct weir_target *target, void *conn, struct weir_item *items,
                 size_t count, int64_t deadline, struct weir_error *error);
};

/*
 * What a plugin brings: a shared object, linked against libweir, that exports one of these under
 * the name weir_plugin, with default visibility. Both lists end with NULL. It is never unloaded.
 */
#define WEIR_PLUGIN_ABI 1u

struct weir_plugin {
    uint32_t abi; /* WEIR_PLUGIN_ABI */
    const struct weir_driver *const *drivers;
    const struct weir_sink *const *sinks;
};

#ifdef __cplusplus
}
#endif

#endif
