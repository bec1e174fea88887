/* SPDX-License-Identifier: MIT */
/*
 * Owns: the map form's "module" and "chain", as the array form's "modules".
 * Never does: know the options of a destination; what weir has under another name is all it maps.
 * Lock: none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_secret.h"
#include "mapform_parts.h"

#define CONNECTION_NAME_MAX 320 /* bytes of a name that is made up, with its NUL */

/* One module under way: the object it is written in, and the one it becomes. */
struct module {
    struct mapping *mapping;
    const json_t *value, *options;
    char from[SOURCE_POINTER_MAX], inside[SOURCE_POINTER_MAX]; /* the object; its module-config */
    char to[SOURCE_POINTER_MAX];
    json_t *made;
};

static void map_sql(struct module *module);
static void map_rabbitmq(struct module *module);
static void map_redis(struct module *module);
static void map_log(struct module *module);
static void map_disk(struct module *module);

static const struct kind {
    const char *name, *type;
    void (*map)(struct module *module);
} kinds[] = {{"postgresql", "postgresql", map_sql},
             {"postgres", "postgresql", map_sql},
             {"mysql", "mysql", map_sql},
             {"mariadb", "mysql", map_sql},
             {"rabbitmq", "rabbitmq", map_rabbitmq},
             {"redis_publish", "redis", map_redis},
             {"log", "log", map_log},
             {"save_to_disk", "disk", map_disk}};

/* ---- Tools ----------------------------------------------------------------------------------- */

static void check_options(struct module *module, const char *const *known)
{
    mapform_check_keys(module->mapping, module->options, module->inside, known);
}

/* An option under the name that it has here. */
static bool move_option(struct module *module, const char *key, const char *name)
{
    const json_t *value = json_object_get(module->options, key);

    if (value != NULL)
        mapform_move(module->mapping, module->made, module->to, name, value, module->inside, key);
    return value != NULL;
}

static void move_connection(struct module *module)
{
    const json_t *value = json_object_get(module->value, "connection");

    if (value != NULL)
        mapform_move(module->mapping, module->made, module->to, "connection", value, module->from,
                     "connection");
    else
        mapform_problem(module->mapping, module->from, "connection", "connection is required");
}

/* What no module of this kind takes. */
static void refuse(struct module *module, const char *key, const char *why)
{
    if (json_object_get(module->value, key) != NULL)
        mapform_problem(module->mapping, module->from, key, "%s", why);
}

/*
 * A connection that webhooks.json describes, `kind` of this entry: the one that is the same, or a
 * new one, whose name it leaves. Takes it.
 */
static void use_connection(struct module *module, const char *kind, json_t *connection,
                           char name[CONNECTION_NAME_MAX])
{
    json_t *all = module->mapping->connections;
    char wanted[CONNECTION_NAME_MAX - 16];

    snprintf(wanted, sizeof(wanted), strcmp(kind, "log") == 0 ? "%s" : "%s of %s", kind,
             module->mapping->id);
    snprintf(name, CONNECTION_NAME_MAX, "%s", wanted);
    for (int i = 2; json_object_get(all, name) != NULL; i++) {
        if (json_equal(json_object_get(all, name), connection))
            break;
        snprintf(name, CONNECTION_NAME_MAX, "%s %d", wanted, i);
    }
    json_object_set_new(all, name, connection);
    json_object_set_new(module->made, "connection", json_string(name));
}

/* ---- Kinds ----------------------------------------------------------------------------------- */

static void map_sql(struct module *module)
{
    const char *key;
    json_t *value;

    move_connection(module);
    json_object_foreach((json_t *)module->options, key, value)
    {
        if (strcmp(key, "include_timestamp") != 0)
            mapform_move(module->mapping, module->made, module->to, key, value, module->inside,
                         key);
        else if (json_is_true(value))
            mapform_note(module->mapping, module->inside, key);
        else
            mapform_problem(module->mapping, module->inside, key,
                            "weir always stores received_at; take it out, or say true");
    }
}

static void map_rabbitmq(struct module *module)
{
    static const char *const known[] = {"queue_name", NULL};
    const json_t *name = json_object_get(module->value, "queue_name");

    check_options(module, known);
    move_connection(module);
    move_option(module, "queue_name", "queue_name");
    if (name != NULL)
        mapform_move(module->mapping, module->made, module->to, "queue_name", name, module->from,
                     "queue_name");
    else if (json_object_get(module->options, "queue_name") == NULL)
        mapform_problem(module->mapping, module->from, "queue_name", "queue_name is required");
    /* Declared as the other gateway does, so that it takes a queue that is there. */
    json_object_set_new(module->made, "queue_type", json_string("classic"));
}

/*
 * A variable may stand for a number, and a reference for a secret; what either stands for is looked
 * at when it is read.
 */
static bool may_be(const json_t *value, bool number, bool secret)
{
    const char *text = json_string_value(value);

    if (secret && config_is_reference(value))
        return true;
    return number ? json_is_integer(value) || (text != NULL && strstr(text, "{$") != NULL)
                  : text != NULL;
}

static const struct redis_key {
    const char *from, *to;
    bool number, secret;
} redis_keys[] = {{"host", "host", false, false},
                  {"port", "port", true, false},
                  {"db", "database", true, false},
                  {"password", "password", false, true}};

#define REDIS_KEYS (sizeof(redis_keys) / sizeof(redis_keys[0]))

static void read_redis_key(struct module *module, const struct redis_key *key, const json_t *value,
                           const char *base, json_t *connection)
{
    if (json_is_null(value)) {
        mapform_note(module->mapping, base, key->from);
        return;
    }
    if (!may_be(value, key->number, key->secret))
        mapform_problem(module->mapping, base, key->from, "must be a %s",
                        key->number ? "whole number" : "string");
    json_object_set_new(connection, key->to, json_deep_copy(value));
}

/* "redis": {"host", "port", "channel"} is a connection of its own. */
static void map_redis_block(struct module *module, const json_t *block)
{
    static const char *const known[] = {"host", "port", "db", "password", "channel", NULL};
    json_t *connection = json_pack("{s:s}", "type", "redis");
    char base[SOURCE_POINTER_MAX];
    const json_t *value;

    source_pointer(base, module->from, "redis");
    mapform_check_keys(module->mapping, block, base, known);
    if (json_object_get(module->value, "connection") != NULL)
        mapform_problem(module->mapping, module->from, "redis",
                        "stands beside a connection, and only one of them can be meant");
    for (size_t i = 0; i < REDIS_KEYS; i++)
        if ((value = json_object_get(block, redis_keys[i].from)) != NULL)
            read_redis_key(module, &redis_keys[i], value, base, connection);
    if ((value = json_object_get(block, "channel")) != NULL)
        mapform_move(module->mapping, module->made, module->to, "channel", value, base, "channel");
    char name[CONNECTION_NAME_MAX];
    use_connection(module, "redis", connection, name);
    for (size_t i = 0; i < REDIS_KEYS; i++)
        if ((value = json_object_get(block, redis_keys[i].from)) != NULL && !json_is_null(value))
            mapform_tell(module->mapping, base, redis_keys[i].from, name, redis_keys[i].to);
    /* Its problems are those of the block. */
    char to[SOURCE_POINTER_MAX];
    source_pointer(to, module->to, "connection");
    origins_add(module->mapping->origins, to, base, false);
}

static void map_redis(struct module *module)
{
    static const char *const known[] = {"channel", "format", NULL};
    const json_t *block = json_object_get(module->value, "redis");
    const json_t *format = json_object_get(module->options, "format");
    const char *text = format == NULL ? "json" : json_string_value(format);
    bool json = text != NULL && strcmp(text, "json") == 0;

    check_options(module, known);
    json_object_set_new(module->made, "mode", json_string("publish"));
    move_option(module, "channel", "channel");
    if (json_is_object(block))
        map_redis_block(module, block);
    else if (block != NULL)
        mapform_problem(module->mapping, module->from, "redis", "must be an object");
    else
        move_connection(module);
    if (!json && (text == NULL || strcmp(text, "raw") != 0))
        mapform_problem(module->mapping, module->inside, "format", "must be json or raw");
    json_t *ours = json_string(json ? "envelope" : "raw");
    if (format != NULL)
        mapform_set(module->mapping, module->made, module->to, "format", ours, module->inside,
                    "format");
    else
        json_object_set_new(module->made, "format", ours);
}

static void map_log(struct module *module)
{
    static const char *const known[] = {"pretty_print", "redact_sensitive", NULL};
    char name[CONNECTION_NAME_MAX];

    check_options(module, known);
    refuse(module, "connection", "a log has no connection");
    if (mapform_flag(module->mapping, module->options, module->inside, "pretty_print", false))
        mapform_problem(module->mapping, module->inside, "pretty_print",
                        "weir writes one line for each webhook, for jq and its like");
    if (!mapform_flag(module->mapping, module->options, module->inside, "redact_sensitive", true))
        mapform_problem(module->mapping, module->inside, "redact_sensitive",
                        "what is redacted is up to credential_cleanup");
    use_connection(module, "log", json_pack("{s:s}", "type", "log"), name);
}

static const char *text_or(const json_t *value, const char *fallback)
{
    return json_is_string(value) ? json_string_value(value) : fallback;
}

/* An option that is a string, or ".". */
static const char *path_of(struct module *module, const char *key)
{
    const json_t *value = json_object_get(module->options, key);

    if (value != NULL && !json_is_string(value))
        mapform_problem(module->mapping, module->inside, key, "must be a path");
    return text_or(value, ".");
}

/* The path, within the base unless it is absolute once its variables are replaced. */
static bool join(struct module *module, char directory[SOURCE_POINTER_MAX])
{
    const char *path = path_of(module, "path"), *base = path_of(module, "base_dir");
    char *expanded = mapform_expand(json_object_get(module->options, "path"));
    bool absolute = (expanded == NULL ? path : expanded)[0] == '/';

    free(expanded);
    return snprintf(directory, SOURCE_POINTER_MAX, "%s%s%s", absolute ? "" : base,
                    absolute ? "" : "/", path) < SOURCE_POINTER_MAX;
}

static void map_disk(struct module *module)
{
    static const char *const known[] = {"path", "base_dir", "include_headers", NULL};
    static const char *const parts[] = {"path", "base_dir"};
    char directory[SOURCE_POINTER_MAX], name[CONNECTION_NAME_MAX];

    check_options(module, known);
    refuse(module, "connection", "a directory has no connection");
    if (!join(module, directory))
        mapform_problem(module->mapping, module->inside, "path", "is too long");
    use_connection(module, "disk", json_pack("{s:s,s:s}", "type", "disk", "directory", directory),
                   name);
    for (size_t i = 0; i < 2; i++)
        if (json_object_get(module->options, parts[i]) != NULL)
            mapform_tell(module->mapping, module->inside, parts[i], name, "directory");
    if (!move_option(module, "include_headers", "include_headers"))
        json_object_set_new(module->made, "include_headers", json_false());
}

/* ---- Modules --------------------------------------------------------------------------------- */

static const struct kind *kind_of(struct module *module)
{
    const json_t *value = json_object_get(module->value, "module");
    const char *name = text_or(value, "");

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    if (strcmp(name, "redis_rq") == 0)
        mapform_problem(
            module->mapping, module->from, "module",
            "weir makes no jobs for RQ, whose workers run what they name; redis_publish, "
            "or a list or stream of Redis in the array form, takes its place");
    else
        mapform_problem(module->mapping, module->from, "module",
                        value == NULL
                            ? "module is required"
                            : "weir has no such module; it has postgresql, mysql, rabbitmq, "
                              "redis_publish, log and save_to_disk");
    return NULL;
}

/* Of an entry, or of one in its chain. */
static void map_module(struct mapping *mapping, json_t *list, const json_t *value, const char *from)
{
    struct module module = {.mapping = mapping, .value = value};
    char base[SOURCE_POINTER_MAX], index[24];

    module.options = json_object_get(value, "module-config");
    snprintf(module.from, sizeof(module.from), "%s", from);
    source_pointer(module.inside, from, "module-config");
    source_pointer(base, mapping->to, "modules");
    snprintf(index, sizeof(index), "%zu", json_array_size(list));
    source_pointer(module.to, base, index);
    module.made = json_object();
    json_array_append_new(list, module.made);
    origins_add(mapping->origins, module.to, from, false);
    const struct kind *kind = kind_of(&module);
    if (kind == NULL)
        return;
    if (module.options != NULL && !json_is_object(module.options)) {
        mapform_problem(mapping, from, "module-config", "must be an object");
        return;
    }
    mapform_set(mapping, module.made, module.to, "type", json_string(kind->type), from, "module");
    if (kind->map != map_rabbitmq)
        refuse(&module, "queue_name", "is for rabbitmq alone");
    if (kind->map != map_redis)
        refuse(&module, "redis", "is for redis_publish alone");
    kind->map(&module);
}

/* ---- Chains ---------------------------------------------------------------------------------- */

static void read_chain_config(struct mapping *mapping, const json_t *entry)
{
    static const char *const known[] = {"execution", "continue_on_error", "timeout", NULL};
    const json_t *value = json_object_get(entry, "chain-config");
    char base[SOURCE_POINTER_MAX];

    if (value == NULL)
        return;
    source_pointer(base, mapping->from, "chain-config");
    mapform_check_keys(mapping, value, base, known);
    if (!json_is_object(value))
        mapform_problem(mapping, mapping->from, "chain-config", "must be an object");
    const char *execution = text_or(json_object_get(value, "execution"), "");
    bool parallel = strcmp(execution, "parallel") == 0;
    if (json_object_get(value, "execution") != NULL && !parallel &&
        strcmp(execution, "sequential") != 0)
        mapform_problem(mapping, base, "execution", "must be parallel or sequential");
    bool on = mapform_flag(mapping, value, base, "continue_on_error", true);
    if (!parallel && !on)
        mapform_problem(mapping, base, "continue_on_error",
                        "weir writes to all of a chain side by side, and a failure of one does not "
                        "keep the others from storing; take it out, or say true");
    if (json_object_get(value, "execution") != NULL)
        mapform_note(mapping, base, "execution");
    if (json_object_get(value, "timeout") != NULL)
        mapform_problem(mapping, base, "timeout",
                        "is for the whole of weir: request_timeout in server.json");
}

/* What the other gateway lets the modules of a chain inherit must be written in each of them. */
static void refuse_inherited(struct mapping *mapping, const json_t *entry)
{
    static const char *const keys[] = {"connection", "module-config", "queue_name", "redis"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (json_object_get(entry, keys[i]) != NULL)
            mapform_problem(mapping, mapping->from, keys[i],
                            "stands beside a chain; write it in each of its modules that needs it");
}

static void map_chain(struct mapping *mapping, json_t *list, const json_t *entry)
{
    static const char *const known[] = {
        "module", "connection", "module-config", "retry", "queue_name", "redis", NULL};
    const json_t *chain = json_object_get(entry, "chain");
    char base[SOURCE_POINTER_MAX], from[SOURCE_POINTER_MAX], index[24];

    source_pointer(base, mapping->from, "chain");
    if (json_object_get(entry, "module") != NULL || json_array_size(chain) == 0)
        mapform_problem(mapping, mapping->from, "chain",
                        "must be an array of modules, and stand without a module beside it");
    for (size_t i = 0; i < json_array_size(chain); i++) {
        json_t *item = json_array_get(chain, i);
        snprintf(index, sizeof(index), "%zu", i);
        source_pointer(from, base, index);
        json_t *value =
            json_is_string(item) ? json_pack("{s:O}", "module", item) : json_incref(item);
        if (json_is_object(value)) {
            mapform_check_keys(mapping, value, from, known);
            map_module(mapping, list, value, from);
        } else {
            mapform_problem(mapping, from, NULL, "must be the name of a module, or an object");
        }
        json_decref(value);
    }
    refuse_inherited(mapping, entry);
    read_chain_config(mapping, entry);
}

void mapform_modules(struct mapping *mapping, const json_t *entry)
{
    json_t *list = json_array();

    json_object_set_new(mapping->made, "modules", list);
    if (json_object_get(entry, "chain") != NULL) {
        map_chain(mapping, list, entry);
        return;
    }
    if (json_object_get(entry, "chain-config") != NULL)
        mapform_problem(mapping, mapping->from, "chain-config", "is for a chain");
    map_module(mapping, list, entry, mapping->from);
}
