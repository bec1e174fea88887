/* SPDX-License-Identifier: MIT */
/*
 * The daemon's configuration: connections.json, webhooks.json and server.json of one directory,
 * read strictly and all at once. A config is immutable once loaded and shared by counted
 * references; each accepted webhook holds one.
 */
#ifndef GATEWAY_CONFIG_H
#define GATEWAY_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/registry.h>
#include <weir/sink.h>

#include "address.h"
#include "challenge.h"
#include "guard.h"
#include "log.h"
#include "match.h"
#include "pace.h"
#include "redact.h"
#include "sha256.h"
#include "tls.h"

#define CONFIG_FILE_MAX     (4u << 20) /* bytes in one file */
#define CONFIG_WEBHOOKS_MAX 10000      /* entries in webhooks.json */
#define CONFIG_MODULES_MAX  16         /* modules of one webhook */
#define CONFIG_PATH_MAX     1024       /* bytes in a webhook's path */
#define CONFIG_PROBLEMS_MAX 64         /* problems reported of one load */

/* One thing wrong with the files. Any string but message may be NULL. */
struct problem {
    char *file;    /* "connections.json" */
    unsigned line; /* 0 if not known */
    char *pointer; /* JSON pointer (RFC 6901) */
    char *key;     /* the key at fault */
    char *message; /* for people; never holds a secret's value */
};

struct problems {
    struct problem items[CONFIG_PROBLEMS_MAX];
    size_t count;
    size_t left_out; /* past the maximum */
};

void problems_init(struct problems *problems);
/* Whatever is added from now on is only counted: where it stands need not be looked for. */
bool problems_are_full(const struct problems *problems);
void problems_add(struct problems *problems, const char *file, unsigned line, const char *pointer,
                  const char *key, const char *format, ...) __attribute__((format(printf, 6, 7)));
void problems_fini(struct problems *problems);

/* One entry of connections.json. */
struct config_connection {
    char *name;
    const struct weir_driver *driver;
    struct weir_settings *settings;
    unsigned max_size;
    int64_t acquisition_timeout, operation_timeout, connect_timeout; /* nanoseconds */
};

/* One module of a webhook: where its payloads go. */
struct config_module {
    const struct weir_sink *sink;
    struct weir_target *target;
    uint8_t identity[SHA256_LEN];               /* of the module as it was written down */
    const struct config_connection *connection; /* of the same config */
};

/* What the bodies of a webhook are. */
enum config_content { CONTENT_JSON, CONTENT_FORM, CONTENT_RAW };

/* One entry of webhooks.json. */
struct config_webhook {
    char *id, *path;
    size_t position;       /* in the file, from 0 */
    char *delivery_header; /* lower case; where the sender's delivery id stands; NULL: the usual */
    struct guard *guard;   /* NULL: everybody may post */
    enum config_content content;
    struct redact redact; /* what is not stored */
    struct match *match;  /* which ones are stored; NULL: all */
    struct challenge challenge;
    struct pace pace; /* "rate_limit" */
    char *public_url; /* of this webhook alone; NULL: the server's */
    struct config_module *modules;
    size_t modules_count;
};

/* Which servers may be connected to, in the words of the drivers' settings; all zero: by default.
 */
struct config_outbound {
    char *allow, *deny; /* spaces between the entries; NULL: no list */
    bool unix_given, unix_sockets;
};

/* server.json, with defaults filled in. */
struct config_server {
    bool is_written;    /* there is a server.json */
    char *listen;       /* "127.0.0.1:8000", "[::1]:8000" or "unix:/path" */
    char *admin_listen; /* NULL: the same as listen */
    char *admin_token;  /* NULL: the admin API is disabled; WEIR_ADMIN_TOKEN if not in the file;
                           in a vault */
    bool tls_wanted;    /* there is a "tls" */
    struct tls *tls;    /* what `listen` speaks, read with it; NULL: in the clear */
    char *public_url;   /* as senders know us: "https://hooks.example.com"; NULL: not known */
    struct config_outbound outbound;
    struct networks trusted_proxies;
    char *forwarded_header;    /* lower case: what they say of the client; "x-forwarded-for" */
    bool proxy_protocol;       /* their connections begin with a PROXY header */
    unsigned loops;            /* 1 to 64, default 1 */
    bool watch;                /* reload when the files change, default true */
    int64_t migration_timeout; /* 300 s */
    int64_t request_timeout;   /* 30 s */
    int64_t shutdown_timeout;  /* 30 s: grace period of SIGTERM */
    int64_t head_timeout, body_timeout; /* 10 s, 30 s: absolute, from the first byte */
    int64_t idle_timeout;               /* 75 s: a kept-alive client without a request */
    size_t body_max;                    /* limits.body, 1 MiB */
    size_t head_max;                    /* limits.head, 16 KiB: request line and headers */
    unsigned headers_max;               /* limits.headers, 100 */
    unsigned json_depth_max;            /* limits.json_depth, 64 */
    size_t json_string_max;             /* limits.json_string, 64 MiB: bytes of one string or key */
    unsigned form_fields_max;           /* limits.form_fields, 1000 */
    unsigned inflate_ratio_max;         /* limits.inflate_ratio, 100: a body to its gzip */
    unsigned connections_max;           /* limits.connections, 4096, admin excluded */
    size_t bytes_per_address_max;       /* limits.inflight_bytes_per_address, 64 MiB; 0: any */
    unsigned per_address_max;           /* limits.connections_per_address, 1024; 0: any number */
    size_t body_rate;                   /* limits.body_rate, 240 bytes in a second; 0: any */
    size_t inflight_max;                /* limits.inflight_bytes, 256 MiB of bodies held */
    unsigned requests_max;              /* limits.inflight_requests, 10000 webhooks not settled */
    unsigned batch_max;                 /* limits.batch, WEIR_BATCH_MAX: rows in one commit */
    unsigned queue_max;                 /* limits.queue, 10000 webhooks waiting, per connection */
    size_t queue_bytes_max;             /* limits.queue_bytes, 64 MiB, per connection */
    enum log_format log_format;
    enum log_level log_level;
};

struct config {
    /* Set by whoever publishes it, before anybody else sees it. */
    uint64_t generation;
    int64_t loaded_at; /* microseconds since 1970 */
    struct weir_pin *pin;

    struct config_server server;
    struct config_connection *connections; /* in order of name */
    size_t connections_count;
    json_t *unread; /* an object of the names of those that had a problem; NULL: none had */
    struct config_webhook *webhooks; /* in order of path */
    size_t webhooks_count;
};

/*
 * Read the directory. 0 and a config with one reference in *out, or WEIR_EINVAL and at least one
 * problem. Reads files and the environment, loads the plugins that are named there, and nothing
 * else: no server is contacted. A missing
 * connections.json or webhooks.json is a problem; a missing server.json is not.
 */
int config_load(const char *directory, struct config **out, struct problems *problems);

struct source;

/*
 * Open connections.json and webhooks.json, of which the map form (mapform.h) becomes the array
 * form. False: a problem was added. Either way both are to be closed.
 */
bool config_open_files(const char *directory, struct source *connections, struct source *webhooks,
                       struct problems *problems);

/* The embedded default: SQLite at `database`, one webhook /webhook/example, loopback. */
int config_embedded(const char *database, struct config **out, struct problems *problems);

/* The entry for exactly this path; NULL if there is none. */
const struct config_webhook *config_webhook_find(const struct config *config, const char *path,
                                                 size_t len);

const struct config_connection *config_connection_find(const struct config *config,
                                                       const char *name);

/* Counted references, any thread. The last unref lets go of the pin. *config becomes NULL. */
struct config *config_ref(struct config *config);
void config_unref(struct config **config);

#endif
