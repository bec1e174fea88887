/* SPDX-License-Identifier: MIT */
/*
 * Owns: the two forms in which a body that need not be JSON is stored.
 * Never does: guess from its media type. Lock: none.
 */
#include "raw.h"

#include <string.h>

#include "base64.h"
#include "quote.h"
#include "text.h"

static enum payload_verdict as_text(const char *bytes, size_t len, const struct purse *purse,
                                    struct payload *out)
{
    size_t size = quote_size(bytes, len);

    if (!payload_resize(out, purse, size))
        return PAYLOAD_OVERLOADED;
    quote_put(out->bytes, bytes, len);
    out->len = size;
    return PAYLOAD_OK;
}

static enum payload_verdict as_base64(const char *bytes, size_t len, const struct purse *purse,
                                      struct payload *out)
{
    static const char before[] = "{\"base64\":\"", after[] = "\"}";
    size_t begin = sizeof(before) - 1, size = (len + 2) / 3 * 4;

    /* after's own NUL stands where base64_encode puts one. */
    if (!payload_resize(out, purse, begin + size + sizeof(after)))
        return PAYLOAD_OVERLOADED;
    memcpy(out->bytes, before, begin);
    base64_encode(BASE64_PLAIN, (const unsigned char *)bytes, len, out->bytes + begin, size + 1);
    memcpy(out->bytes + begin + size, after, sizeof(after));
    out->len = begin + size + sizeof(after) - 1;
    return PAYLOAD_OK;
}

enum payload_verdict raw_to_json(const char *bytes, size_t len, const struct purse *purse,
                                 struct payload *out)
{
    bool text = len == 0 || (memchr(bytes, '\0', len) == NULL && text_utf8_valid(bytes, len));

    return text ? as_text(bytes, len, purse, out) : as_base64(bytes, len, purse, out);
}
