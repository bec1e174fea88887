/* SPDX-License-Identifier: MIT */
/* What content.c reads and fill.c fills in. */
#ifndef GUARD_CONTENT_PARTS_H
#define GUARD_CONTENT_PARTS_H

#include "content.h"

enum piece_kind {
    PIECE_TEXT,
    PIECE_METHOD,
    PIECE_URL,
    PIECE_URL_WITH_PORT,
    PIECE_URL_WITHOUT_PORT,
    PIECE_URL_DECODED,
    PIECE_PATH,
    PIECE_QUERY,
    PIECE_TIMESTAMP,
    PIECE_ID,
    PIECE_BODY,
    PIECE_SECRET,
    PIECE_FORM,
    PIECE_HEADER,
    PIECE_JSON
};

struct piece {
    enum piece_kind kind;
    char *text; /* literal, or the argument */
};

struct content {
    struct piece pieces[CONTENT_PIECES_MAX];
    size_t count;
};

/* "header" of {header:x-id}; NULL: it is text. */
const char *content_piece_name(const struct piece *piece);

#endif
