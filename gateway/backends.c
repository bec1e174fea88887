/* SPDX-License-Identifier: MIT */
/* The backends this daemon was built with. */
#include "backends.h"

#include "disk_backend.h"
#include "log_backend.h"
#include "mysql_backend.h"
#include "postgresql.h"
#include "rabbitmq.h"
#include "redis.h"
#include "sqlite.h"

const struct weir_driver *const backend_drivers[] = {
    &postgresql_driver, &mysql_driver, &redis_driver, &rabbitmq_driver,
    &sqlite_driver,     &disk_driver,  &log_driver,   NULL};

const struct weir_sink *const backend_sinks[] = {&postgresql_sink, &mysql_sink,  &redis_sink,
                                                 &rabbitmq_sink,   &sqlite_sink, &disk_sink,
                                                 &log_sink,        NULL};
