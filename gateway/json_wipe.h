/* SPDX-License-Identifier: MIT */
/* JSON values of configuration files hold secrets: their memory is wiped when it is freed. */
#ifndef GATEWAY_JSON_WIPE_H
#define GATEWAY_JSON_WIPE_H

/* Before anything else uses jansson. */
void json_wipe_start(void);

#endif
