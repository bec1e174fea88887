/* SPDX-License-Identifier: MIT */
/*
 * Bodies of any kind: what a form, or any bytes, become is JSON, within what they can grow to; and
 * a form that is refused leaves nothing.
 */
#include <string.h>

#include "enter.h"
#include "form.h"
#include "quote.h"
#include "raw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct payload form = {.bytes = NULL}, raw = {.bytes = NULL};
    char *copy = malloc(size + 1);

    PROMISE(copy != NULL);
    if (size > 0)
        memcpy(copy + 1, data, size);
    enum payload_verdict verdict = form_to_json(copy + 1, size, 50, &purse, &form);
    free(copy);
    PROMISE(verdict == PAYLOAD_OK || form.bytes == NULL);
    PROMISE(verdict != PAYLOAD_OK || is_json(form.bytes, form.len));
    drop(&form);
    PROMISE(raw_to_json((const char *)data, size, &purse, &raw) == PAYLOAD_OK);
    PROMISE(is_json(raw.bytes, raw.len));
    PROMISE(raw.len <= QUOTE_GROWTH_MAX * size + 14);
    drop(&raw);
    return 0;
}
