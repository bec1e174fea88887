/* SPDX-License-Identifier: MIT */
/*
 * File descriptors: clients must not take those that backend connections, files and the listeners
 * need. Senders decide how many clients there are; nobody outside decides the rest.
 */
#ifndef GATEWAY_DESCRIPTORS_H
#define GATEWAY_DESCRIPTORS_H

#include "config.h"

/* Take as many descriptors as the system lets us (RLIMIT_NOFILE). At the start. */
void descriptors_raise(void);

/*
 * How many clients there may be at once: limits.connections, or fewer if the process's descriptors
 * would not suffice for them and for every backend connection of the configuration. Any thread.
 */
unsigned descriptors_for_clients(const struct config *config);

/* Tell the log if these are fewer than limits.connections, and what to do. */
void descriptors_complain(const struct config *config);

#endif
