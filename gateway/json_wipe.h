/* SPDX-License-Identifier: MIT */
/* JSON values of configuration files hold secrets: their memory is wiped when it is freed. */
#ifndef GATEWAY_JSON_WIPE_H
#define GATEWAY_JSON_WIPE_H

/* Before anything else uses jansson. */
void json_wipe_start(void);

/*
 * How often jansson was refused memory in this thread so far. A string that it has no room for
 * loses a character, and nothing fails: who needs what was written compares before and after.
 */
unsigned json_wipe_failures(void);

#endif
