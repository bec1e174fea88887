/* SPDX-License-Identifier: MIT */
/* Running one scenario file; its language stands in scenario.c. */
#ifndef SCENARIO_H
#define SCENARIO_H

#include <stdbool.h>

/* Every line does what it says, and no invariant is broken; else the reason was printed. */
bool scenario_run(const char *path);

/*
 * The same lines where allocations may fail: what a line expects does not matter, but no invariant
 * may be broken, nobody may be left waiting, and the registry must drain.
 */
bool scenario_survive(const char *path);

#endif
