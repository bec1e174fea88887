/* SPDX-License-Identifier: MIT */
/*
 * Owns: what PostgreSQL's error codes mean for a backend connection and for a webhook.
 * (PostgreSQL documentation, appendix A.) Never does: look at a message. Lock: none.
 */
#include <string.h>

#include "conn.h"

/* The longest matching prefix decides: codes of five characters stand before their class. */
static const struct {
    const char *prefix;
    int status;
} codes[] = {
    {"08", WEIR_ELOST},           /* connection exception */
    {"0A000", WEIR_EUNPREPARED},  /* cached plan must not change result type */
    {"22", WEIR_EREJECTED},       /* data exception, 22P05 (\u0000) and 22003 among them */
    {"23", WEIR_EREJECTED},       /* integrity constraint violation */
    {"25006", WEIR_EREADONLY},    /* read-only transaction: not the primary any more */
    {"26000", WEIR_EUNPREPARED},  /* prepared statement does not exist */
    {"28", WEIR_EAUTH},           /* invalid authorization */
    {"3D000", WEIR_ECONFIG},      /* database does not exist */
    {"3F000", WEIR_ESCHEMA},      /* schema does not exist */
    {"40", WEIR_ECONFLICT},       /* serialization failure, deadlock */
    {"42501", WEIR_EDENIED},      /* insufficient privilege */
    {"42703", WEIR_ESCHEMA},      /* undefined column */
    {"42704", WEIR_ECONFIG},      /* undefined object: a parameter in options */
    {"42804", WEIR_ESCHEMA},      /* datatype mismatch */
    {"42883", WEIR_ESCHEMA},      /* undefined function: no cast to the column's type */
    {"428C9", WEIR_ESCHEMA},      /* a generated column */
    {"42P01", WEIR_EUNPREPARED},  /* undefined table */
    {"42P10", WEIR_ESCHEMA},      /* id is not unique */
    {"44", WEIR_EREJECTED},       /* check option of a view */
    {"53300", WEIR_ECROWDED},     /* too many connections */
    {"53", WEIR_ERESOURCE},       /* disk full, out of memory */
    {"54", WEIR_EREJECTED},       /* program limit exceeded: this row is too much */
    {"55P03", WEIR_ECONFLICT},    /* lock not available */
    {"57014", WEIR_EINTERRUPTED}, /* query cancelled */
    {"57P", WEIR_EDOWN},          /* shutting down, crashed, starting up, database dropped */
    {"58", WEIR_ELOST},           /* system error, I/O error */
    {"P0", WEIR_EREJECTED},       /* raised by a trigger, or its assertion */
};

/* The classes of the server's own codes. Any other is one that a trigger made up to refuse a row.
 */
static bool is_made_up(const char *sqlstate)
{
    static const char own[] =
        "00 01 02 03 08 09 0A 0B 0F 0L 0P 0Z 20 21 22 23 24 25 26 27 28 2B 2D 2F "
        "34 38 39 3B 3D 3F 40 42 44 53 54 55 57 58 72 F0 HV P0 XX ";

    if (strlen(sqlstate) != 5)
        return false;
    for (const char *at = own; *at != '\0'; at += 3)
        if (strncmp(at, sqlstate, 2) == 0)
            return false;
    return true;
}

int pg_classify(const char *sqlstate)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (strncmp(sqlstate, codes[i].prefix, strlen(codes[i].prefix)) == 0)
            return codes[i].status;
    return is_made_up(sqlstate) ? WEIR_EREJECTED : WEIR_EINTERNAL;
}
