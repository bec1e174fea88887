/* SPDX-License-Identifier: MIT */
/* The parts of the map form's translation, each in a file of its own. */
#ifndef GATEWAY_MAPFORM_PARTS_H
#define GATEWAY_MAPFORM_PARTS_H

#include "mapform.h"

/* The translation of one entry, or of one connection. */
struct mapping {
    struct source *source;
    const char *id;
    json_t *made;                  /* what it becomes */
    char from[SOURCE_POINTER_MAX]; /* where it is written */
    char to[SOURCE_POINTER_MAX];   /* where it will stand */
    json_t *connections;           /* all that there will be; those of a block are added */
    struct origins *origins;       /* of the file that is read */
    bool good;
};

/* A problem with a key of what is written at `base`. */
void mapform_problem(struct mapping *mapping, const char *base, const char *key, const char *format,
                     ...) __attribute__((format(printf, 4, 5)));

/* Each key must be one of `known` (ends with NULL). */
void mapform_check_keys(struct mapping *mapping, const json_t *object, const char *base,
                        const char *const *known);

/* What is written at base/key becomes member `name` of the object that will stand at `to`. */
void mapform_move(struct mapping *mapping, json_t *object, const char *to, const char *name,
                  const json_t *value, const char *base, const char *key);
/* The same of a value that is made of it. Takes the value. */
void mapform_set(struct mapping *mapping, json_t *object, const char *to, const char *name,
                 json_t *value, const char *base, const char *key);

/* What is written at base/key needs nothing: weir does so anyway. */
void mapform_note(struct mapping *mapping, const char *base, const char *key);

/* What is written at base/key becomes a member of a connection that is made of it. */
void mapform_tell(struct mapping *mapping, const char *base, const char *key,
                  const char *connection, const char *name);

/* Is what is written at `base` on? Nothing comes of it, unless it says so or says nothing. */
bool mapform_on(struct mapping *mapping, const json_t *object, const char *base);

/* A string with its variables, to decide by; malloc'd. NULL: it is none, or one is not set. */
char *mapform_expand(const json_t *value);

/* True or false; `fallback` if it is not there. */
bool mapform_flag(struct mapping *mapping, const json_t *object, const char *base, const char *key,
                  bool fallback);

/* "authorization", "basic_auth", "jwt" ... of the entry: its "auth". */
void mapform_auth(struct mapping *mapping, const json_t *entry);
/* "module" or "chain": its "modules". */
void mapform_modules(struct mapping *mapping, const json_t *entry);
/* "credential_cleanup": its "redact". */
void mapform_cleanup(struct mapping *mapping, const json_t *entry);
/* One entry of connections.json. */
void mapform_connection(struct mapping *mapping, const json_t *entry);

#endif
