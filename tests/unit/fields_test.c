/* SPDX-License-Identifier: MIT */
/* Values found in bodies, and what they convert into: the corners that servers would not show. */
#include "given.h"

#include "convert.h"
#include "rowset.h"

static struct schema *schema_of(const char *text, enum schema_dialect dialect)
{
    struct weir_settings *options = given("sqlite", WORDS("storage_mode=relational"));
    struct schema *schema;

    CHECK_INT(weir_settings_set_json(options, "schema", text, NULL), 0);
    CHECK_INT(schema_new(&schema, options, dialect, &error), 0);
    weir_settings_unref(&options);
    return schema;
}

static void check_found(const char *fields, const char *body, enum raw_kind kind, const char *text)
{
    struct schema *schema = schema_of(fields, SCHEMA_SQLITE);
    struct raw raws[SCHEMA_FIELDS_MAX];

    CHECK_INT(extract(schema, body, strlen(body), raws), 0);
    CHECK_INT(raws[0].kind, kind);
    if (text != NULL)
        CHECK_STRING(raws[0].text, text);
    for (unsigned i = 0; i < schema->fields_count; i++)
        raw_free(&raws[i]);
    schema_free(&schema);
}

static void values_are_found(void)
{
    static const char a[] = "{\"fields\":{\"a\":{}}}";
    static const char deep[] = "{\"fields\":{\"/a/b~1c/1\":{\"column\":\"x\"}}}";

    check_found(a, "{\"a\":1.50}", RAW_NUMBER, "1.50");
    check_found(a, "{\"a\":1,\"a\":\"two\"}", RAW_STRING, "two");
    check_found(a, "{\"a\":{\"a\": [ ]} , \"b\":0}", RAW_DOCUMENT, "{\"a\": [ ]}");
    check_found(a, "{\"b\":{\"a\":1}}", RAW_ABSENT, NULL);
    check_found(a, "{\"b\":[{\"a\":1}],\"a\":null}", RAW_NULL, NULL);
    check_found(a, "{\"\\u0061\":true}", RAW_TRUE, NULL);
    check_found(deep, "{\"a\":{\"b/c\":[7,8,9]}}", RAW_NUMBER, "8");
    check_found(deep, "{\"a\":{\"b/c\":{\"1\":[]}}}", RAW_DOCUMENT, "[]");
    check_found(deep, "{\"a\":[{\"b/c\":[7,8]}]}", RAW_ABSENT, NULL);
}

static void a_field_inside_of_a_field(void)
{
    struct schema *schema = schema_of("{\"fields\":{\"/a\":{\"column\":\"x\",\"type\":\"json\"},"
                                      "\"/a/b\":{\"column\":\"y\",\"type\":\"json\"}}}",
                                      SCHEMA_SQLITE);
    static const char body[] = "{\"a\":{\"b\":[1]}}";
    struct raw raws[SCHEMA_FIELDS_MAX];

    CHECK_INT(extract(schema, body, sizeof(body) - 1, raws), 0);
    CHECK_STRING(raws[0].text, "{\"b\":[1]}");
    CHECK_STRING(raws[1].text, "[1]");
    raw_free(&raws[0]);
    raw_free(&raws[1]);
    schema_free(&schema);
}

static void deeper_than_any_pointer(void)
{
    char body[400] = "{\"a\":";
    size_t len = strlen(body);

    memset(body + len, '[', 100);
    memset(body + len + 100, ']', 100);
    memcpy(body + len + 200, "}", 2);
    check_found("{\"fields\":{\"a\":{}}}", body, RAW_DOCUMENT, NULL);
    check_found("{\"fields\":{\"/a/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0\":{\"column\":\"x\"}}}", body,
                RAW_DOCUMENT, NULL);
}

static int status_of(enum raw_kind kind, const char *text, size_t len, enum schema_type type,
                     enum schema_dialect dialect)
{
    struct raw raw = {.kind = kind, .text = (char *)text, .len = len};
    char *out;
    size_t out_len;
    int status = convert(&raw, type, dialect, &out, &out_len);

    CHECK((status == 0) == (out != NULL));
    free(out);
    return status;
}

#define STATUS(kind, text, type, dialect) \
    status_of(kind, text, sizeof(text) - 1, type, SCHEMA_##dialect)

static void what_only_some_servers_take(void)
{
    static const char digits[] = "123456789012345678901234567890123456";
    char longest[301];

    CHECK_INT(STATUS(RAW_STRING, "a\0b", SCHEMA_TEXT, POSTGRESQL), WEIR_EREJECTED);
    CHECK_INT(STATUS(RAW_STRING, "a\0b", SCHEMA_TEXT, MYSQL), 0);
    CHECK_INT(STATUS(RAW_STRING, "a\0b", SCHEMA_DOCUMENT, POSTGRESQL), 0); /* as an escape */
    CHECK_INT(STATUS(RAW_NUMBER, digits, SCHEMA_DECIMAL, MYSQL), WEIR_EREJECTED);
    CHECK_INT(STATUS(RAW_NUMBER, digits, SCHEMA_DECIMAL, POSTGRESQL), 0);
    memset(longest, 'x', 300);
    CHECK_INT(status_of(RAW_STRING, longest, 256, SCHEMA_STRING, SCHEMA_MYSQL), WEIR_EREJECTED);
    CHECK_INT(status_of(RAW_STRING, longest, 255, SCHEMA_STRING, SCHEMA_MYSQL), 0);
    CHECK_INT(status_of(RAW_STRING, longest, 300, SCHEMA_STRING, SCHEMA_POSTGRESQL), 0);
}

static void strings_that_go_on_behind_a_nul(void)
{
    CHECK_INT(STATUS(RAW_STRING, "5\0", SCHEMA_INTEGER, SQLITE), WEIR_EREJECTED);
    CHECK_INT(STATUS(RAW_STRING, "2026-01-02\0", SCHEMA_DATE, SQLITE), WEIR_EREJECTED);
    CHECK_INT(STATUS(RAW_STRING, "2026-01-02T00:00:00Z\0", SCHEMA_TIMESTAMP, SQLITE),
              WEIR_EREJECTED);
}

static void doubles_keep_their_digits(void)
{
    CHECK_INT(STATUS(RAW_NUMBER, "9007199254740993", SCHEMA_NUMBER, SQLITE), WEIR_EREJECTED);
    CHECK_INT(STATUS(RAW_NUMBER, "9007199254740992", SCHEMA_NUMBER, SQLITE), 0);
    CHECK_INT(STATUS(RAW_NUMBER, "0.1", SCHEMA_NUMBER, SQLITE), 0);
    CHECK_INT(STATUS(RAW_NUMBER, "1e-400", SCHEMA_NUMBER, SQLITE), WEIR_EREJECTED);
    CHECK_INT(STATUS(RAW_NUMBER, "1e400", SCHEMA_NUMBER, SQLITE), WEIR_EREJECTED);
    CHECK_INT(STATUS(RAW_NUMBER, "0e5", SCHEMA_NUMBER, SQLITE), 0);
}

TEST_MAIN(TEST(values_are_found), TEST(a_field_inside_of_a_field), TEST(deeper_than_any_pointer),
          TEST(what_only_some_servers_take), TEST(strings_that_go_on_behind_a_nul),
          TEST(doubles_keep_their_digits))
