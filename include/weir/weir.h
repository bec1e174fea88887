/* SPDX-License-Identifier: MIT */
/* libweir: a registry of versioned connection pools. This header includes all of it. */
#ifndef WEIR_WEIR_H
#define WEIR_WEIR_H

#include <weir/async.h>
#include <weir/driver.h>
#include <weir/error.h>
#include <weir/observe.h>
#include <weir/registry.h>
#include <weir/settings.h>

#endif
