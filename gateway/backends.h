/* SPDX-License-Identifier: MIT */
/*
 * The backends there are: those this daemon was built with, and those that plugins bring.
 *
 * A plugin is a shared object that exports `weir_plugin` (weir/sink.h). Once loaded it stays until
 * the process ends. Any thread.
 */
#ifndef GATEWAY_BACKENDS_H
#define GATEWAY_BACKENDS_H

#include <stddef.h>

#include <weir/sink.h>

#define BACKENDS_MAX 64 /* drivers, and as many sinks */

/* Built in (gateway/backends.c); end with NULL. */
extern const struct weir_driver *const backend_drivers[];
extern const struct weir_sink *const backend_sinks[];

/* By name or alias; NULL if there is none. */
const struct weir_driver *backends_driver(const char *type);
const struct weir_sink *backends_sink(const char *type);

/* The names of all sinks, at most BACKENDS_MAX; their number. */
size_t backends_sink_names(const char *names[BACKENDS_MAX]);

/* All drivers, at most BACKENDS_MAX; their number. */
size_t backends_all(const struct weir_driver *drivers[BACKENDS_MAX]);

/*
 * Load a plugin. All of it is taken, or nothing: WEIR_EINVAL says what is wrong with it. A file
 * that is loaded already is left as it is.
 */
int backends_load(const char *path, struct weir_error *error);

#endif
