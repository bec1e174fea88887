/* SPDX-License-Identifier: MIT */
/* Memory that held a secret: overwritten before it is given back. */
#ifndef BASE_WIPE_H
#define BASE_WIPE_H

#include <stddef.h>

/* Overwrite; the compiler may not leave it out. */
void wipe(void *bytes, size_t len);

/* Overwrite a NUL-terminated string and free it; NULL is accepted. */
void wipe_free_string(char *string);

#endif
