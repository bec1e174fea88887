/* SPDX-License-Identifier: MIT */
/*
 * The chunked coding (RFC 9112, 7.1), read strictly: CRLF only, plain hexadecimal sizes, extensions
 * and trailers bounded and ignored.
 */
#ifndef GATEWAY_CHUNK_H
#define GATEWAY_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#define CHUNK_DIGITS_MAX     15         /* of a chunk's size */
#define CHUNK_EXTENSIONS_MAX (4u << 10) /* bytes of extensions in one body */
#define CHUNK_TRAILERS_MAX   (4u << 10) /* bytes of trailers */

enum chunk_verdict { CHUNK_MORE, CHUNK_DATA, CHUNK_END, CHUNK_BAD };

/* Where in the coding we are. Zero-initialise for each body. */
struct chunk {
    int state;
    unsigned digits;
    uint64_t left; /* bytes of the chunk to come */
    size_t extensions, trailers;
};

/*
 * Read on from *at, which moves on, at most to `end`. CHUNK_DATA: the next piece of the body is
 * *data, of *len bytes; call again. CHUNK_MORE: everything was read. CHUNK_END: the message ends
 * at *at.
 */
enum chunk_verdict chunk_read(struct chunk *chunk, const char **at, const char *end,
                              const char **data, size_t *len);

#endif
