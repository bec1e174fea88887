/* SPDX-License-Identifier: MIT */
/*
 * Owns: reading and checking `schema` and what belongs to it; impossible ones fail here.
 * Never does: look at a webhook (extract.c) or a server. Lock: none.
 */
#include "schema.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "convert.h"

/* ---- Names ----------------------------------------------------------------------------------- */

static const char *const own_columns[] = {"id", "webhook_id", "received_at", "payload", "headers"};

static const struct {
    const char *name;
    enum schema_type type;
} types[] = {
    {"string", SCHEMA_STRING},   {"text", SCHEMA_TEXT},           {"integer", SCHEMA_INTEGER},
    {"bigint", SCHEMA_INTEGER},  {"number", SCHEMA_NUMBER},       {"float", SCHEMA_NUMBER},
    {"double", SCHEMA_NUMBER},   {"decimal", SCHEMA_DECIMAL},     {"numeric", SCHEMA_DECIMAL},
    {"boolean", SCHEMA_BOOLEAN}, {"timestamp", SCHEMA_TIMESTAMP}, {"datetime", SCHEMA_TIMESTAMP},
    {"date", SCHEMA_DATE},       {"uuid", SCHEMA_UUID},           {"json", SCHEMA_DOCUMENT},
    {"jsonb", SCHEMA_DOCUMENT}};

const char *schema_sql_type(enum schema_dialect dialect, enum schema_type type)
{
    static const char *const names[SCHEMA_TYPES][3] = {
        [SCHEMA_ID] = {"uuid", "CHAR(36) CHARACTER SET ascii COLLATE ascii_bin", "TEXT"},
        [SCHEMA_NAME] = {"text", "VARCHAR(1024)", "TEXT"},
        [SCHEMA_RECEIVED] = {"timestamptz", "DATETIME(6)", "TEXT"},
        [SCHEMA_PAYLOAD] = {"jsonb", "JSON", "TEXT"},
        [SCHEMA_HEADERS] = {"jsonb", "JSON", "TEXT"},
        [SCHEMA_STRING] = {"text", "VARCHAR(255)", "TEXT"},
        [SCHEMA_TEXT] = {"text", "LONGTEXT", "TEXT"},
        [SCHEMA_INTEGER] = {"bigint", "BIGINT", "INTEGER"},
        [SCHEMA_NUMBER] = {"double precision", "DOUBLE", "REAL"},
        [SCHEMA_DECIMAL] = {"numeric", "DECIMAL(65,30)", "TEXT"},
        [SCHEMA_BOOLEAN] = {"boolean", "BOOLEAN", "INTEGER"},
        [SCHEMA_TIMESTAMP] = {"timestamptz", "DATETIME(6)", "TEXT"},
        [SCHEMA_DATE] = {"date", "DATE", "TEXT"},
        [SCHEMA_UUID] = {"uuid", "CHAR(36) CHARACTER SET ascii COLLATE ascii_bin", "TEXT"},
        [SCHEMA_DOCUMENT] = {"jsonb", "JSON", "TEXT"}};

    return names[type][dialect];
}

bool schema_is_identifier(const char *name, size_t len, size_t most)
{
    bool digit_first = len > 0 && name[0] >= '0' && name[0] <= '9';

    return len > 0 && len <= most && !digit_first &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") >= len;
}

static int bad(struct weir_error *error, const char *field, const char *what)
{
    return weir_fail_key(error, WEIR_EINVAL, "schema", "%s: %s", field, what);
}

static int read_identifier(char out[SCHEMA_IDENTIFIER_MAX], const char *name, const char *where,
                           struct weir_error *error)
{
    if (name == NULL || !schema_is_identifier(name, strlen(name), SCHEMA_IDENTIFIER_MAX - 1))
        return bad(error, where,
                   "needs a name of 1 to 63 letters, digits and underscores, not "
                   "beginning with a digit");
    memcpy(out, name, strlen(name) + 1);
    return 0;
}

/* ---- Fields ---------------------------------------------------------------------------------- */

/* RFC 6901; a name without a leading slash is one token as it stands. */
static int read_path(struct schema_field *field, struct weir_error *error)
{
    char *out = field->path;
    const char *at = field->name;

    if (*at != '/') {
        memcpy(out, at, strlen(at) + 1);
        field->tokens[field->tokens_count++] = out;
        return 0;
    }
    for (; *at == '/'; *out++ = '\0') {
        if (field->tokens_count == SCHEMA_TOKENS_MAX)
            return bad(error, field->name, "has too many parts");
        field->tokens[field->tokens_count++] = out;
        for (at++; *at != '/' && *at != '\0'; at++) {
            if (*at == '~' && at[1] != '0' && at[1] != '1')
                return bad(error, field->name, "is not a JSON pointer");
            *out++ = *at != '~' ? *at : (*++at == '0' ? '~' : '/');
        }
    }
    return 0;
}

static int read_name(struct schema_field *field, const char *name, struct weir_error *error)
{
    size_t len = strlen(name);

    if (len == 0 || len >= SCHEMA_NAME_MAX)
        return bad(error, name, "must have 1 to 127 bytes");
    for (const char *at = name; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == '"' || *at == '\\' || *at == 0x7f)
            return bad(error, name, "may not hold quotes, backslashes and control characters");
    memcpy(field->name, name, len + 1);
    return read_path(field, error);
}

static int read_type(struct schema_field *field, const json_t *value, struct weir_error *error)
{
    const char *name = value == NULL ? "string" : json_string_value(value);

    for (size_t i = 0; name != NULL && i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i].name, name) == 0) {
            field->type = types[i].type;
            return 0;
        }
    return bad(error, field->name,
               "type must be one of: string text integer bigint number float double decimal "
               "numeric boolean timestamp datetime date uuid json jsonb");
}

static bool same_word(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++)
        if ((*a | 0x20) != (*b | 0x20))
            return false;
    return *a == *b;
}

static int read_constraints(struct schema_field *field, const json_t *list,
                            struct weir_error *error)
{
    size_t i;
    json_t *value;

    if (list != NULL && !json_is_array(list))
        return bad(error, field->name, "constraints must be an array");
    json_array_foreach(list, i, value)
    {
        const char *word = json_string_value(value);
        if (word != NULL && same_word(word, "not null"))
            field->not_null = true;
        else if (word != NULL && same_word(word, "unique"))
            field->unique = true;
        else
            return bad(error, field->name,
                       "constraints may be \"not null\" and \"unique\"; the primary key is id");
    }
    return 0;
}

static int read_fallback(struct schema_field *field, const json_t *value, struct weir_error *error)
{
    if (value == NULL)
        return 0;
    field->fallback = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    return field->fallback != NULL ? 0 : weir_fail(error, WEIR_ENOMEM, "out of memory");
}

/* A default that its own column refuses would refuse every webhook that needs it. */
static int check_fallback(const struct schema *schema, const struct schema_field *field,
                          struct weir_error *error)
{
    struct raw raw = {.kind = RAW_ABSENT};
    char *text = NULL;
    size_t len;

    if (field->fallback == NULL)
        return 0;
    int status = extract_value(field->fallback, strlen(field->fallback), &raw);
    if (status == 0)
        status = convert(&raw, field->type, schema->dialect, &text, &len);
    free(text);
    raw_free(&raw);
    if (status == WEIR_EREJECTED)
        return bad(error, field->name, "default does not fit its type");
    return status == 0 ? 0 : weir_fail(error, status, "out of memory");
}

static int check_keys(const json_t *object, const char *where, const char *const *known,
                      struct weir_error *error)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value)
    {
        const char *const *at = known;
        while (*at != NULL && strcmp(*at, key) != 0)
            at++;
        if (*at == NULL)
            return weir_fail_key(error, WEIR_EINVAL, "schema", "%s: unknown key %s", where, key);
    }
    return 0;
}

static int check_column(const struct schema *schema, const struct schema_field *field,
                        struct weir_error *error)
{
    bool is_long = field->type == SCHEMA_DOCUMENT ||
                   (schema->dialect == SCHEMA_MYSQL && field->type == SCHEMA_TEXT);

    for (size_t i = 0; i < sizeof(own_columns) / sizeof(own_columns[0]); i++)
        if (same_word(field->column, own_columns[i]))
            return bad(error, field->name, "has the name of a column of weir's own");
    for (const struct schema_field *other = schema->fields; other < field; other++)
        if (same_word(field->column, other->column))
            return bad(error, field->name, "has the column of another field");
    if (field->unique && is_long)
        return bad(error, field->name, "a column of this type cannot be unique; take string");
    return 0;
}

static int read_field(struct schema *schema, const char *name, const json_t *object,
                      struct weir_error *error)
{
    static const char *const known[] = {"column", "type", "constraints", "default", NULL};
    struct schema_field *field = &schema->fields[schema->fields_count];
    const json_t *column = json_object_get(object, "column");

    if (schema->fields_count == SCHEMA_FIELDS_MAX)
        return bad(error, name, "there are more than 64 fields");
    schema->fields_count++; /* what it owns is freed with the schema, whatever happens */
    int status = read_name(field, name, error);
    if (status == 0 && !json_is_object(object))
        status = bad(error, name, "must be an object");
    if (status == 0)
        status = check_keys(object, name, known, error);
    if (status == 0)
        status = read_identifier(field->column, column == NULL ? name : json_string_value(column),
                                 name, error);
    if (status == 0)
        status = read_type(field, json_object_get(object, "type"), error);
    if (status == 0)
        status = read_constraints(field, json_object_get(object, "constraints"), error);
    if (status == 0)
        status = read_fallback(field, json_object_get(object, "default"), error);
    if (status == 0)
        status = check_fallback(schema, field, error);
    return status != 0 ? status : check_column(schema, field, error);
}

static int read_fields(struct schema *schema, const json_t *fields, struct weir_error *error)
{
    const char *name;
    json_t *object;

    if (!json_is_object(fields) || json_object_size(fields) == 0)
        return bad(error, "fields", "must be an object with at least one field");
    json_object_foreach((json_t *)fields, name, object)
    {
        int status = read_field(schema, name, object, error);
        if (status != 0)
            return status;
    }
    return 0;
}

static const struct schema_field *field_of(const struct schema *schema, const char *column)
{
    for (unsigned i = 0; i < schema->fields_count; i++)
        if (strcmp(schema->fields[i].column, column) == 0)
            return &schema->fields[i];
    return NULL;
}

/* ---- Indexes --------------------------------------------------------------------------------- */

static int check_indexed(const struct schema *schema, const char *name, const char *column,
                         struct weir_error *error)
{
    const struct schema_field *field = column == NULL ? NULL : field_of(schema, column);
    bool own =
        column != NULL && (strcmp(column, "webhook_id") == 0 || strcmp(column, "received_at") == 0);

    if (field == NULL && !own)
        return bad(error, name, "has a column that no field has");
    if (field != NULL && (field->type == SCHEMA_DOCUMENT ||
                          (schema->dialect == SCHEMA_MYSQL && field->type == SCHEMA_TEXT)))
        return bad(error, name, "has a column of a type that cannot be indexed; take string");
    if (own && schema->dialect == SCHEMA_MYSQL && strcmp(column, "webhook_id") == 0)
        return bad(error, name, "webhook_id is too long to be indexed by MySQL");
    return 0;
}

static int read_index(struct schema *schema, const char *name, const json_t *object,
                      struct weir_error *error)
{
    static const char *const known[] = {"columns", "unique", "type", NULL};
    struct schema_index *index = &schema->indexes[schema->indexes_count];
    const json_t *columns = json_object_get(object, "columns");
    const json_t *type = json_object_get(object, "type");
    size_t i;
    json_t *value;

    if (schema->indexes_count == SCHEMA_INDEXES_MAX)
        return bad(error, name, "there are more than 16 indexes");
    int status = read_identifier(index->name, name, name, error);
    if (status == 0)
        status = check_keys(object, name, known, error);
    if (status != 0)
        return status;
    if (json_array_size(columns) == 0 || json_array_size(columns) > SCHEMA_INDEX_COLUMNS)
        return bad(error, name, "columns must be an array of 1 to 8 columns");
    if (type != NULL && (!json_is_string(type) || strcmp(json_string_value(type), "btree") != 0))
        return bad(error, name, "type can only be btree");
    json_array_foreach(columns, i, value)
    {
        const char *column = json_string_value(value);
        status = check_indexed(schema, name, column, error);
        if (status != 0)
            return status;
        memcpy(index->columns[index->columns_count++], column, strlen(column) + 1);
    }
    index->unique = json_is_true(json_object_get(object, "unique"));
    schema->indexes_count++;
    return 0;
}

static int read_indexes(struct schema *schema, const json_t *indexes, struct weir_error *error)
{
    const char *name;
    json_t *object;

    if (indexes != NULL && !json_is_object(indexes))
        return bad(error, "indexes", "must be an object of indexes by name");
    json_object_foreach((json_t *)indexes, name, object)
    {
        int status = read_index(schema, name, object, error);
        if (status != 0)
            return status;
    }
    return 0;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static int read_text(struct schema *schema, const char *text, struct weir_error *error)
{
    static const char *const known[] = {"fields", "indexes", NULL};
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    if (!json_is_object(root)) {
        json_decref(root);
        return bad(error, "schema", "must be an object");
    }
    int status = check_keys(root, "schema", known, error);
    if (status == 0)
        status = read_fields(schema, json_object_get(root, "fields"), error);
    if (status == 0)
        status = read_indexes(schema, json_object_get(root, "indexes"), error);
    json_decref(root);
    return status;
}

static int read_upsert(struct schema *schema, const struct weir_settings *options,
                       struct weir_error *error)
{
    const char *key = weir_settings_string(options, "upsert_key", NULL);
    bool upsert = weir_settings_boolean(options, "upsert", false);

    if (!upsert && key != NULL)
        return weir_fail_key(error, WEIR_EINVAL, "upsert_key", "has no meaning without upsert");
    if (!upsert)
        return 0;
    if (key == NULL)
        return weir_fail_key(error, WEIR_EINVAL, "upsert_key", "is required with upsert");
    struct schema_field *field = (struct schema_field *)field_of(schema, key);
    if (field == NULL)
        return weir_fail_key(error, WEIR_EINVAL, "upsert_key", "no field has the column %s", key);
    field->unique = field->not_null = true;
    schema->upsert = field;
    for (unsigned i = 0; i < schema->fields_count; i++)
        if (schema->dialect == SCHEMA_MYSQL && schema->fields[i].unique &&
            &schema->fields[i] != field)
            return bad(error, schema->fields[i].name,
                       "a second unique column cannot stand beside upsert in MySQL, which would "
                       "replace the wrong row");
    return check_column(schema, field, error);
}

static void add_column(struct schema *schema, const char *name, enum schema_type type,
                       const struct schema_field *field)
{
    schema->columns[schema->columns_count++] = (struct schema_column){name, type, field};
}

static void list_columns(struct schema *schema, bool headers)
{
    add_column(schema, "id", SCHEMA_ID, NULL);
    add_column(schema, "webhook_id", SCHEMA_NAME, NULL);
    add_column(schema, "received_at", SCHEMA_RECEIVED, NULL);
    if (schema->mode != SCHEMA_RELATIONAL)
        add_column(schema, "payload", SCHEMA_PAYLOAD, NULL);
    if (headers)
        add_column(schema, "headers", SCHEMA_HEADERS, NULL);
    for (unsigned i = 0; i < schema->fields_count; i++)
        add_column(schema, schema->fields[i].column, schema->fields[i].type, &schema->fields[i]);
}

static int read_mode(struct schema *schema, const struct weir_settings *options,
                     struct weir_error *error)
{
    static const char *const modes[] = {"json", "relational", "hybrid"};
    const char *mode = weir_settings_string(options, "storage_mode", "json");

    for (int i = 0; i < 3; i++)
        if (strcmp(mode, modes[i]) == 0) {
            schema->mode = (enum schema_mode)i;
            return 0;
        }
    return weir_fail_key(error, WEIR_EINVAL, "storage_mode", "must be json, relational or hybrid");
}

static int read_all(struct schema *schema, const struct weir_settings *options,
                    struct weir_error *error)
{
    const char *text = weir_settings_json(options, "schema");
    int status = read_mode(schema, options, error);

    if (status != 0)
        return status;
    if (schema->mode == SCHEMA_JSON && text != NULL)
        return weir_fail_key(error, WEIR_EINVAL, "schema", "has no meaning in storage_mode json");
    if (schema->mode != SCHEMA_JSON && text == NULL)
        return weir_fail_key(error, WEIR_EINVAL, "schema", "is required in this storage_mode");
    if (text != NULL)
        status = read_text(schema, text, error);
    if (status == 0)
        status = read_upsert(schema, options, error);
    if (status == 0)
        list_columns(schema, weir_settings_boolean(options, "include_headers", true));
    return status;
}

int schema_new(struct schema **out, const struct weir_settings *options,
               enum schema_dialect dialect, struct weir_error *error)
{
    struct schema *schema = calloc(1, sizeof(*schema));

    *out = NULL;
    if (schema == NULL)
        return weir_fail(error, WEIR_ENOMEM, "out of memory");
    schema->dialect = dialect;
    int status = read_all(schema, options, error);
    if (status == 0)
        *out = schema;
    else
        schema_free(&schema);
    return status;
}

void schema_free(struct schema **at)
{
    struct schema *schema = *at;

    *at = NULL;
    if (schema == NULL)
        return;
    for (unsigned i = 0; i < schema->fields_count; i++)
        free(schema->fields[i].fallback);
    free(schema);
}
