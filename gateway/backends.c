/* SPDX-License-Identifier: MIT */
/* The backends this daemon was built with. */
#include "config.h"

#include "postgresql.h"
#include "sqlite.h"

const struct weir_driver *const backend_drivers[] = {&postgresql_driver, &sqlite_driver, NULL};

const struct weir_sink *const backend_sinks[] = {&postgresql_sink, &sqlite_sink, NULL};
