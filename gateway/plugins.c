/* SPDX-License-Identifier: MIT */
/*
 * Owns: the table of backends, and loading plugins into it.
 * Never does: unload one; threads may be in it. Lock: one mutex around the table.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "backends.h"

static struct {
    pthread_mutex_t mutex;
    const struct weir_driver *drivers[BACKENDS_MAX]; /* of plugins */
    const struct weir_sink *sinks[BACKENDS_MAX];
    void *handles[BACKENDS_MAX]; /* dlopen's; the same for the same file */
    size_t drivers_count, sinks_count, handles_count;
} table = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* ---- Looking up ------------------------------------------------------------------------------ */

static bool answers_to(const char *name, const char *const *aliases, const char *type)
{
    if (strcmp(name, type) == 0)
        return true;
    for (; aliases != NULL && *aliases != NULL; aliases++)
        if (strcmp(*aliases, type) == 0)
            return true;
    return false;
}

static const struct weir_driver *find_driver(const char *type)
{
    for (const struct weir_driver *const *at = backend_drivers; *at != NULL; at++)
        if (answers_to((*at)->name, (*at)->aliases, type))
            return *at;
    for (size_t i = 0; i < table.drivers_count; i++)
        if (answers_to(table.drivers[i]->name, table.drivers[i]->aliases, type))
            return table.drivers[i];
    return NULL;
}

static const struct weir_sink *find_sink(const char *type)
{
    for (const struct weir_sink *const *at = backend_sinks; *at != NULL; at++)
        if (answers_to((*at)->name, (*at)->aliases, type))
            return *at;
    for (size_t i = 0; i < table.sinks_count; i++)
        if (answers_to(table.sinks[i]->name, table.sinks[i]->aliases, type))
            return table.sinks[i];
    return NULL;
}

const struct weir_driver *backends_driver(const char *type)
{
    pthread_mutex_lock(&table.mutex);
    const struct weir_driver *driver = find_driver(type);
    pthread_mutex_unlock(&table.mutex);
    return driver;
}

const struct weir_sink *backends_sink(const char *type)
{
    pthread_mutex_lock(&table.mutex);
    const struct weir_sink *sink = find_sink(type);
    pthread_mutex_unlock(&table.mutex);
    return sink;
}

size_t backends_all(const struct weir_driver *drivers[BACKENDS_MAX])
{
    size_t count = 0;

    pthread_mutex_lock(&table.mutex);
    for (const struct weir_driver *const *at = backend_drivers; *at != NULL && count < BACKENDS_MAX;
         at++)
        drivers[count++] = *at;
    for (size_t i = 0; i < table.drivers_count && count < BACKENDS_MAX; i++)
        drivers[count++] = table.drivers[i];
    pthread_mutex_unlock(&table.mutex);
    return count;
}

size_t backends_sink_names(const char *names[BACKENDS_MAX])
{
    size_t count = 0;

    pthread_mutex_lock(&table.mutex);
    for (const struct weir_sink *const *at = backend_sinks; *at != NULL && count < BACKENDS_MAX;
         at++)
        names[count++] = (*at)->name;
    for (size_t i = 0; i < table.sinks_count && count < BACKENDS_MAX; i++)
        names[count++] = table.sinks[i]->name;
    pthread_mutex_unlock(&table.mutex);
    return count;
}

/* ---- Checking a plugin ----------------------------------------------------------------------- */

static int check_driver(const struct weir_driver *driver, struct weir_error *error)
{
    if (driver->abi != WEIR_DRIVER_ABI)
        return weir_fail(error, WEIR_EINVAL, "its driver is for ABI %u, this is %u", driver->abi,
                         WEIR_DRIVER_ABI);
    if (driver->name == NULL || driver->settings == NULL || driver->conn_size == 0 ||
        driver->open == NULL || driver->check == NULL || driver->interrupt == NULL ||
        driver->close == NULL || driver->classify == NULL)
        return weir_fail(error, WEIR_EINVAL,
                         "driver %s lacks one of settings, conn_size, open, "
                         "check, interrupt, close, classify",
                         driver->name == NULL ? "without a name" : driver->name);
    if (find_driver(driver->name) != NULL)
        return weir_fail(error, WEIR_EINVAL, "there is a driver called %s already", driver->name);
    return 0;
}

static int check_sink(const struct weir_sink *sink, struct weir_error *error)
{
    if (sink->abi != WEIR_SINK_ABI)
        return weir_fail(error, WEIR_EINVAL, "its sink is for ABI %u, this is %u", sink->abi,
                         WEIR_SINK_ABI);
    if (sink->name == NULL || sink->driver == NULL || sink->options == NULL ||
        sink->target_new == NULL || sink->target_free == NULL || sink->prepare == NULL ||
        sink->write == NULL)
        return weir_fail(error, WEIR_EINVAL,
                         "sink %s lacks one of driver, options, target_new, "
                         "target_free, prepare, write",
                         sink->name == NULL ? "without a name" : sink->name);
    if (find_sink(sink->name) != NULL)
        return weir_fail(error, WEIR_EINVAL, "there is a module called %s already", sink->name);
    return 0;
}

static int check_plugin(const struct weir_plugin *plugin, size_t *drivers, size_t *sinks,
                        struct weir_error *error)
{
    int status = 0;

    *drivers = *sinks = 0;
    if (plugin->abi != WEIR_PLUGIN_ABI)
        return weir_fail(error, WEIR_EINVAL, "it is for plugin ABI %u, this is %u", plugin->abi,
                         WEIR_PLUGIN_ABI);
    if (plugin->drivers == NULL || plugin->sinks == NULL)
        return weir_fail(error, WEIR_EINVAL, "it brings no drivers or no sinks");
    while (status == 0 && plugin->drivers[*drivers] != NULL)
        status = check_driver(plugin->drivers[(*drivers)++], error);
    while (status == 0 && plugin->sinks[*sinks] != NULL)
        status = check_sink(plugin->sinks[(*sinks)++], error);
    if (status == 0 && (table.drivers_count + *drivers > BACKENDS_MAX ||
                        table.sinks_count + *sinks > BACKENDS_MAX))
        status = weir_fail(error, WEIR_EINVAL, "there are more than %d backends", BACKENDS_MAX);
    return status;
}

/* ---- Loading --------------------------------------------------------------------------------- */

static bool is_loaded(const void *handle)
{
    for (size_t i = 0; i < table.handles_count; i++)
        if (table.handles[i] == handle)
            return true;
    return false;
}

static int take(void *handle, struct weir_error *error)
{
    const struct weir_plugin *plugin = dlsym(handle, "weir_plugin");
    size_t drivers, sinks;

    if (plugin == NULL)
        return weir_fail(error, WEIR_EINVAL, "it has no symbol weir_plugin");
    if (table.handles_count == BACKENDS_MAX)
        return weir_fail(error, WEIR_EINVAL, "there are more than %d plugins", BACKENDS_MAX);
    int status = check_plugin(plugin, &drivers, &sinks, error);
    if (status != 0)
        return status;
    for (size_t i = 0; i < drivers; i++)
        table.drivers[table.drivers_count++] = plugin->drivers[i];
    for (size_t i = 0; i < sinks; i++)
        table.sinks[table.sinks_count++] = plugin->sinks[i];
    table.handles[table.handles_count++] = handle;
    return 0;
}

int backends_load(const char *path, struct weir_error *error)
{
    int status = 0;

    if (path[0] != '/')
        return weir_fail(error, WEIR_EINVAL, "%s: must be an absolute path", path);
    pthread_mutex_lock(&table.mutex);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        status = weir_fail(error, WEIR_EINVAL, "%s", dlerror());
    else if (is_loaded(handle))
        dlclose(handle); /* one reference is enough */
    else
        status = take(handle, error);
    if (status != 0 && handle != NULL)
        dlclose(handle);
    pthread_mutex_unlock(&table.mutex);
    return status;
}
