/* SPDX-License-Identifier: MIT */
/*
 * Owns: names with places in them. Never does: allocate. Lock: none; a template does not change.
 */
#include "template.h"

#include <stdint.h>
#include <string.h>

static int find_name(const char *const *names, const char *at, size_t len)
{
    for (int i = 0; names[i] != NULL; i++)
        if (strlen(names[i]) == len && memcmp(names[i], at, len) == 0)
            return i;
    return -1;
}

/* A literal byte lengthens the stretch it follows, or begins one. */
static bool add_byte(struct template *template, size_t *used, char byte)
{
    unsigned last = template->count - 1;

    if (*used + 1 >= sizeof(template->text))
        return false;
    if (template->count == 0 || template->parts[last].place >= 0) {
        if (template->count == TEMPLATE_PARTS_MAX)
            return false;
        last = template->count++;
        template->parts[last].place = -1;
    }
    template->text[(*used)++] = byte;
    template->parts[last].len++;
    return true;
}

const char *template_compile(struct template *template, const char *source,
                             const char *const *names)
{
    size_t used = 0;

    memset(template, 0, sizeof(*template));
    for (const char *at = source; *at != '\0'; at++) {
        bool brace = *at == '{' || *at == '}';
        if (!brace || at[1] == *at) {
            at += brace;
            if (!add_byte(template, &used, *at))
                return "is too long";
            continue;
        }
        const char *end = *at == '{' ? strchr(at, '}') : NULL;
        if (end == NULL)
            return "has a brace without its other half; write it twice to mean the brace itself";
        int place = find_name(names, at + 1, (size_t)(end - at - 1));
        if (place < 0)
            return "has a placeholder that is not known";
        if (template->count == TEMPLATE_PARTS_MAX)
            return "has too many placeholders";
        template->parts[template->count++].place = place;
        at = end;
    }
    return NULL;
}

bool template_is_literal(const struct template *template)
{
    for (unsigned i = 0; i < template->count; i++)
        if (template->parts[i].place >= 0)
            return false;
    return true;
}

size_t template_expand(const struct template *template, const char *const *values, char *out,
                       size_t size)
{
    const char *text = template->text;
    size_t used = 0;

    for (unsigned i = 0; i < template->count; i++) {
        int place = template->parts[i].place;
        const char *from = place < 0 ? text : values[place];
        size_t len = place < 0 ? template->parts[i].len : strlen(from);
        if (len >= size - used)
            return SIZE_MAX;
        memcpy(out + used, from, len);
        used += len;
        text += place < 0 ? len : 0;
    }
    if (used >= size)
        return SIZE_MAX;
    out[used] = '\0';
    return used;
}
