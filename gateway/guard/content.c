/* SPDX-License-Identifier: MIT */
/*
 * Owns: templates of signed content, and what is asked of one before anything is signed.
 * Never does: look at a request (fill.c). Lock: none.
 */
#include <stdlib.h>
#include <string.h>

#include "content_parts.h"

static const struct {
    const char *name;
    enum piece_kind kind;
    bool argument;
} places[] = {{"method", PIECE_METHOD, false},
              {"url", PIECE_URL, false},
              {"url_with_port", PIECE_URL_WITH_PORT, false},
              {"url_without_port", PIECE_URL_WITHOUT_PORT, false},
              {"url_decoded", PIECE_URL_DECODED, false},
              {"path", PIECE_PATH, false},
              {"query", PIECE_QUERY, false},
              {"timestamp", PIECE_TIMESTAMP, false},
              {"id", PIECE_ID, false},
              {"body", PIECE_BODY, false},
              {"secret", PIECE_SECRET, false},
              {"form_sorted", PIECE_FORM, false},
              {"header", PIECE_HEADER, true},
              {"body", PIECE_JSON, true}};

void content_free(struct content **at)
{
    struct content *content = *at;

    *at = NULL;
    if (content == NULL)
        return;
    for (size_t i = 0; i < content->count; i++)
        free(content->pieces[i].text);
    free(content);
}

static int add(struct content *content, enum piece_kind kind, const char *text, size_t len,
               struct weir_error *error)
{
    if (content->count == CONTENT_PIECES_MAX)
        return weir_fail(error, WEIR_ELIMIT, "at most %d pieces", CONTENT_PIECES_MAX);
    struct piece *piece = &content->pieces[content->count];
    *piece = (struct piece){.kind = kind, .text = strndup(text, len)};
    if (piece->text == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    content->count++;
    return 0;
}

/* As a request has the names of its headers. */
static void lower(char *name)
{
    for (; *name != '\0'; name++)
        if (*name >= 'A' && *name <= 'Z')
            *name = (char)(*name | 0x20);
}

/* What stands between braces. */
static int add_place(struct content *content, const char *text, size_t len,
                     struct weir_error *error)
{
    const char *colon = memchr(text, ':', len);
    size_t name_len = colon == NULL ? len : (size_t)(colon - text);

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (strlen(places[i].name) != name_len || memcmp(places[i].name, text, name_len) != 0 ||
            places[i].argument != (colon != NULL))
            continue;
        if (!places[i].argument)
            return add(content, places[i].kind, "", 0, error);
        if (name_len + 1 == len || (places[i].kind == PIECE_JSON && colon[1] != '/'))
            break;
        int status = add(content, places[i].kind, colon + 1, len - name_len - 1, error);
        if (status == 0 && places[i].kind == PIECE_HEADER)
            lower(content->pieces[content->count - 1].text);
        return status;
    }
    return weir_fail(error, WEIR_EINVAL, "{%.*s} stands for nothing", (int)(len < 64 ? len : 64),
                     text);
}

static int add_next(struct content *content, const char **at, struct weir_error *error)
{
    size_t literal = strcspn(*at, "{");

    if (literal > 0 || (*at)[1] == '{') {
        size_t len = literal > 0 ? literal : 1;
        int status = add(content, PIECE_TEXT, *at, len, error);
        *at += literal > 0 ? literal : 2;
        return status;
    }
    const char *close = strchr(*at, '}');
    if (close == NULL)
        return weir_fail(error, WEIR_EINVAL, "a brace is not closed");
    const char *from = *at + 1;
    *at = close + 1;
    return add_place(content, from, (size_t)(close - from), error);
}

int content_new(struct content **out, const char *text, struct weir_error *error)
{
    struct content *content = calloc(1, sizeof(*content));
    int status = content == NULL ? weir_fail(error, WEIR_ENOMEM, "out of memory") : 0;

    while (status == 0 && *text != '\0')
        status = add_next(content, &text, error);
    if (status != 0)
        content_free(&content);
    *out = content;
    return status;
}

static bool has(const struct content *content, enum piece_kind kind)
{
    for (size_t i = 0; i < content->count; i++)
        if (content->pieces[i].kind == kind)
            return true;
    return false;
}

bool content_has_secret(const struct content *content)
{
    return has(content, PIECE_SECRET);
}

bool content_ends_in_secret(const struct content *content)
{
    return content->count > 0 && content->pieces[content->count - 1].kind == PIECE_SECRET;
}

bool content_has_places(const struct content *content)
{
    return has(content, PIECE_JSON);
}

bool content_has_body(const struct content *content)
{
    return has(content, PIECE_BODY);
}

bool content_has_form(const struct content *content)
{
    return has(content, PIECE_FORM);
}

bool content_has_url(const struct content *content)
{
    return has(content, PIECE_URL) || has(content, PIECE_URL_WITH_PORT) ||
           has(content, PIECE_URL_WITHOUT_PORT) || has(content, PIECE_URL_DECODED);
}

bool content_has_query(const struct content *content)
{
    return content_has_url(content) || has(content, PIECE_QUERY);
}

bool content_has_timestamp(const struct content *content)
{
    return has(content, PIECE_TIMESTAMP);
}

bool content_has_id(const struct content *content)
{
    return has(content, PIECE_ID);
}

static bool has_argument(const struct content *content, enum piece_kind kind, const char *text)
{
    for (size_t i = 0; i < content->count; i++)
        if (content->pieces[i].kind == kind && strcmp(content->pieces[i].text, text) == 0)
            return true;
    return false;
}

bool content_has_header(const struct content *content, const char *name)
{
    return has_argument(content, PIECE_HEADER, name);
}

bool content_has_place(const struct content *content, const char *pointer)
{
    return has_argument(content, PIECE_JSON, pointer);
}

const char *content_piece_name(const struct piece *piece)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (places[i].kind == piece->kind)
            return places[i].name;
    return NULL;
}
