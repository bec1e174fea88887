/* SPDX-License-Identifier: MIT */
/*
 * Owns: what the error numbers of MySQL, MariaDB and libmariadb mean for a backend connection and
 * for a webhook. (MariaDB "Error Codes", MySQL "Server Error Reference".)
 * Never does: look at a message. Lock: none.
 */
#include <stdlib.h>
#include <string.h>

#include "conn.h"

static const struct {
    int number, status;
} codes[] = {
    {1020, WEIR_ECONFLICT},    /* record has changed since last read */
    {1021, WEIR_ERESOURCE},    /* disk full */
    {1030, WEIR_ERESOURCE},    /* error from the storage engine: no space, mostly */
    {1036, WEIR_ESCHEMA},      /* the table is read-only */
    {1037, WEIR_ERESOURCE},    /* out of memory */
    {1038, WEIR_ERESOURCE},    /* out of sort memory */
    {1040, WEIR_ECROWDED},     /* too many connections */
    {1041, WEIR_ERESOURCE},    /* out of memory */
    {1042, WEIR_ECONNECT},     /* bad host */
    {1043, WEIR_ECONNECT},     /* bad handshake */
    {1044, WEIR_EDENIED},      /* no access to this database */
    {1045, WEIR_EAUTH},        /* access denied */
    {1046, WEIR_ECONFIG},      /* no database selected */
    {1047, WEIR_EDOWN},        /* a Galera node that is not ready */
    {1048, WEIR_EREJECTED},    /* cannot be NULL */
    {1049, WEIR_ECONFIG},      /* unknown database */
    {1051, WEIR_EUNPREPARED},  /* unknown table */
    {1053, WEIR_EDOWN},        /* shutdown in progress */
    {1054, WEIR_ESCHEMA},      /* unknown column */
    {1062, WEIR_EREJECTED},    /* duplicate entry */
    {1077, WEIR_EDOWN},        /* normal shutdown */
    {1079, WEIR_EDOWN},        /* shutdown complete */
    {1114, WEIR_ERESOURCE},    /* the table is full */
    {1118, WEIR_EREJECTED},    /* row size too large */
    {1129, WEIR_ECONNECT},     /* host is blocked */
    {1130, WEIR_EAUTH},        /* host is not allowed */
    {1136, WEIR_ESCHEMA},      /* column count */
    {1142, WEIR_EDENIED},      /* no such privilege on the table */
    {1143, WEIR_EDENIED},      /* nor on the column */
    {1146, WEIR_EUNPREPARED},  /* no such table */
    {1153, WEIR_EREJECTED},    /* packet too large */
    {1158, WEIR_ELOST},        /* network read error */
    {1159, WEIR_ELOST},        /* network read time-out */
    {1160, WEIR_ELOST},        /* network write error */
    {1161, WEIR_ELOST},        /* network write time-out */
    {1203, WEIR_ECROWDED},     /* too many connections of this user */
    {1205, WEIR_ECONFLICT},    /* lock wait time-out */
    {1206, WEIR_ERESOURCE},    /* lock table full */
    {1213, WEIR_ECONFLICT},    /* deadlock */
    {1226, WEIR_ECROWDED},     /* user limit reached */
    {1227, WEIR_EDENIED},      /* a special privilege is needed */
    {1231, WEIR_ECONFIG},      /* wrong value for a session variable */
    {1243, WEIR_EUNPREPARED},  /* unknown prepared statement */
    {1264, WEIR_EREJECTED},    /* out of range */
    {1265, WEIR_EREJECTED},    /* data truncated */
    {1290, WEIR_EREADONLY},    /* --read-only */
    {1292, WEIR_EREJECTED},    /* wrong value */
    {1317, WEIR_EINTERRUPTED}, /* query was interrupted */
    {1364, WEIR_ESCHEMA},      /* a column of the table's own, without a default */
    {1366, WEIR_EREJECTED},    /* wrong value */
    {1369, WEIR_EREJECTED},    /* check option of a view */
    {1406, WEIR_EREJECTED},    /* too long */
    {1451, WEIR_EREJECTED},    /* foreign key */
    {1452, WEIR_EREJECTED},    /* foreign key */
    {1461, WEIR_ERESOURCE},    /* too many prepared statements */
    {1615, WEIR_EUNPREPARED},  /* must be prepared again */
    {1644, WEIR_EREJECTED},    /* SIGNAL in a trigger */
    {1690, WEIR_EREJECTED},    /* out of range */
    {1698, WEIR_EAUTH},        /* access denied, no password */
    {1792, WEIR_EREADONLY},    /* read-only transaction */
    {1820, WEIR_EAUTH},        /* the password has expired */
    {1836, WEIR_EREADONLY},    /* read-only mode */
    {1862, WEIR_EAUTH},        /* the password has expired */
    {1927, WEIR_ELOST},        /* connection was killed */
    {1969, WEIR_ECONFLICT},    /* max_statement_time */
    {2002, WEIR_ECONNECT},     /* cannot connect to the Unix socket */
    {2003, WEIR_ECONNECT},     /* cannot connect */
    {2005, WEIR_ERESOLVE},     /* unknown host */
    {2006, WEIR_ELOST},        /* server has gone away */
    {2007, WEIR_ECONNECT},     /* protocol mismatch */
    {2008, WEIR_ENOMEM},       /* client out of memory */
    {2012, WEIR_ECONNECT},     /* error in handshake */
    {2013, WEIR_ELOST},        /* connection lost during query */
    {2020, WEIR_EREJECTED},    /* packet too large */
    {2026, WEIR_ETLS},         /* TLS */
    {2027, WEIR_ELOST},        /* malformed packet */
    {2030, WEIR_EUNPREPARED},  /* statement not prepared */
    {2055, WEIR_ELOST},        /* connection lost, in detail */
    {2056, WEIR_EUNPREPARED},  /* statement closed */
    {2057, WEIR_EUNPREPARED},  /* new metadata */
    {2058, WEIR_ECONFIG},      /* plugin already there */
    {2059, WEIR_EAUTH},        /* no such authentication plugin */
    {2061, WEIR_EAUTH},        /* authentication plugin failed */
    {3024, WEIR_ECONFLICT},    /* max_execution_time */
    {3140, WEIR_EREJECTED},    /* invalid JSON text */
    {3159, WEIR_ETLS},         /* secure transport required */
    {3819, WEIR_EREJECTED},    /* CHECK constraint (MySQL) */
    {4025, WEIR_EREJECTED},    /* CHECK constraint (MariaDB) */
};

/* For numbers that are not in the table, a trigger's own among them: the class of the SQLSTATE. */
static const struct {
    const char *prefix;
    int status;
} states[] = {{"08", WEIR_ELOST}, {"22", WEIR_EREJECTED}, {"23", WEIR_EREJECTED},
              {"28", WEIR_EAUTH}, {"40", WEIR_ECONFLICT}, {"45", WEIR_EREJECTED}};

int my_classify(const char *native)
{
    char *end;
    long number = strtol(native, &end, 10);

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (codes[i].number == number)
            return codes[i].status;
    end += *end == ' ';
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (strncmp(end, states[i].prefix, 2) == 0)
            return states[i].status;
    return WEIR_EINTERNAL;
}
