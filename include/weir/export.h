/* SPDX-License-Identifier: MIT */
/* WEIR_EXPORT marks what libweir.so exports; everything else is hidden. */
#ifndef WEIR_EXPORT_H
#define WEIR_EXPORT_H

#define WEIR_EXPORT __attribute__((visibility("default")))

#endif
